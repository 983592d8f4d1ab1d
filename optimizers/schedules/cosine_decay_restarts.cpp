#include <cmath>
#include <numbers>

#include <nyala/schedules.hpp>

#include "checks.hpp"

namespace nyala {

CosineDecayRestarts::CosineDecayRestarts(double initial_learning_rate, std::int64_t first_decay_steps,
                                         CosineDecayRestartsOptions options)
    : initial_(initial_learning_rate), steps_(first_decay_steps), options_(std::move(options)) {
  require_rate(initial_, "CosineDecayRestarts");
  require_steps(steps_, "CosineDecayRestarts", "first_decay_steps");
  if (!(options_.t_mul >= 1.0))
    throw Error("CosineDecayRestarts: t_mul must be at least 1, got " + Config(options_.t_mul).json());
  require_not_negative(options_.m_mul, "CosineDecayRestarts", "m_mul");
}

double CosineDecayRestarts::operator()(std::int64_t step) const {
  double share = static_cast<double>(step) / static_cast<double>(steps_), restarts = std::floor(share);
  const double t = options_.t_mul;
  if (t == 1.0) {
    share -= restarts;
  } else {
    restarts = std::floor(std::log(1.0 - share * (1.0 - t)) / std::log(t));
    share = (share - (1.0 - std::pow(t, restarts)) / (1.0 - t)) / std::pow(t, restarts);
  }
  const double cosine = 0.5 * std::pow(options_.m_mul, restarts) * (1.0 + std::cos(std::numbers::pi * share));
  return initial_ * ((1.0 - options_.alpha) * cosine + options_.alpha);
}

Config CosineDecayRestarts::config() const {
  return Config::object({{"initial_learning_rate", initial_},
                         {"first_decay_steps", steps_},
                         {"t_mul", options_.t_mul},
                         {"m_mul", options_.m_mul},
                         {"alpha", options_.alpha},
                         {"name", options_.name}});
}

CosineDecayRestarts CosineDecayRestarts::from_config(const Config& config) {
  const CosineDecayRestartsOptions defaults;
  return {config.at("initial_learning_rate").as_double(),
          steps_from(config, "first_decay_steps"),
          {.t_mul = config.get("t_mul", defaults.t_mul),
           .m_mul = config.get("m_mul", defaults.m_mul),
           .alpha = config.get("alpha", defaults.alpha),
           .name = config.get("name", defaults.name.c_str())}};
}

}  // namespace nyala
