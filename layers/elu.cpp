#include <nyala/layers/activation.hpp>

namespace nyala {

ELU::ELU(ELUOptions options) : LayerOf(options), options_(options) {}

ELU ELU::from_config(const Config& config) {
  return ELU(with_base(ELUOptions{.alpha = config.get("alpha", 1.0)}, config));
}

Tensor ELU::forward(const Tensor& x, bool) { return elu(x, options_.alpha); }
Shape ELU::compute_output_shape(const Shape& input) const { return input; }

Config ELU::config() const {
  Config config = Config::object({{"name", name()}, {"alpha", options_.alpha}});
  const Config base = base_config();
  for (const auto& [key, value] : base.entries()) config[key] = value;
  return config;
}

}  // namespace nyala
