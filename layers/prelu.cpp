#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layers/activation.hpp>
#include <nyala/regularizer.hpp>

namespace nyala {

PReLU::PReLU(PReLUOptions options) : LayerOf(options), options_(options) {}

PReLU PReLU::from_config(const Config& config) {
  PReLUOptions options{.alpha_initializer = initializer_from_config(config, "alpha_initializer", "zeros"),
                       .alpha_regularizer = regularizer_from_config(config.get("alpha_regularizer")),
                       .alpha_constraint = constraint_from_config(config.get("alpha_constraint"))};
  if (!config.get("shared_axes").is_null()) {
    for (const std::int64_t axis : config.get("shared_axes").as_integers()) {
      options.shared_axes.push_back(static_cast<int>(axis));
    }
  }
  return PReLU(with_base(options, config));
}

void PReLU::build(const Shape& input) {
  Shape shape(input.begin() + 1, input.end());
  for (const int axis : options_.shared_axes) {
    if (axis < 1 || axis > shape.rank()) {
      throw Error(label() + ": shared_axes counts from 1 to " + std::to_string(shape.rank()) + ", got " +
                  std::to_string(axis));
    }
    shape[static_cast<std::size_t>(axis - 1)] = 1;
  }
  alpha_ = add_weight("alpha", shape, options_.alpha_initializer,
                      {.regularizer = options_.alpha_regularizer, .constraint = options_.alpha_constraint});
}

Tensor PReLU::forward(const Tensor& x, bool) { return relu(x) - Tensor(alpha_) * relu(-x); }
Shape PReLU::compute_output_shape(const Shape& input) const { return input; }

Config PReLU::config() const {
  Config config = base_config();
  config["alpha_initializer"] = to_config(options_.alpha_initializer);
  config["alpha_regularizer"] = to_config(options_.alpha_regularizer);
  config["alpha_constraint"] = to_config(options_.alpha_constraint);
  config["shared_axes"] = options_.shared_axes.empty() ? Config() : Config(options_.shared_axes);
  return config;
}

}  // namespace nyala
