#include <algorithm>
#include <cmath>

#include <nyala/schedules.hpp>

#include "checks.hpp"

namespace nyala {

PolynomialDecay::PolynomialDecay(double initial_learning_rate, std::int64_t decay_steps, PolynomialDecayOptions options)
    : initial_(initial_learning_rate), steps_(decay_steps), options_(std::move(options)) {
  require_rate(initial_, "PolynomialDecay");
  require_rate(options_.end_learning_rate, "PolynomialDecay");
  require_steps(steps_, "PolynomialDecay", "decay_steps");
}

double PolynomialDecay::operator()(std::int64_t step) const {
  auto at = static_cast<double>(step), length = static_cast<double>(steps_);
  if (options_.cycle)
    length *= std::max(1.0, std::ceil(at / length));
  else
    at = std::min(at, length);
  const double end = options_.end_learning_rate;
  return (initial_ - end) * std::pow(1.0 - at / length, options_.power) + end;
}

Config PolynomialDecay::config() const {
  return Config::object({{"initial_learning_rate", initial_},
                         {"decay_steps", steps_},
                         {"end_learning_rate", options_.end_learning_rate},
                         {"power", options_.power},
                         {"cycle", options_.cycle},
                         {"name", options_.name}});
}

PolynomialDecay PolynomialDecay::from_config(const Config& config) {
  const PolynomialDecayOptions defaults;
  return {config.at("initial_learning_rate").as_double(),
          steps_from(config, "decay_steps"),
          {.end_learning_rate = config.get("end_learning_rate", defaults.end_learning_rate),
           .power = config.get("power", defaults.power),
           .cycle = config.get("cycle", defaults.cycle),
           .name = config.get("name", defaults.name.c_str())}};
}

}  // namespace nyala
