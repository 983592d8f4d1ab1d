#include <nyala/optimizers/adadelta.hpp>

#include <nyala/ops/math.hpp>

#include "checks.hpp"

namespace nyala {

Adadelta::Adadelta(AdadeltaOptions options) : Optimizer(common_options(options), "adadelta"), own_(std::move(options)) {
  require_decay_rate(own_.rho, "Adadelta", "rho");
  require_not_negative(own_.epsilon, "Adadelta", "epsilon");
}

void Adadelta::make_slots(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) {
    accumulated_grad_.add(add_slot(variable, "accumulated_grad"));
    accumulated_delta_.add(add_slot(variable, "accumulated_delta_var"));
  }
}

void Adadelta::update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) {
  Variable gradients = accumulated_grad_[index], deltas = accumulated_delta_[index];
  gradients.assign(gradients.value() * own_.rho + square(gradient) * (1.0 - own_.rho));
  const Tensor delta = gradient * sqrt(deltas.value() + own_.epsilon) / sqrt(gradients.value() + own_.epsilon);
  deltas.assign(deltas.value() * own_.rho + square(delta) * (1.0 - own_.rho));
  Variable(variable).assign_sub(delta * learning_rate);
}

Config Adadelta::config() const {
  Config config = Optimizer::config();
  config["rho"] = own_.rho;
  config["epsilon"] = own_.epsilon;
  return config;
}

Adadelta Adadelta::from_config(const Config& config) {
  AdadeltaOptions o = with_common(AdadeltaOptions(), config);
  o.rho = config.get("rho", o.rho);
  o.epsilon = config.get("epsilon", o.epsilon);
  return Adadelta(std::move(o));
}

}  // namespace nyala
