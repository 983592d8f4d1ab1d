#include <cmath>

#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layers/normalization.hpp>
#include <nyala/regularizer.hpp>

namespace nyala {

BatchNormalization::BatchNormalization(BatchNormalizationOptions options) : LayerOf(options), options_(options) {
  if (!(options.epsilon > 0.0)) {
    throw Error("BatchNormalization: epsilon must be positive, got " + std::to_string(options.epsilon));
  }
  const RenormClipping& clipping = options.renorm_clipping;
  if (clipping.rmax && clipping.rmin && *clipping.rmax < *clipping.rmin) {
    throw Error("BatchNormalization: renorm_clipping needs rmax >= rmin, got " + std::to_string(*clipping.rmax) +
                " and " + std::to_string(*clipping.rmin));
  }
  if (clipping.dmax && *clipping.dmax < 0.0) {
    throw Error("BatchNormalization: renorm_clipping needs dmax >= 0, got " + std::to_string(*clipping.dmax));
  }
}

BatchNormalization BatchNormalization::from_config(const Config& config) {
  RenormClipping clipping;
  if (config.get("renorm_clipping").is_object()) {
    const Config& given = config.get("renorm_clipping");
    clipping = {.rmax = given.optional_double("rmax"),
                .rmin = given.optional_double("rmin"),
                .dmax = given.optional_double("dmax")};
  }
  const Config& given_axis = config.get("axis");
  const bool listed = given_axis.is_array() && given_axis.size() == 1;
  return BatchNormalization(with_base(
      BatchNormalizationOptions{
          .axis = listed ? given_axis[0].as_int() : config.get("axis", -1),
          .momentum = config.get("momentum", 0.99),
          .epsilon = config.get("epsilon", 1e-3),
          .center = config.get("center", true),
          .scale = config.get("scale", true),
          .beta_initializer = initializer_from_config(config, "beta_initializer", "zeros"),
          .gamma_initializer = initializer_from_config(config, "gamma_initializer", "ones"),
          .moving_mean_initializer = initializer_from_config(config, "moving_mean_initializer", "zeros"),
          .moving_variance_initializer = initializer_from_config(config, "moving_variance_initializer", "ones"),
          .beta_regularizer = regularizer_from_config(config.get("beta_regularizer")),
          .gamma_regularizer = regularizer_from_config(config.get("gamma_regularizer")),
          .beta_constraint = constraint_from_config(config.get("beta_constraint")),
          .gamma_constraint = constraint_from_config(config.get("gamma_constraint")),
          .synchronized = config.get("synchronized", false),
          .renorm = config.get("renorm", false),
          .renorm_clipping = clipping,
          .renorm_momentum = config.get("renorm_momentum", 0.99)},
      config));
}

void BatchNormalization::build(const Shape& input) {
  const std::int64_t channels = input.at(options_.axis);
  if (channels == None) {
    throw Error(label() + ": axis " + std::to_string(options_.axis) + " must be known, the shape is " + input.str());
  }
  if (options_.scale) {
    gamma_ = add_weight(
        "gamma", {channels}, options_.gamma_initializer,
        {.regularizer = options_.gamma_regularizer, .constraint = options_.gamma_constraint, .autocast = false});
  }
  if (options_.center) {
    beta_ = add_weight(
        "beta", {channels}, options_.beta_initializer,
        {.regularizer = options_.beta_regularizer, .constraint = options_.beta_constraint, .autocast = false});
  }
  moving_mean_ =
      add_weight("moving_mean", {channels}, options_.moving_mean_initializer, {.trainable = false, .autocast = false});
  moving_variance_ = add_weight("moving_variance", {channels}, options_.moving_variance_initializer,
                                {.trainable = false, .autocast = false});
  if (options_.renorm) {
    const InitializerRef root = [variance = options_.moving_variance_initializer](const Shape& shape, DType dtype) {
      return sqrt((*resolve(variance, "BatchNormalization: moving_variance_initializer"))(shape, dtype));
    };
    const WeightOptions statistic{.trainable = false, .autocast = false};
    moving_stddev_ = add_weight("moving_stddev", {channels}, root, statistic);
    renorm_mean_ = add_weight("renorm_mean", {channels}, options_.moving_mean_initializer, statistic);
    renorm_stddev_ = add_weight("renorm_stddev", {channels}, root, statistic);
  }
  set_input_spec({{.axes = {{options_.axis, channels}}}});
}

Tensors BatchNormalization::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor& x = inputs.only();
  const Tensor gamma = options_.scale ? Tensor(gamma_) : Tensor();
  const Tensor beta = options_.center ? Tensor(beta_) : Tensor();
  if (!context.training || !trainable()) {
    return batch_normalization(x, moving_mean_, moving_variance_, options_.axis, beta, gamma, options_.epsilon);
  }
  const Tensor mask = context.masks.empty() ? Tensor() : context.masks.front();
  if (mask.defined() && mask.rank() != x.rank() - 1) {
    throw Error("the mask must have the input's shape without its last axis, " + mask.shape().str() + " for " +
                x.shape().str());
  }
  if (options_.renorm) return renormalised(x, gamma, beta, mask);
  const BatchNormResult result = batch_norm_train(x, gamma, beta, options_.axis, options_.epsilon, mask);
  const StopRecording stop;
  const double kept = options_.momentum;
  const auto move = [kept](const Variable& average, const Tensor& now) {
    average.assign(average.value() * kept + cast(now, average.dtype()) * (1.0 - kept));
  };
  move(moving_mean_, result.mean);
  move(moving_variance_, result.variance);
  return result.y;
}

