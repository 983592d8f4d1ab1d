#include <nyala/optimizers/rmsprop.hpp>

#include <nyala/ops/math.hpp>

#include "checks.hpp"
#include "sweep.hpp"

namespace nyala {

RMSprop::RMSprop(RMSpropOptions options) : Optimizer(common_options(options), "rmsprop"), own_(std::move(options)) {
  require_decay_rate(own_.rho, "RMSprop", "rho");
  require_decay_rate(own_.momentum, "RMSprop", "momentum");
  require_not_negative(own_.epsilon, "RMSprop", "epsilon");
}

void RMSprop::make_slots(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) velocity_.add(add_slot(variable, "velocity"));
  if (own_.momentum > 0.0) {
    for (const Variable& variable : variables) momentum_.add(add_slot(variable, "momentum"));
  }
  if (own_.centered) {
    for (const Variable& variable : variables) average_gradient_.add(add_slot(variable, "average_gradient"));
  }
}

void RMSprop::update(const Tensor& gradient, const Variable&, std::size_t index, double learning_rate) {
  update_all(std::span(&gradient, 1), std::span(&index, 1), learning_rate);
}

void RMSprop::update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                         double learning_rate) {
  if (epsilon_outside_) {
    for (std::size_t i = 0; i < gradients.size(); ++i)
      update_with_epsilon_outside(gradients[i], indices[i], learning_rate);
    return;
  }
  const auto all = swept(
      gradients, indices, {&velocity_, &momentum_, &average_gradient_},
      [&](std::size_t index) -> const Variable& { return trained(index); },
      [&](std::size_t index) { return weight_decay(trained(index), index); });
  rmsprop_update(all,
                 {.learning_rate = learning_rate, .rho = own_.rho, .momentum = own_.momentum, .epsilon = own_.epsilon});
}

void RMSprop::update_with_epsilon_outside(const Tensor& gradient, std::size_t index, double learning_rate) {
  Variable variable = trained(index), velocity = velocity_[index];
  const double decay = weight_decay(variable, index);
  if (decay > 0.0) variable.assign_sub(variable.value() * (decay * learning_rate));
  velocity.assign(velocity.value() * own_.rho + square(gradient) * (1.0 - own_.rho));
  Tensor spread = velocity.value();
  if (own_.centered) {
    Variable mean = average_gradient_[index];
    mean.assign(mean.value() * own_.rho + gradient * (1.0 - own_.rho));
    spread = spread - square(mean.value());
  }
  const Tensor step = gradient * learning_rate / (sqrt(spread) + own_.epsilon);
  if (own_.momentum == 0.0) return variable.assign_sub(step);
  Variable momentum = momentum_[index];
  momentum.assign(momentum.value() * own_.momentum + step);
  variable.assign_sub(momentum.value());
}

Config RMSprop::config() const {
  Config config = Optimizer::config();
  config["rho"] = own_.rho;
  config["momentum"] = own_.momentum;
  config["epsilon"] = own_.epsilon;
  config["centered"] = own_.centered;
  if (epsilon_outside_) config["nyala_epsilon_outside_root"] = true;
  return config;
}

RMSprop RMSprop::from_config(const Config& config) {
  RMSpropOptions o = with_common(RMSpropOptions(), config);
  o.rho = config.get("rho", o.rho);
  o.momentum = config.get("momentum", o.momentum);
  o.epsilon = config.get("epsilon", o.epsilon);
  o.centered = config.get("centered", o.centered);
  RMSprop optimizer(std::move(o));
  optimizer.epsilon_outside_ = config.get("nyala_epsilon_outside_root", false);
  return optimizer;
}

}  // namespace nyala
