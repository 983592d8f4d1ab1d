#include <nyala/optimizers/ftrl.hpp>

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

void Ftrl::update(const Tensor& gradient, const Variable&, std::size_t index, double learning_rate) {
  update_all(std::span(&gradient, 1), std::span(&index, 1), learning_rate);
}

void Ftrl::update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices, double learning_rate) {
  const auto all = swept(gradients, indices, {&accumulator_, &linear_},
                         [&](std::size_t index) -> const Variable& { return trained(index); });
  ftrl_update(all, {.learning_rate = learning_rate,
                    .l1 = own_.l1_regularization_strength,
                    .l2 = own_.l2_regularization_strength + own_.beta / (2.0 * learning_rate),
                    .l2_shrinkage = own_.l2_shrinkage_regularization_strength,
                    .power = -own_.learning_rate_power});
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
