#include <nyala/layers/activation.hpp>

namespace nyala {

ELU::ELU(ELUOptions options) : LayerOf(options), options_(options) {}

ELU ELU::from_config(const Config& config) {
  return ELU(with_base(ELUOptions{.alpha = config.get("alpha", 1.0)}, config));
}

Tensor ELU::forward(const Tensor& x, bool) { return elu(x, options_.alpha); }
Shape ELU::compute_output_shape(const Shape& input) const { return input; }

Config ELU::config() const {
  Config config = base_config();
  config["alpha"] = options_.alpha;
  return config;
}

}  // namespace nyala
