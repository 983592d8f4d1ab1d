#include <nyala/optimizers/lamb.hpp>

#include <cmath>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/update.hpp>

#include "checks.hpp"

namespace nyala {

Lamb::Lamb(LambOptions options) : Optimizer(common_options(options), "lamb"), own_(std::move(options)) {
  require_decay_rate(own_.beta_1, "Lamb", "beta_1");
  require_decay_rate(own_.beta_2, "Lamb", "beta_2");
  require_not_negative(own_.epsilon, "Lamb", "epsilon");
}

void Lamb::make_slots(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) {
    momentum_.add(add_slot(variable, "momentum"));
    velocity_.add(add_slot(variable, "velocity"));
  }
}

void Lamb::update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) {
  // Adam's step from 0, in one sweep, is minus the direction: its epsilon stands beside a root without bias correction.
  const double correction = std::sqrt(1.0 - std::pow(own_.beta_2, static_cast<double>(update_number())));
  const Variable back(zeros_like(variable.value()));
  adam_update(gradient, back, momentum_[index], velocity_[index], {},
              {.learning_rate = 1.0,
               .beta_1 = own_.beta_1,
               .beta_2 = own_.beta_2,
               .epsilon = own_.epsilon * correction,
               .step = update_number()});
  const Tensor weight_norm = norm(variable.value()), step_norm = norm(back.value());
  const Tensor both = logical_and(weight_norm > 0.0, step_norm > 0.0);
  const Tensor ratio = where(both, weight_norm / where(both, step_norm, ones_like(step_norm)), ones_like(step_norm));
  sgd_update(back.value() * (ratio * -learning_rate), variable, {}, {.learning_rate = 1.0});
}

Config Lamb::config() const {
  Config config = Optimizer::config();
  config["beta_1"] = own_.beta_1;
  config["beta_2"] = own_.beta_2;
  config["epsilon"] = own_.epsilon;
  return config;
}

Lamb Lamb::from_config(const Config& config) {
  LambOptions o = with_common(LambOptions(), config);
  o.beta_1 = config.get("beta_1", o.beta_1);
  o.beta_2 = config.get("beta_2", o.beta_2);
  o.epsilon = config.get("epsilon", o.epsilon);
  return Lamb(std::move(o));
}

}  // namespace nyala
