#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/layers/normalization.hpp>

namespace nyala {

RMSNormalization::RMSNormalization(RMSNormalizationOptions options) : LayerOf(options), options_(options) {
  if (!(options.epsilon > 0.0)) {
    throw Error("RMSNormalization: epsilon must be positive, got " + std::to_string(options.epsilon));
  }
}

RMSNormalization RMSNormalization::from_config(const Config& config) {
  RMSNormalizationOptions options{.epsilon = config.get("epsilon", 1e-6)};
  if (!config.get("axis").is_null()) {
    std::vector<int> axes;
    for (const std::int64_t axis : config.get("axis").as_integers()) axes.push_back(static_cast<int>(axis));
    options.axis = Axes(axes);
  }
  return RMSNormalization(with_base(options, config));
}

void RMSNormalization::build(const Shape& input) {
  Shape shape;
  for (const int axis : options_.axis.resolve(input.rank(), "RMSNormalization")) {
    shape.push_back(input.at(axis));
    if (shape.back() == None) {
      throw Error(label() + ": axis " + std::to_string(axis) + " must be known, the shape is " + input.str());
    }
  }
  scale_ = add_weight("scale", shape, "ones");
}

Tensor RMSNormalization::forward(const Tensor& x, bool) {
  return rms_normalization(x, scale_, options_.axis, options_.epsilon);
}

Shape RMSNormalization::compute_output_shape(const Shape& input) const {
  options_.axis.resolve(input.rank(), "RMSNormalization");
  return input;
}

Config RMSNormalization::config() const {
  Config config = base_config();
  std::vector<int> given = options_.axis.values();
  if (built()) std::sort(given.begin(), given.end());
  config["axis"] = built() || given.size() != 1 ? Config(given) : Config(given.front());
  config["epsilon"] = options_.epsilon;
  return config;
}

UnitNormalization::UnitNormalization(const Axes& axis, BaseOptions options) : LayerOf(options), axis_(axis) {}

UnitNormalization UnitNormalization::from_config(const Config& config) {
  std::vector<int> axes{-1};
  if (!config.get("axis").is_null()) {
    axes.clear();
    for (const std::int64_t axis : config.get("axis").as_integers()) axes.push_back(static_cast<int>(axis));
  }
  UnitNormalization layer(Axes(axes), with_base(BaseOptions{}, config));
  layer.axis_listed_ = config.get("axis").is_array();
  return layer;
}

Tensor UnitNormalization::forward(const Tensor& x, bool) {
  constexpr double smallest = 1e-12;
  return x * rsqrt(maximum(sum(square(x), axis_, true), smallest * smallest));
}

Shape UnitNormalization::compute_output_shape(const Shape& input) const {
  axis_.resolve(input.rank(), "UnitNormalization");
  return input;
}

Config UnitNormalization::config() const {
  Config config = base_config();
  const std::vector<int>& axes = axis_.values();
  config["axis"] = axes.size() == 1 && !axis_listed_ ? Config(axes.front()) : Config(axes);
  return config;
}

}  // namespace nyala
