#include <nyala/optimizers/adamax.hpp>

#include "checks.hpp"
#include "sweep.hpp"

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

void Adamax::update(const Tensor& gradient, const Variable&, std::size_t index, double learning_rate) {
  update_all(std::span(&gradient, 1), std::span(&index, 1), learning_rate);
}

void Adamax::update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices, double learning_rate) {
  const auto all = swept(gradients, indices, {&momentum_, &norm_},
                         [&](std::size_t index) -> const Variable& { return trained(index); });
  adamax_update(all, {.learning_rate = learning_rate,
                      .beta_1 = own_.beta_1,
                      .beta_2 = own_.beta_2,
                      .epsilon = own_.epsilon,
                      .step = update_number()});
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
