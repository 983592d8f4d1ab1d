#include <nyala/optimizers/nadam.hpp>

#include <cmath>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>

#include "checks.hpp"
#include "sweep.hpp"

namespace nyala {

double Nadam::momentum_at(std::int64_t step) const {
  return own_.beta_1 * (1.0 - 0.5 * std::pow(0.96, schedule_decay_ * static_cast<double>(step)));
}

Nadam::Nadam(NadamOptions options) : Optimizer(common_options(options), "nadam"), own_(std::move(options)) {
  require_decay_rate(own_.beta_1, "Nadam", "beta_1");
  require_decay_rate(own_.beta_2, "Nadam", "beta_2");
  require_not_negative(own_.epsilon, "Nadam", "epsilon");
}

void Nadam::make_slots(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) {
    momentum_.add(add_slot(variable, "momentum"));
    velocity_.add(add_slot(variable, "velocity"));
  }
  if (variables.empty()) return;
  product_.add(add_slot(full({}, 1.0, variables.front().dtype()), "momentum_product"));
}

void Nadam::begin_step() {
  Variable product = product_[0];
  product.assign(product.value() * momentum_at(update_number()));
}

void Nadam::update(const Tensor& gradient, const Variable&, std::size_t index, double learning_rate) {
  update_all(std::span(&gradient, 1), std::span(&index, 1), learning_rate);
}

void Nadam::update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices, double learning_rate) {
  const auto all = swept(gradients, indices, {&momentum_, &velocity_},
                         [&](std::size_t index) -> const Variable& { return trained(index); });
  const std::int64_t step = update_number();
  nadam_update(all, {.learning_rate = learning_rate,
                     .beta_1 = own_.beta_1,
                     .beta_2 = own_.beta_2,
                     .epsilon = own_.epsilon,
                     .momentum = momentum_at(step),
                     .next_momentum = momentum_at(step + 1),
                     .momentum_product = product_[0].value(),
                     .step = step});
}

Config Nadam::config() const {
  Config config = Optimizer::config();
  config["beta_1"] = own_.beta_1;
  config["beta_2"] = own_.beta_2;
  config["epsilon"] = own_.epsilon;
  if (schedule_decay_ != 1.0) config["nyala_schedule_decay"] = schedule_decay_;
  return config;
}

Nadam Nadam::from_config(const Config& config) {
  NadamOptions o = with_common(NadamOptions(), config);
  o.beta_1 = config.get("beta_1", o.beta_1);
  o.beta_2 = config.get("beta_2", o.beta_2);
  o.epsilon = config.get("epsilon", o.epsilon);
  Nadam optimizer(std::move(o));
  optimizer.schedule_decay_ = config.get("nyala_schedule_decay", 1.0);
  require_not_negative(optimizer.schedule_decay_, "Nadam", "schedule_decay");
  return optimizer;
}

}  // namespace nyala
