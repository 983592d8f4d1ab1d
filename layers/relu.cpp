#include <nyala/error.hpp>
#include <nyala/layers/activation.hpp>

namespace nyala {

ReLU::ReLU(ReLUOptions options) : LayerOf(options), options_(options) {
  const auto check = [](const char* name, double value) {
    if (!(value >= 0.0))
      throw Error(std::string("ReLU: ") + name + " must not be negative, got " + std::to_string(value));
  };
  if (options.max_value) check("max_value", *options.max_value);
  check("negative_slope", options.negative_slope);
  check("threshold", options.threshold);
}

ReLU ReLU::from_config(const Config& config) {
  return ReLU(with_base(ReLUOptions{.max_value = config.optional_double("max_value"),
                                    .negative_slope = config.get("negative_slope", 0.0),
                                    .threshold = config.get("threshold", 0.0)},
                        config));
}

Tensor ReLU::forward(const Tensor& x, bool) {
  return relu(x, options_.negative_slope, options_.max_value, options_.threshold);
}

Shape ReLU::compute_output_shape(const Shape& input) const { return input; }

Config ReLU::config() const {
  Config config = base_config();
  config["max_value"] = options_.max_value;
  config["negative_slope"] = options_.negative_slope;
  config["threshold"] = options_.threshold;
  return config;
}

}  // namespace nyala
