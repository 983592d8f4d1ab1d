#include <nyala/layers/activation.hpp>

namespace nyala {

Activation::Activation(const ActivationRef& activation, BaseOptions options)
    : LayerOf(options), activation_(activation, "Activation") {
  track(activation_);
}

Activation Activation::from_config(const Config& config) {
  return Activation(activation_from_config(config.get("activation")), with_base(BaseOptions{}, config));
}

Tensor Activation::forward(const Tensor& x, bool) { return activation_(x); }
Shape Activation::compute_output_shape(const Shape& input) const { return input; }

Config Activation::config() const {
  Config config = base_config();
  config["activation"] = activation_.config();
  return config;
}

}  // namespace nyala
