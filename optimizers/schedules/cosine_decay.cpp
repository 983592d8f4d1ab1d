#include <algorithm>
#include <cmath>
#include <numbers>

#include <nyala/schedules.hpp>

#include "checks.hpp"

namespace nyala {

CosineDecay::CosineDecay(double initial_learning_rate, std::int64_t decay_steps, CosineDecayOptions options)
    : initial_(initial_learning_rate), steps_(decay_steps), options_(std::move(options)) {
  require_rate(initial_, "CosineDecay");
  require_steps(steps_, "CosineDecay", "decay_steps");
  if (options_.warmup_target) {
    require_rate(*options_.warmup_target, "CosineDecay");
    if (options_.warmup_steps < 0)
      throw Error("CosineDecay: warmup_steps must not be negative, got " + std::to_string(options_.warmup_steps));
  }
}

double CosineDecay::operator()(std::int64_t step) const {
  auto at = static_cast<double>(step);
  double top = initial_;
  if (options_.warmup_target) {
    const auto warmup = static_cast<double>(options_.warmup_steps);
    top = *options_.warmup_target;
    if (at < warmup) return initial_ + (top - initial_) * at / warmup;
    at -= warmup;
  }
  const double share = std::min(at / static_cast<double>(steps_), 1.0);
  return top * ((1.0 - options_.alpha) * 0.5 * (1.0 + std::cos(std::numbers::pi * share)) + options_.alpha);
}

Config CosineDecay::config() const {
  return Config::object({{"initial_learning_rate", initial_},
                         {"decay_steps", steps_},
                         {"alpha", options_.alpha},
                         {"name", options_.name},
                         {"warmup_target", options_.warmup_target},
                         {"warmup_steps", options_.warmup_steps}});
}

CosineDecay CosineDecay::from_config(const Config& config) {
  const CosineDecayOptions defaults;
  return {config.at("initial_learning_rate").as_double(),
          steps_from(config, "decay_steps"),
          {.alpha = config.get("alpha", defaults.alpha),
           .warmup_target = config.optional_double("warmup_target"),
           .warmup_steps = config.contains("warmup_steps") ? steps_from(config, "warmup_steps") : 0,
           .name = config.get("name", defaults.name.c_str())}};
}

}  // namespace nyala