Tensor BatchNormalization::renormalised(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mask) {
  const RenormClipping& clipping = options_.renorm_clipping;
  Tensor r, d;
  {
    const StopRecording stop;
    const BatchNormResult batch = batch_norm_train(x, {}, {}, options_.axis, options_.epsilon, mask);
    const Tensor mean = batch.mean, stddev = sqrt(batch.variance + options_.epsilon);
    const Tensor known = maximum(renorm_stddev_.value(), std::sqrt(options_.epsilon));
    r = stddev / known;
    d = (mean - renorm_mean_.value()) / known;
    if (clipping.rmin) r = maximum(r, *clipping.rmin);
    if (clipping.rmax) r = minimum(r, *clipping.rmax);
    if (clipping.dmax) d = clip(d, -*clipping.dmax, *clipping.dmax);
    const auto move = [](const Variable& average, const Tensor& now, double kept) {
      average.assign(average.value() * kept + cast(now, average.dtype()) * (1.0 - kept));
    };
    move(renorm_mean_, mean, options_.renorm_momentum);
    move(renorm_stddev_, stddev, options_.renorm_momentum);
    move(moving_mean_, mean, options_.momentum);
    move(moving_stddev_, stddev, options_.momentum);
    moving_variance_.assign(relu(square(moving_stddev_.value()) - options_.epsilon));
  }
  const Tensor scale = gamma.defined() ? r * gamma : r;
  const Tensor moved = gamma.defined() ? d * gamma : d;
  const Tensor offset = beta.defined() ? moved + beta : moved;
  return batch_norm_train(x, scale, offset, options_.axis, options_.epsilon, mask).y;
}

Shape BatchNormalization::compute_output_shape(const Shape& input) const { return input; }

Config BatchNormalization::config() const {
  Config config = base_config();
  config["axis"] = options_.axis;
  config["momentum"] = options_.momentum;
  config["epsilon"] = options_.epsilon;
  config["center"] = options_.center;
  config["scale"] = options_.scale;
  config["beta_initializer"] = to_config(options_.beta_initializer);
  config["gamma_initializer"] = to_config(options_.gamma_initializer);
  config["moving_mean_initializer"] = to_config(options_.moving_mean_initializer);
  config["moving_variance_initializer"] = to_config(options_.moving_variance_initializer);
  config["beta_regularizer"] = to_config(options_.beta_regularizer);
  config["gamma_regularizer"] = to_config(options_.gamma_regularizer);
  config["beta_constraint"] = to_config(options_.beta_constraint);
  config["gamma_constraint"] = to_config(options_.gamma_constraint);
  config["synchronized"] = options_.synchronized;
  config["renorm"] = options_.renorm;
  config["renorm_clipping"] = Config();
  if (options_.renorm) {
    config["renorm_clipping"] = Config::object();
    const RenormClipping& clipping = options_.renorm_clipping;
    if (clipping.rmax) config["renorm_clipping"]["rmax"] = *clipping.rmax;
    if (clipping.rmin) config["renorm_clipping"]["rmin"] = *clipping.rmin;
    if (clipping.dmax) config["renorm_clipping"]["dmax"] = *clipping.dmax;
  }
  config["renorm_momentum"] = options_.renorm_momentum;
  return config;
}

}  // namespace nyala
