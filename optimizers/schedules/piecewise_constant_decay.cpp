#include <algorithm>

#include <nyala/schedules.hpp>

#include "checks.hpp"

namespace nyala {

PiecewiseConstantDecay::PiecewiseConstantDecay(std::vector<std::int64_t> boundaries, std::vector<double> values,
                                               PiecewiseConstantDecayOptions options)
    : boundaries_(std::move(boundaries)), values_(std::move(values)), options_(std::move(options)) {
  if (boundaries_.empty()) throw Error("PiecewiseConstantDecay: needs at least one boundary");
  if (values_.size() != boundaries_.size() + 1) {
    throw Error("PiecewiseConstantDecay: needs one value more than boundaries, got " + std::to_string(values_.size()) +
                " values and " + std::to_string(boundaries_.size()) + " boundaries");
  }
  if (!std::is_sorted(boundaries_.begin(), boundaries_.end())) {
    throw Error("PiecewiseConstantDecay: boundaries must ascend, got " + Config(boundaries_).json());
  }
  for (const double value : values_) require_rate(value, "PiecewiseConstantDecay");
}

double PiecewiseConstantDecay::operator()(std::int64_t step) const {
  const auto place = std::lower_bound(boundaries_.begin(), boundaries_.end(), step) - boundaries_.begin();
  return values_[static_cast<std::size_t>(place)];
}

Config PiecewiseConstantDecay::config() const {
  return Config::object({{"boundaries", boundaries_}, {"values", values_}, {"name", options_.name}});
}

PiecewiseConstantDecay PiecewiseConstantDecay::from_config(const Config& config) {
  std::vector<double> values;
  for (const Config& value : config.at("values").items()) values.push_back(value.as_double());
  std::vector<std::int64_t> boundaries;
  for (const Config& boundary : config.at("boundaries").items())
    boundaries.push_back(static_cast<std::int64_t>(boundary.as_double()));
  return {std::move(boundaries), std::move(values), {.name = config.get("name", "PiecewiseConstant")}};
}

}  // namespace nyala
