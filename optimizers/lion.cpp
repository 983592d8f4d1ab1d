#include <nyala/optimizers/lion.hpp>

#include "checks.hpp"
#include "sweep.hpp"

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

void Lion::update(const Tensor& gradient, const Variable&, std::size_t index, double learning_rate) {
  update_all(std::span(&gradient, 1), std::span(&index, 1), learning_rate);
}

void Lion::update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices, double learning_rate) {
  const auto all =
      swept(gradients, indices, {&momentum_}, [&](std::size_t index) -> const Variable& { return trained(index); });
  lion_update(all, {.learning_rate = learning_rate, .beta_1 = own_.beta_1, .beta_2 = own_.beta_2});
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
