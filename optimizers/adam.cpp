#include <nyala/optimizers/adam.hpp>

#include "checks.hpp"
#include "sweep.hpp"

namespace nyala {

Adam::Adam(AdamOptions options) : Adam(std::move(options), "adam") {}

Adam::Adam(AdamOptions options, const std::string& default_name)
    : Optimizer(common_options(options), default_name), own_(std::move(options)) {
  require_decay_rate(own_.beta_1, "Adam", "beta_1");
  require_decay_rate(own_.beta_2, "Adam", "beta_2");
  require_not_negative(own_.epsilon, "Adam", "epsilon");
}

void Adam::make_slots(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) {
    momentum_.add(add_slot(variable, "momentum"));
    velocity_.add(add_slot(variable, "velocity"));
  }
  if (!own_.amsgrad) return;
  for (const Variable& variable : variables) velocity_hat_.add(add_slot(variable, "velocity_hat"));
}

void Adam::update(const Tensor& gradient, const Variable&, std::size_t index, double learning_rate) {
  update_all(std::span(&gradient, 1), std::span(&index, 1), learning_rate);
}

void Adam::update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices, double learning_rate) {
  const auto all = swept(
      gradients, indices, {&momentum_, &velocity_, &velocity_hat_},
      [&](std::size_t index) -> const Variable& { return trained(index); },
      [&](std::size_t index) { return weight_decay(trained(index), index); });
  adam_update(all, {.learning_rate = learning_rate,
                    .beta_1 = own_.beta_1,
                    .beta_2 = own_.beta_2,
                    .epsilon = own_.epsilon,
                    .step = update_number()});
}

Config Adam::config() const {
  Config config = Optimizer::config();
  config["beta_1"] = own_.beta_1;
  config["beta_2"] = own_.beta_2;
  config["epsilon"] = own_.epsilon;
  config["amsgrad"] = own_.amsgrad;
  return config;
}

Adam Adam::from_config(const Config& config) {
  AdamOptions o = with_common(AdamOptions(), config);
  o.beta_1 = config.get("beta_1", o.beta_1);
  o.beta_2 = config.get("beta_2", o.beta_2);
  o.epsilon = config.get("epsilon", o.epsilon);
  o.amsgrad = config.get("amsgrad", o.amsgrad);
  return Adam(std::move(o));
}

}  // namespace nyala
