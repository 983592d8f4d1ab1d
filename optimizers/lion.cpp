#include <nyala/optimizers/lion.hpp>

#include <nyala/ops/math.hpp>

#include "checks.hpp"

namespace nyala {

Lion::Lion(LionOptions options) : Optimizer(common_options(options), "lion"), own_(std::move(options)) {
  require_decay_rate(own_.beta_1, "Lion", "beta_1");
  require_decay_rate(own_.beta_2, "Lion", "beta_2");
  if (own_.beta_1 <= 0.0) require_decay_rate(-1.0, "Lion", "beta_1");
}

void Lion::make_slots(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) {
    momentum_.add(add_slot(variable, "momentum"));
  }
}

void Lion::update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) {
  Variable m = momentum_[index];
  const Tensor direction = sign(m.value() * own_.beta_1 + gradient * (1.0 - own_.beta_1));
  m.assign(m.value() * own_.beta_2 + gradient * (1.0 - own_.beta_2));
  Variable(variable).assign_sub(direction * learning_rate);
}

Config Lion::config() const {
  Config config = Optimizer::config();
  config["beta_1"] = own_.beta_1;
  config["beta_2"] = own_.beta_2;
  return config;
}

Lion Lion::from_config(const Config& config) {
  LionOptions o = with_common(LionOptions(), config);
  o.beta_1 = config.get("beta_1", o.beta_1);
  o.beta_2 = config.get("beta_2", o.beta_2);
  return Lion(std::move(o));
}

}  // namespace nyala
