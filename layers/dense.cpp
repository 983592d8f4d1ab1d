#include <nyala/error.hpp>
#include <nyala/layers/dense.hpp>

#include "weight_options.hpp"

namespace nyala {

Dense::Dense(int units, DenseOptions options)
    : LayerOf(options),
      WithLora("Dense", options.lora_rank, options.lora_alpha, !options.kernel_constraint.is_none()),
      units_(units),
      options_(options),
      activation_(options.activation, "Dense") {
  track(activation_);
  if (units < 1) throw Error("Dense: units must be positive, got " + std::to_string(units));
}

Dense Dense::from_config(const Config& config) {
  return Dense(config.at("units").as_int(),
               weight_options::from_config(DenseOptions{.lora_rank = config.optional_int("lora_rank"),
                                                        .lora_alpha = config.optional_int("lora_alpha")},
                                           config));
}

void Dense::build(const Shape& input) {
  if (input.rank() < 1 || input.back() == None) {
    throw Error(label() + ": the last axis of the input must be known, the shape is " + input.str() +
                (input.rank() == 1 ? " (a Dataset of single samples needs .batch(…))" : ""));
  }
  kernel_ = add_weight("kernel", {input.back(), units_}, options_.kernel_initializer,
                       {.regularizer = options_.kernel_regularizer, .constraint = options_.kernel_constraint});
  if (options_.use_bias) {
    bias_ = add_weight("bias", {units_}, options_.bias_initializer,
                       {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
  }
  make_lora();
  set_input_spec({{.min_rank = 2, .axes = {{-1, input.back()}}}});
}

void Dense::make_lora() {
  add_lora([this](const std::string& name, const Shape& shape, const InitializerRef& initial) {
    return this->add_weight(name, shape, initial,
                            {.dtype = DType::float32, .regularizer = options_.kernel_regularizer});
  });
}

void Dense::enable_lora(int rank, std::optional<int> lora_alpha) {
  ask_for_lora(label(), built(), rank, lora_alpha, !options_.kernel_constraint.is_none());
  make_lora();
}

Tensor Dense::forward(const Tensor& x, bool) {
  const Tensor bias = options_.use_bias ? Tensor(bias_) : Tensor();
  if (const auto fused = activation_.fused()) return dense(x, adapted_kernel(), bias, *fused);
  return activation_(dense(x, adapted_kernel(), bias));
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
  weight_options::write(config, options_, false);
  config["quantization_config"] = Config();
  lora_.write(config);
  return config;
}

}  // namespace nyala
