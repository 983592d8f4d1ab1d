#include <nyala/optimizers/ftrl.hpp>

#include <nyala/ops/math.hpp>

#include "checks.hpp"
#include "sweep.hpp"

namespace nyala {

Ftrl::Ftrl(FtrlOptions options) : Optimizer(common_options(options), "ftrl"), own_(std::move(options)) {
  require_not_negative(own_.initial_accumulator_value, "Ftrl", "initial_accumulator_value");
  require_not_negative(-own_.learning_rate_power, "Ftrl", "-learning_rate_power");
  require_not_negative(own_.l1_regularization_strength, "Ftrl", "l1_regularization_strength");
  require_not_negative(own_.l2_regularization_strength, "Ftrl", "l2_regularization_strength");
  require_not_negative(own_.l2_shrinkage_regularization_strength, "Ftrl", "l2_shrinkage_regularization_strength");
}

void Ftrl::make_slots(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) {
    accumulator_.add(add_slot(variable, "accumulator", own_.initial_accumulator_value));
    linear_.add(add_slot(variable, "linear"));
  }
}

void Ftrl::update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) {
  const double power_used = -own_.learning_rate_power, l1 = own_.l1_regularization_strength;
  const double l2 = own_.l2_regularization_strength + own_.beta / (2.0 * learning_rate);
  Variable sum = accumulator_[index], linear = linear_[index];
  const Tensor& w = variable.value();
  const double shrinkage = 2.0 * own_.l2_shrinkage_regularization_strength;
  const Tensor shrunk = shrinkage == 0.0 ? gradient : gradient + w * shrinkage;
  const Tensor new_sum = sum.value() + square(gradient);
  const Tensor new_root = power(new_sum, power_used);
  linear.assign_add(shrunk - (new_root - power(sum.value(), power_used)) / learning_rate * w);
  const Tensor quadratic = new_root / learning_rate + 2.0 * l2;
  Variable(variable).assign((clip(linear.value(), -l1, l1) - linear.value()) / quadratic);
  sum.assign(new_sum);
}

void Ftrl::update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices, double learning_rate) {
  if (own_.learning_rate_power != -0.5) return Optimizer::update_all(gradients, indices, learning_rate);
  const auto all = swept(gradients, indices, {&accumulator_, &linear_},
                         [&](std::size_t i) -> const Variable& { return trained(indices[i]); });
  ftrl_update(all, {.learning_rate = learning_rate,
                    .l1 = own_.l1_regularization_strength,
                    .l2 = own_.l2_regularization_strength + own_.beta / (2.0 * learning_rate),
                    .l2_shrinkage = own_.l2_shrinkage_regularization_strength});
}

Config Ftrl::config() const {
  Config config = Optimizer::config();
  config["learning_rate_power"] = own_.learning_rate_power;
  config["initial_accumulator_value"] = own_.initial_accumulator_value;
  config["l1_regularization_strength"] = own_.l1_regularization_strength;
  config["l2_regularization_strength"] = own_.l2_regularization_strength;
  config["l2_shrinkage_regularization_strength"] = own_.l2_shrinkage_regularization_strength;
  config["beta"] = own_.beta;
  return config;
}

Ftrl Ftrl::from_config(const Config& config) {
  FtrlOptions o = with_common(FtrlOptions(), config);
  o.learning_rate_power = config.get("learning_rate_power", o.learning_rate_power);
  o.initial_accumulator_value = config.get("initial_accumulator_value", o.initial_accumulator_value);
  o.l1_regularization_strength = config.get("l1_regularization_strength", o.l1_regularization_strength);
  o.l2_regularization_strength = config.get("l2_regularization_strength", o.l2_regularization_strength);
  o.l2_shrinkage_regularization_strength =
      config.get("l2_shrinkage_regularization_strength", o.l2_shrinkage_regularization_strength);
  o.beta = config.get("beta", o.beta);
  return Ftrl(std::move(o));
}

}  // namespace nyala
