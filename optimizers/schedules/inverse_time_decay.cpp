#include <cmath>

#include <nyala/schedules.hpp>

#include "checks.hpp"

namespace nyala {

InverseTimeDecay::InverseTimeDecay(double initial_learning_rate, std::int64_t decay_steps, double decay_rate,
                                   InverseTimeDecayOptions options)
    : initial_(initial_learning_rate), steps_(decay_steps), rate_(decay_rate), options_(std::move(options)) {
  require_rate(initial_, "InverseTimeDecay");
  require_steps(steps_, "InverseTimeDecay", "decay_steps");
}

double InverseTimeDecay::operator()(std::int64_t step) const {
  double share = static_cast<double>(step) / static_cast<double>(steps_);
  if (options_.staircase) share = std::floor(share);
  return initial_ / (1.0 + rate_ * share);
}

Config InverseTimeDecay::config() const {
  return Config::object({{"initial_learning_rate", initial_},
                         {"decay_steps", steps_},
                         {"decay_rate", rate_},
                         {"staircase", options_.staircase},
                         {"name", options_.name}});
}

InverseTimeDecay InverseTimeDecay::from_config(const Config& config) {
  const InverseTimeDecayOptions defaults;
  return {
      config.at("initial_learning_rate").as_double(),
      steps_from(config, "decay_steps"),
      config.at("decay_rate").as_double(),
      {.staircase = config.get("staircase", defaults.staircase), .name = config.get("name", defaults.name.c_str())}};
}

}  // namespace nyala
