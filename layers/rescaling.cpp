#include <nyala/error.hpp>
#include <nyala/layers/preprocessing.hpp>
#include <nyala/ops.hpp>

namespace nyala {

namespace {

NumberOrList numbers(const Config& config) {
  if (!config.is_array()) return config.as_double();
  std::vector<double> values;
  for (const Config& item : config.items()) values.push_back(item.as_double());
  return values;
}

Config to_json(const NumberOrList& numbers) {
  return numbers.values().size() == 1 ? Config(numbers.values().front()) : Config(numbers.values());
}

Tensor along_last(const NumberOrList& numbers, DType dtype) {
  const std::vector<double>& values = numbers.values();
  if (values.size() == 1) return values.front();
  return cast(tensor(values, {static_cast<std::int64_t>(values.size())}), dtype);
}

}  // namespace

Rescaling::Rescaling(NumberOrList scale, RescalingOptions options)
    : LayerOf(options), scale_(std::move(scale)), options_(std::move(options)) {
  if (scale_.values().empty() || options_.offset.values().empty()) {
    throw Error("Rescaling: scale and offset need at least one number");
  }
}

Rescaling Rescaling::from_config(const Config& config) {
  RescalingOptions options;
  if (!config.get("offset").is_null()) options.offset = numbers(config.at("offset"));
  return Rescaling(numbers(config.at("scale")), with_base(options, config));
}

Tensor Rescaling::forward(const Tensor& x, bool) {
  const DType dtype = compute_dtype();
  return cast(x, dtype) * along_last(scale_, dtype) + along_last(options_.offset, dtype);
}

Shape Rescaling::compute_output_shape(const Shape& input) const { return input; }

Config Rescaling::config() const {
  Config config = base_config();
  config["scale"] = to_json(scale_);
  config["offset"] = to_json(options_.offset);
  return config;
}

}  // namespace nyala
