#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layers/normalization.hpp>
#include <nyala/regularizer.hpp>

namespace nyala {

GroupNormalization::GroupNormalization(int groups, GroupNormalizationOptions options)
    : LayerOf(options), groups_(groups), options_(options) {
  if (groups < 1 && groups != -1) {
    throw Error("GroupNormalization: groups must be positive, or -1 for one channel each, got " +
                std::to_string(groups));
  }
  if (!(options.epsilon > 0.0)) {
    throw Error("GroupNormalization: epsilon must be positive, got " + std::to_string(options.epsilon));
  }
}

GroupNormalization GroupNormalization::from_config(const Config& config) {
  return GroupNormalization(
      config.get("groups", 32),
      with_base(
          GroupNormalizationOptions{.axis = config.get("axis", -1),
                                    .epsilon = config.get("epsilon", 1e-3),
                                    .center = config.get("center", true),
                                    .scale = config.get("scale", true),
                                    .beta_initializer = initializer_from_config(config, "beta_initializer", "zeros"),
                                    .gamma_initializer = initializer_from_config(config, "gamma_initializer", "ones"),
                                    .beta_regularizer = regularizer_from_config(config.get("beta_regularizer")),
                                    .gamma_regularizer = regularizer_from_config(config.get("gamma_regularizer")),
                                    .beta_constraint = constraint_from_config(config.get("beta_constraint")),
                                    .gamma_constraint = constraint_from_config(config.get("gamma_constraint"))},
          config));
}

void GroupNormalization::build(const Shape& input) {
  const std::int64_t channels = input.at(options_.axis);
  if (channels == None) {
    throw Error(label() + ": axis " + std::to_string(options_.axis) + " must be known, the shape is " + input.str());
  }
  if (groups_ == -1) groups_ = static_cast<int>(channels);
  if (channels < groups_ || channels % groups_ != 0) {
    throw Error(label() + ": the channels must divide by groups, got " + std::to_string(channels) + " channels and " +
                std::to_string(groups_) + " groups");
  }
  if (options_.scale) {
    gamma_ = add_weight("gamma", {channels}, options_.gamma_initializer,
                        {.regularizer = options_.gamma_regularizer, .constraint = options_.gamma_constraint});
  }
  if (options_.center) {
    beta_ = add_weight("beta", {channels}, options_.beta_initializer,
                       {.regularizer = options_.beta_regularizer, .constraint = options_.beta_constraint});
  }
  set_input_spec({{.axes = {{options_.axis, channels}}}});
}

Tensor GroupNormalization::forward(const Tensor& x, bool) {
  const Tensor y =
      group_normalization(x, options_.scale ? Tensor(gamma_) : Tensor(), options_.center ? Tensor(beta_) : Tensor(),
                          groups_, options_.axis, options_.epsilon);
  return cast(y, compute_dtype());
}

Shape GroupNormalization::compute_output_shape(const Shape& input) const { return input; }

Config GroupNormalization::config() const {
  Config config = base_config();
  config["groups"] = groups_;
  config["axis"] = options_.axis;
  config["epsilon"] = options_.epsilon;
  config["center"] = options_.center;
  config["scale"] = options_.scale;
  config["beta_initializer"] = to_config(options_.beta_initializer);
  config["gamma_initializer"] = to_config(options_.gamma_initializer);
  config["beta_regularizer"] = to_config(options_.beta_regularizer);
  config["gamma_regularizer"] = to_config(options_.gamma_regularizer);
  config["beta_constraint"] = to_config(options_.beta_constraint);
  config["gamma_constraint"] = to_config(options_.gamma_constraint);
  return config;
}

}  // namespace nyala
