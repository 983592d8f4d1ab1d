#include <nyala/optimizers/lamb.hpp>

#include <cmath>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

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
  const auto step = static_cast<double>(update_number());
  const double m_correction = 1.0 - std::pow(own_.beta_1, step), v_correction = 1.0 - std::pow(own_.beta_2, step);
  Variable m = momentum_[index], v = velocity_[index];
  m.assign(m.value() + (gradient - m.value()) * (1.0 - own_.beta_1));
  v.assign(v.value() + (square(gradient) - v.value()) * (1.0 - own_.beta_2));
  const Tensor direction = m.value() / m_correction / (sqrt(v.value() / v_correction) + own_.epsilon);
  const Tensor weight_norm = norm(variable.value()), step_norm = norm(direction);
  const Tensor both = logical_and(weight_norm > 0.0, step_norm > 0.0);
  const Tensor ratio = where(both, weight_norm / where(both, step_norm, ones_like(step_norm)), ones_like(step_norm));
  Variable(variable).assign_sub(direction * (ratio * learning_rate));
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
