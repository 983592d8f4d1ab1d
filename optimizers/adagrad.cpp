#include <nyala/optimizers/adagrad.hpp>

#include "checks.hpp"
#include "sweep.hpp"

namespace nyala {

Adagrad::Adagrad(AdagradOptions options) : Optimizer(common_options(options), "adagrad"), own_(std::move(options)) {
  require_not_negative(own_.initial_accumulator_value, "Adagrad", "initial_accumulator_value");
  require_not_negative(own_.epsilon, "Adagrad", "epsilon");
}

void Adagrad::make_slots(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) {
    accumulator_.add(add_slot(variable, "accumulator", own_.initial_accumulator_value));
  }
}

void Adagrad::update(const Tensor& gradient, const Variable&, std::size_t index, double learning_rate) {
  update_all(std::span(&gradient, 1), std::span(&index, 1), learning_rate);
}

void Adagrad::update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                         double learning_rate) {
  const auto all =
      swept(gradients, indices, {&accumulator_}, [&](std::size_t index) -> const Variable& { return trained(index); });
  adagrad_update(all, {.learning_rate = learning_rate, .epsilon = own_.epsilon, .epsilon_outside = epsilon_outside_});
}

Config Adagrad::config() const {
  Config config = Optimizer::config();
  config["initial_accumulator_value"] = own_.initial_accumulator_value;
  config["epsilon"] = own_.epsilon;
  if (epsilon_outside_) config["nyala_epsilon_outside_root"] = true;
  return config;
}

Adagrad Adagrad::from_config(const Config& config) {
  AdagradOptions o = with_common(AdagradOptions(), config);
  o.initial_accumulator_value = config.get("initial_accumulator_value", o.initial_accumulator_value);
  o.epsilon = config.get("epsilon", o.epsilon);
  Adagrad optimizer(std::move(o));
  optimizer.epsilon_outside_ = config.get("nyala_epsilon_outside_root", false);
  return optimizer;
}

}  // namespace nyala
