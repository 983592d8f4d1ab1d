#include <nyala/layers/preprocessing.hpp>

namespace nyala {

Rescaling::Rescaling(double scale, RescalingOptions options) : LayerOf(options), scale_(scale), options_(options) {}

Rescaling Rescaling::from_config(const Config& config) {
  return Rescaling(config.at("scale").as_double(),
                   with_base(RescalingOptions{.offset = config.get("offset", 0.0)}, config));
}

Tensor Rescaling::forward(const Tensor& x, bool) { return cast(x, compute_dtype()) * scale_ + options_.offset; }
Shape Rescaling::compute_output_shape(const Shape& input) const { return input; }

Config Rescaling::config() const {
  Config config = base_config();
  config["scale"] = scale_;
  config["offset"] = options_.offset;
  return config;
}

}  // namespace nyala
