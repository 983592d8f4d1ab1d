#include <nyala/optimizers/adamax.hpp>

#include <cmath>
#include <nyala/ops/math.hpp>

#include "checks.hpp"

namespace nyala {

Adamax::Adamax(AdamaxOptions options) : Optimizer(common_options(options), "adamax"), own_(std::move(options)) {
  require_decay_rate(own_.beta_1, "Adamax", "beta_1");
  require_decay_rate(own_.beta_2, "Adamax", "beta_2");
  require_not_negative(own_.epsilon, "Adamax", "epsilon");
}

void Adamax::make_slots(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) {
    momentum_.add(add_slot(variable, "momentum"));
    norm_.add(add_slot(variable, "norm"));
  }
}

void Adamax::update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) {
  const double correction = 1.0 - std::pow(own_.beta_1, static_cast<double>(update_number()));
  Variable m = momentum_[index], u = norm_[index];
  m.assign(m.value() + (gradient - m.value()) * (1.0 - own_.beta_1));
  u.assign(maximum(u.value() * own_.beta_2, abs(gradient)));
  Variable(variable).assign_sub(m.value() * (learning_rate / correction) / (u.value() + own_.epsilon));
}

Config Adamax::config() const {
  Config config = Optimizer::config();
  config["beta_1"] = own_.beta_1;
  config["beta_2"] = own_.beta_2;
  config["epsilon"] = own_.epsilon;
  return config;
}

Adamax Adamax::from_config(const Config& config) {
  AdamaxOptions o = with_common(AdamaxOptions(), config);
  o.beta_1 = config.get("beta_1", o.beta_1);
  o.beta_2 = config.get("beta_2", o.beta_2);
  o.epsilon = config.get("epsilon", o.epsilon);
  return Adamax(std::move(o));
}

}  // namespace nyala
