#include <nyala/layers/preprocessing.hpp>
#include <nyala/ops.hpp>

namespace nyala {

Rescaling::Rescaling(double scale, RescalingOptions options) : LayerOf(options), scale_(scale), options_(options) {}

namespace {

/// Nested lists of numbers; a null tensor for one number.
Tensor list_of(const Config& config) {
  if (!config.is_array()) return {};
  std::vector<double> numbers;
  for (const Config& item : config.items()) numbers.push_back(item.as_double());
  return tensor(numbers);
}

}  // namespace

Rescaling Rescaling::from_config(const Config& config) {
  const Config &scale = config.at("scale"), &offset = config.get("offset");
  Rescaling layer(scale.is_array() ? 1.0 : scale.as_double(),
                  with_base(RescalingOptions{.offset = offset.is_array() ? 0.0 : config.get("offset", 0.0)}, config));
  layer.scales_ = list_of(scale);
  layer.offsets_ = list_of(offset);
  return layer;
}

Tensor Rescaling::forward(const Tensor& x, bool) {
  const DType dtype = compute_dtype();
  const Tensor scale = scales_.defined() ? cast(scales_, dtype) : Tensor(scale_);
  const Tensor offset = offsets_.defined() ? cast(offsets_, dtype) : Tensor(options_.offset);
  return cast(x, dtype) * scale + offset;
}
Shape Rescaling::compute_output_shape(const Shape& input) const { return input; }

Config Rescaling::config() const {
  Config config = base_config();
  config["scale"] = scales_.defined() ? Config(scales_.to_vector<double>()) : Config(scale_);
  config["offset"] = offsets_.defined() ? Config(offsets_.to_vector<double>()) : Config(options_.offset);
  return config;
}

}  // namespace nyala
