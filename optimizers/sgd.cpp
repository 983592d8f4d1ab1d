#include <nyala/optimizers/sgd.hpp>

#include "checks.hpp"
#include "sweep.hpp"

namespace nyala {

SGD::SGD(SGDOptions options) : Optimizer(common_options(options), "sgd"), own_(std::move(options)) {
  require_decay_rate(own_.momentum, "SGD", "momentum");
}

void SGD::make_slots(const std::vector<Variable>& variables) {
  if (own_.momentum == 0.0) return;
  for (const Variable& variable : variables) {
    momentum_.add(add_slot(variable, "momentum"));
  }
}

void SGD::update(const Tensor& gradient, const Variable&, std::size_t index, double learning_rate) {
  update_all(std::span(&gradient, 1), std::span(&index, 1), learning_rate);
}

void SGD::update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices, double learning_rate) {
  const auto all = swept(
      gradients, indices, {&momentum_}, [&](std::size_t index) -> const Variable& { return trained(index); },
      [&](std::size_t index) { return weight_decay(trained(index), index); });
  sgd_update(all, {.learning_rate = learning_rate, .momentum = own_.momentum, .nesterov = own_.nesterov});
}

Config SGD::config() const {
  Config config = Optimizer::config();
  config["momentum"] = own_.momentum;
  config["nesterov"] = own_.nesterov;
  return config;
}

SGD SGD::from_config(const Config& config) {
  SGDOptions o = with_common(SGDOptions(), config);
  o.momentum = config.get("momentum", o.momentum);
  o.nesterov = config.get("nesterov", o.nesterov);
  return SGD(std::move(o));
}

}  // namespace nyala
