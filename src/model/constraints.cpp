#include <nyala/constraints.hpp>

#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

namespace nyala {

namespace {

Tensor norms(const Tensor& w, const Axes& axis) { return sqrt(sum(square(w), axis, true)); }

Config axis_config(const Axes& axis) {
  if (axis.all()) return {};
  return axis.values().size() == 1 ? Config(axis.values().front()) : Config(axis.values());
}

Axes axis_from(const Config& config) {
  if (!config.contains("axis")) return 0;
  const Config& axis = config.at("axis");
  if (axis.is_null()) return {};
  std::vector<int> axes;
  for (const std::int64_t each : axis.as_integers()) axes.push_back(static_cast<int>(each));
  return axes;
}

/// Whole numbers as Keras' own default, 2, is written.
Config number_config(double value) {
  if (!(value >= 0.0 && value < 1e9)) return value;
  const auto whole = static_cast<std::int64_t>(value);
  return static_cast<double>(whole) == value ? Config(whole) : Config(value);
}

}  // namespace

MaxNorm::MaxNorm(MaxNormOptions options) : options_(std::move(options)) {
  if (!(options_.max_value >= 0.0))
    throw Error("MaxNorm: max_value must not be negative, got " + Config(options_.max_value).json());
}

Tensor MaxNorm::operator()(const Tensor& x) {
  const Tensor norm = norms(x, options_.axis);
  return x * (clip(norm, 0.0, options_.max_value) / (norm + epsilon()));
}

Config MaxNorm::config() const {
  return Config::object({{"max_value", number_config(options_.max_value)}, {"axis", axis_config(options_.axis)}});
}

MaxNorm MaxNorm::from_config(const Config& config) {
  return MaxNorm({.max_value = config.get("max_value", 2.0), .axis = axis_from(config)});
}

MinMaxNorm::MinMaxNorm(MinMaxNormOptions options) : options_(std::move(options)) {
  if (!(options_.min_value >= 0.0) || !(options_.max_value >= options_.min_value)) {
    throw Error("MinMaxNorm: 0 <= min_value <= max_value must hold, got " + Config(options_.min_value).json() +
                " and " + Config(options_.max_value).json());
  }
  if (!(options_.rate >= 0.0 && options_.rate <= 1.0))
    throw Error("MinMaxNorm: rate must be from 0 to 1, got " + Config(options_.rate).json());
}

Tensor MinMaxNorm::operator()(const Tensor& x) {
  const Tensor norm = norms(x, options_.axis);
  Tensor desired = clip(norm, options_.min_value, options_.max_value);
  if (options_.rate != 1.0) desired = desired * options_.rate + norm * (1.0 - options_.rate);
  return x * (desired / (norm + epsilon()));
}

Config MinMaxNorm::config() const {
  return Config::object({{"min_value", options_.min_value},
                         {"max_value", options_.max_value},
                         {"rate", options_.rate},
                         {"axis", axis_config(options_.axis)}});
}

MinMaxNorm MinMaxNorm::from_config(const Config& config) {
  return MinMaxNorm({.min_value = config.get("min_value", 0.0),
                     .max_value = config.get("max_value", 1.0),
                     .rate = config.get("rate", 1.0),
                     .axis = axis_from(config)});
}

Tensor NonNeg::operator()(const Tensor& x) { return maximum(x, 0); }

Tensor UnitNorm::operator()(const Tensor& x) { return x / (norms(x, options_.axis) + epsilon()); }

Config UnitNorm::config() const { return Config::object({{"axis", axis_config(options_.axis)}}); }

UnitNorm UnitNorm::from_config(const Config& config) { return UnitNorm({.axis = axis_from(config)}); }

}  // namespace nyala
