#include <nyala/layers/embedding.hpp>

namespace nyala {

Masking::Masking(double mask_value, BaseOptions options) : LayerOf(options), mask_value_(mask_value) {}

Masking Masking::from_config(const Config& config) {
  return Masking(config.get("mask_value", 0.0), with_base(BaseOptions{}, config));
}

Tensor Masking::forward(const Tensor& x, bool) {
  const Tensor keep = any(not_equal(x, mask_value_), -1, true);
  return (x * cast(keep, x.dtype())).with_mask(squeeze(keep, -1));
}

std::vector<Tensor> Masking::compute_masks(const Tensors& inputs, const std::vector<Tensor>&) const {
  return {any(not_equal(inputs.only(), mask_value_), -1)};
}

Shape Masking::compute_output_shape(const Shape& input) const { return input; }

Config Masking::config() const {
  Config config = base_config();
  config["mask_value"] = mask_value_;
  return config;
}

Identity::Identity(BaseOptions options) : LayerOf(options) {}
Identity Identity::from_config(const Config& config) { return Identity(with_base(BaseOptions{}, config)); }
Tensor Identity::forward(const Tensor& x, bool) { return x; }
Shape Identity::compute_output_shape(const Shape& input) const { return input; }
Config Identity::config() const { return base_config(); }

}  // namespace nyala
