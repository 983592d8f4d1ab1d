#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layers/dense.hpp>
#include <nyala/regularizer.hpp>

namespace nyala {

Dense::Dense(int units, DenseOptions options)
    : LayerOf(options), units_(units), options_(options), activation_(options.activation, "Dense") {
  if (units < 1) throw Error("Dense: units must be positive, got " + std::to_string(units));
}

Dense Dense::from_config(const Config& config) {
  return Dense(config.at("units").as_int(),
               with_base(DenseOptions{.activation = activation_from_config(config.get("activation")),
                                      .use_bias = config.get("use_bias", true),
                                      .kernel_initializer =
                                          initializer_from_config(config, "kernel_initializer", "glorot_uniform"),
                                      .bias_initializer = initializer_from_config(config, "bias_initializer", "zeros"),
                                      .kernel_regularizer = regularizer_from_config(config.get("kernel_regularizer")),
                                      .bias_regularizer = regularizer_from_config(config.get("bias_regularizer")),
                                      .kernel_constraint = constraint_from_config(config.get("kernel_constraint")),
                                      .bias_constraint = constraint_from_config(config.get("bias_constraint"))},
                         config));
}

void Dense::build(const Shape& input) {
  if (input.rank() < 1 || input.back() == None) {
    throw Error(label() + ": the last axis of the input must be known, the shape is " + input.str());
  }
  kernel_ = add_weight("kernel", {input.back(), units_}, options_.kernel_initializer,
                       {.regularizer = options_.kernel_regularizer, .constraint = options_.kernel_constraint});
  if (options_.use_bias) {
    bias_ = add_weight("bias", {units_}, options_.bias_initializer,
                       {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
  }
  set_input_spec({{.min_rank = 2, .axes = {{-1, input.back()}}}});
}

Tensor Dense::forward(const Tensor& x, bool) {
  const Tensor bias = options_.use_bias ? Tensor(bias_) : Tensor();
  if (const auto fused = activation_.fused()) return dense(x, kernel_, bias, *fused);
  return activation_(dense(x, kernel_, bias));
}

Shape Dense::compute_output_shape(const Shape& input) const {
  Shape output = input;
  output.back() = units_;
  return output;
}

Config Dense::config() const {
  Config config = base_config();
  config["units"] = units_;
  config["activation"] = activation_.config();
  config["use_bias"] = options_.use_bias;
  config["kernel_initializer"] = to_config(options_.kernel_initializer);
  config["bias_initializer"] = to_config(options_.bias_initializer);
  config["kernel_regularizer"] = to_config(options_.kernel_regularizer);
  config["bias_regularizer"] = to_config(options_.bias_regularizer);
  config["kernel_constraint"] = to_config(options_.kernel_constraint);
  config["bias_constraint"] = to_config(options_.bias_constraint);
  config["quantization_config"] = Config();
  return config;
}

}  // namespace nyala
