#include <cmath>

#include <nyala/schedules.hpp>

#include "checks.hpp"

namespace nyala {

ExponentialDecay::ExponentialDecay(double initial_learning_rate, std::int64_t decay_steps, double decay_rate,
                                   ExponentialDecayOptions options)
    : initial_(initial_learning_rate), steps_(decay_steps), rate_(decay_rate), options_(std::move(options)) {
  require_rate(initial_, "ExponentialDecay");
  require_steps(steps_, "ExponentialDecay", "decay_steps");
}

double ExponentialDecay::operator()(std::int64_t step) const {
  double share = static_cast<double>(step) / static_cast<double>(steps_);
  if (options_.staircase) share = std::floor(share);
  return initial_ * std::pow(rate_, share);
}

Config ExponentialDecay::config() const {
  return Config::object({{"initial_learning_rate", initial_},
                         {"decay_steps", steps_},
                         {"decay_rate", rate_},
                         {"staircase", options_.staircase},
                         {"name", options_.name}});
}

ExponentialDecay ExponentialDecay::from_config(const Config& config) {
  const ExponentialDecayOptions defaults;
  return {
      config.at("initial_learning_rate").as_double(),
      steps_from(config, "decay_steps"),
      config.at("decay_rate").as_double(),
      {.staircase = config.get("staircase", defaults.staircase), .name = config.get("name", defaults.name.c_str())}};
}

}  // namespace nyala
