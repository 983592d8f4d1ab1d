#include <nyala/optimizers/adadelta.hpp>

#include "checks.hpp"
#include "sweep.hpp"

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

void Adadelta::update(const Tensor& gradient, const Variable&, std::size_t index, double learning_rate) {
  update_all(std::span(&gradient, 1), std::span(&index, 1), learning_rate);
}

void Adadelta::update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                          double learning_rate) {
  const auto all = swept(gradients, indices, {&accumulated_grad_, &accumulated_delta_},
                         [&](std::size_t index) -> const Variable& { return trained(index); });
  adadelta_update(all, {.learning_rate = learning_rate, .rho = own_.rho, .epsilon = own_.epsilon});
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
