#include <algorithm>

#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layers/normalization.hpp>
#include <nyala/regularizer.hpp>

namespace nyala {

LayerNormalization::LayerNormalization(LayerNormalizationOptions options) : LayerOf(options), options_(options) {
  if (!(options.epsilon > 0.0)) {
    throw Error("LayerNormalization: epsilon must be positive, got " + std::to_string(options.epsilon));
  }
}

LayerNormalization LayerNormalization::from_config(const Config& config) {
  std::vector<int> axes{-1};
  if (!config.get("axis").is_null()) {
    axes.clear();
    for (const std::int64_t axis : config.get("axis").as_integers()) axes.push_back(static_cast<int>(axis));
  }
  return LayerNormalization(with_base(
      LayerNormalizationOptions{.axis = Axes(axes),
                                .epsilon = config.get("epsilon", 1e-3),
                                .center = config.get("center", true),
                                .scale = config.get("scale", true),
                                .rms_scaling = config.get("rms_scaling", false),
                                .beta_initializer = initializer_from_config(config, "beta_initializer", "zeros"),
                                .gamma_initializer = initializer_from_config(config, "gamma_initializer", "ones"),
                                .beta_regularizer = regularizer_from_config(config.get("beta_regularizer")),
                                .gamma_regularizer = regularizer_from_config(config.get("gamma_regularizer")),
                                .beta_constraint = constraint_from_config(config.get("beta_constraint")),
                                .gamma_constraint = constraint_from_config(config.get("gamma_constraint"))},
      config));
}

void LayerNormalization::build(const Shape& input) {
  axes_ = options_.axis.resolve(input.rank(), "LayerNormalization");
  Shape shape;
  for (const int axis : axes_) {
    shape.push_back(input.at(axis));
    if (shape.back() == None) {
      throw Error(label() + ": axis " + std::to_string(axis) + " must be known, the shape is " + input.str());
    }
  }
  if (options_.scale || options_.rms_scaling) {
    gamma_ = add_weight(
        "gamma", shape, options_.gamma_initializer,
        {.regularizer = options_.gamma_regularizer, .constraint = options_.gamma_constraint, .autocast = false});
  }
  if (options_.center && !options_.rms_scaling) {
    beta_ = add_weight(
        "beta", shape, options_.beta_initializer,
        {.regularizer = options_.beta_regularizer, .constraint = options_.beta_constraint, .autocast = false});
  }
}

Tensor LayerNormalization::forward(const Tensor& x, bool) {
  if (options_.rms_scaling) {
    const Tensor wide = is_floating(x.dtype()) && size_of(x.dtype()) >= 4 ? x : cast(x, DType::float32);
    Shape along(std::vector<std::int64_t>(x.shape().size(), 1));
    for (const int axis : axes_) along[static_cast<std::size_t>(axis)] = x.shape()[static_cast<std::size_t>(axis)];
    const Tensor scaled = wide * rsqrt(var(wide, Axes(axes_), true) + options_.epsilon);
    return cast(scaled * reshape(Tensor(gamma_), along), compute_dtype());
  }
  const Tensor y = layer_normalization(x, options_.scale ? Tensor(gamma_) : Tensor(),
                                       options_.center ? Tensor(beta_) : Tensor(), Axes(axes_), options_.epsilon);
  return cast(y, compute_dtype());
}

Shape LayerNormalization::compute_output_shape(const Shape& input) const {
  options_.axis.resolve(input.rank(), "LayerNormalization");
  return input;
}

Config LayerNormalization::config() const {
  Config config = base_config();
  std::vector<int> given = options_.axis.values();
  if (built()) std::sort(given.begin(), given.end());
  config["axis"] = !built() && given.size() == 1 ? Config(given.front()) : Config(given);
  config["epsilon"] = options_.epsilon;
  config["center"] = options_.center;
  config["scale"] = options_.scale;
  config["rms_scaling"] = options_.rms_scaling;
  config["beta_initializer"] = to_config(options_.beta_initializer);
  config["gamma_initializer"] = to_config(options_.gamma_initializer);
  config["beta_regularizer"] = to_config(options_.beta_regularizer);
  config["gamma_regularizer"] = to_config(options_.gamma_regularizer);
  config["beta_constraint"] = to_config(options_.beta_constraint);
  config["gamma_constraint"] = to_config(options_.gamma_constraint);
  return config;
}

}  // namespace nyala
