#include <nyala/optimizers/schedule_free_adamw.hpp>

#include <algorithm>
#include <cmath>
#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>

#include "checks.hpp"

namespace nyala {

ScheduleFreeAdamW::ScheduleFreeAdamW(ScheduleFreeAdamWOptions options)
    : Optimizer(common_options(options), "schedule_free_adam_w"), own_(std::move(options)) {
  require_decay_rate(own_.beta_1, "ScheduleFreeAdamW", "beta_1");
  require_decay_rate(own_.beta_2, "ScheduleFreeAdamW", "beta_2");
  require_not_negative(own_.epsilon, "ScheduleFreeAdamW", "epsilon");
  if (own_.beta_1 == 0.0) throw Error("ScheduleFreeAdamW: beta_1 must be positive, got 0.0");
  if (own_.warmup_steps < 0)
    throw Error("ScheduleFreeAdamW: warmup_steps must not be negative, got " + std::to_string(own_.warmup_steps));
}

void ScheduleFreeAdamW::make_slots(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) {
    Variable momentum = add_slot(variable, "momentum");
    momentum.assign(variable.value().clone());
    momentum_.add(momentum);
    velocity_.add(add_slot(variable, "velocity"));
  }
}

void ScheduleFreeAdamW::update(const Tensor& gradient, const Variable& variable, std::size_t index,
                               double learning_rate) {
  const auto step = static_cast<double>(update_number());
  const double warmup = own_.warmup_steps > 0 ? std::min(step / own_.warmup_steps, 1.0) : 1.0;
  const double correction = 1.0 - std::pow(own_.beta_2, step), beta_1 = own_.beta_1;
  Variable z = momentum_[index], v = velocity_[index];
  v.assign(v.value() + (square(gradient) - v.value()) * (1.0 - own_.beta_2));
  const Tensor z_old = z.value();
  const Tensor z_new = z_old - gradient * (learning_rate * warmup) / (sqrt(v.value() / correction) + own_.epsilon);
  const Tensor x_old = (variable.value() - z_old * (1.0 - beta_1)) / beta_1;
  const Tensor x_new = x_old * (1.0 - 1.0 / step) + z_new / step;
  z.assign(z_new);
  Variable(variable).assign(z_new * (1.0 - beta_1) + x_new * beta_1);
}

Config ScheduleFreeAdamW::config() const {
  Config config = Optimizer::config();
  config["beta_1"] = own_.beta_1;
  config["beta_2"] = own_.beta_2;
  config["epsilon"] = own_.epsilon;
  config["warmup_steps"] = own_.warmup_steps;
  return config;
}

ScheduleFreeAdamW ScheduleFreeAdamW::from_config(const Config& config) {
  ScheduleFreeAdamWOptions o = with_common(ScheduleFreeAdamWOptions(), config);
  o.beta_1 = config.get("beta_1", o.beta_1);
  o.beta_2 = config.get("beta_2", o.beta_2);
  o.epsilon = config.get("epsilon", o.epsilon);
  o.warmup_steps = config.get("warmup_steps", o.warmup_steps);
  return ScheduleFreeAdamW(std::move(o));
}

}  // namespace nyala
