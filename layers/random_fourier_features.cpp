#include <cmath>
#include <numbers>

#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializers.hpp>
#include <nyala/layers/keras2.hpp>
#include <nyala/ops.hpp>

namespace nyala {

RandomFourierFeatures::RandomFourierFeatures(int output_dim, RandomFourierFeaturesOptions options)
    : LayerOf(options), output_dim_(output_dim), options_(std::move(options)) {
  if (output_dim < 1)
    throw Error("RandomFourierFeatures: output_dim must be positive, got " + std::to_string(output_dim));
  if (options_.scale && !(*options_.scale > 0.0))
    throw Error("RandomFourierFeatures: scale must be positive, got " + std::to_string(*options_.scale));
  const Config& kernel = options_.kernel_initializer;
  if (kernel.is_string() && kernel != Config("gaussian") && kernel != Config("laplacian")) {
    throw Error(
        "RandomFourierFeatures: kernel_initializer must be \"gaussian\", \"laplacian\" or an initializer, got " +
        kernel.json().substr(0, 60));
  }
}

RandomFourierFeatures RandomFourierFeatures::from_config(const Config& config) {
  return RandomFourierFeatures(
      config.at("output_dim").as_int(),
      with_base(RandomFourierFeaturesOptions{.kernel_initializer = config.contains("kernel_initializer")
                                                                       ? config.at("kernel_initializer")
                                                                       : Config("gaussian"),
                                             .scale = config.optional_double("scale")},
                config));
}

void RandomFourierFeatures::build(const Shape& input) {
  if (input.rank() != 2 || input[1] == None)
    throw Error(label() + ": the input must have the shape (batch, features), got " + input.str());
  const Config& named = options_.kernel_initializer;
  const bool laplacian = named == Config("laplacian"), gaussian = named == Config("gaussian");
  InitializerRef initial = RandomUniform({.minval = -0.5, .maxval = 0.5});
  if (gaussian) initial = RandomNormal({.stddev = 1.0});
  if (!named.is_string()) initial = initializer_from_config(Config::object({{"kernel", named}}), "kernel", "zeros");
  const auto add = [this](const char* name, const Shape& shape, const InitializerRef& initializer) {
    return add_weight(name, shape, initializer, {.trainable = false, .dtype = DType::float32, .autocast = false});
  };
  // The scale is the first in files, whatever learns.
  if (!options_.scale) options_.scale = gaussian ? std::sqrt(static_cast<double>(input[1]) / 2.0) : 1.0;
  scale_ = add_weight("kernel_scale", {1}, Constant(*options_.scale),
                      {.dtype = DType::float32, .constraint = "non_neg", .autocast = false});
  kernel_ = add("unscaled_kernel", {input[1], output_dim_}, initial);
  // Cauchy's distribution.
  if (laplacian) kernel_.assign(tan(kernel_.value() * std::numbers::pi));
  bias_ = add("bias", {output_dim_}, RandomUniform({.minval = 0.0, .maxval = 2.0 * std::numbers::pi}));
}

Tensor RandomFourierFeatures::forward(const Tensor& x, bool) {
  return cos(matmul(cast(x, DType::float32), kernel_.value() / Tensor(scale_)) + bias_.value());
}

Shape RandomFourierFeatures::compute_output_shape(const Shape& input) const { return {input[0], output_dim_}; }

Config RandomFourierFeatures::config() const {
  Config config = base_config();
  config["output_dim"] = output_dim_;
  config["kernel_initializer"] = options_.kernel_initializer;
  config["scale"] = options_.scale;
  return config;
}

}  // namespace nyala
