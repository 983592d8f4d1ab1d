#include <nyala/error.hpp>
#include <nyala/layers/activation.hpp>

namespace nyala {

LeakyReLU::LeakyReLU(LeakyReLUOptions options) : LayerOf(options), options_(options) {
  if (!(options.negative_slope >= 0.0)) {
    throw Error("LeakyReLU: negative_slope must not be negative, got " + std::to_string(options.negative_slope));
  }
}

LeakyReLU LeakyReLU::from_config(const Config& config) {
  const double otherwise = config.get("alpha", 0.3);  // Keras 2's name
  return LeakyReLU(with_base(LeakyReLUOptions{.negative_slope = config.get("negative_slope", otherwise)}, config));
}

Tensor LeakyReLU::forward(const Tensor& x, bool) { return leaky_relu(x, options_.negative_slope); }
Shape LeakyReLU::compute_output_shape(const Shape& input) const { return input; }

Config LeakyReLU::config() const {
  Config config = base_config();
  config["negative_slope"] = options_.negative_slope;
  return config;
}

}  // namespace nyala
