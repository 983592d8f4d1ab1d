#include <nyala/ops/update.hpp>

#include <cmath>
#include <utility>
#include <vector>

#include <nyala/autograd.hpp>
#include <nyala/ops/math.hpp>

#include "autograd/variable_impl.hpp"
#include "backend/common/step_rules.hpp"
#include "backend/kernels.hpp"
#include "ops/common.hpp"

namespace nyala {

using backend::StepRule;

namespace {

Tensor no_slot;

/// The slot's value, to be changed in place; the null tensor for a null slot.
Tensor& slot(const Variable& variable, const Variable& updated, const char* op) {
  if (!variable.defined()) return no_slot;
  if (variable.shape() != updated.shape() || variable.dtype() != updated.dtype()) {
    ops::fail(op, ": the slot \"", variable.path(), "\" must be like its variable: ", updated.shape(), " ",
              updated.dtype(), ", got ", variable.shape(), " ", variable.dtype());
  }
  return detail::writable(variable);
}

/// The variable's value, to be changed in place, and what is kept of it in a half dtype where the step changes that
/// too.
void open(const Variable& variable, backend::StepVariable& step) {
  detail::VariableImpl& impl = *variable.impl();
  if (impl.value.dtype() == DType::float32 && backend::kernels(impl.value).rounds_variables())
    step.rounded = impl.take_rounded();
  if (step.rounded.defined() && !ops::is_half(step.rounded.dtype())) step.rounded = Tensor();
  step.variable = &detail::writable(variable);
  if (step.rounded.defined()) impl.keep_rounded(step.rounded);
}

Tensor checked(const Tensor& gradient, const Variable& variable, const char* op) {
  ops::require_numbers(gradient, op);
  if (!variable.defined()) ops::fail(op, ": the variable was never made");
  if (gradient.shape() != variable.shape()) {
    ops::fail(op, ": the gradient of \"", variable.path(), "\" must have its shape ", variable.shape(), ", got ",
              gradient.shape());
  }
  return gradient.dtype() == variable.dtype() ? gradient : cast(gradient, variable.dtype());
}

/// What the learning rate is multiplied by at a step, the same for all variables that are updated in it.
double adam_correction(double beta_1, double beta_2, std::int64_t step) {
  struct Last {
    double beta_1 = 0.0, beta_2 = 0.0, value = 0.0;
    std::int64_t step = -1;
  };
  thread_local Last last;
  if (last.step != step || last.beta_1 != beta_1 || last.beta_2 != beta_2) {
    const auto steps = static_cast<double>(step);
    last = {beta_1, beta_2, std::sqrt(1.0 - std::pow(beta_2, steps)) / (1.0 - std::pow(beta_1, steps)), step};
  }
  return last.value;
}

/// What a kernel takes of each variable, all checked before any is changed.
std::vector<backend::StepVariable> operands(std::span<const VariableUpdate> variables, double learning_rate,
                                            const char* op) {
  std::vector<backend::StepVariable> all;
  all.reserve(variables.size());
  for (const VariableUpdate& each : variables) {
    backend::StepVariable made{checked(each.gradient, each.variable, op), nullptr, {}, 0.0};
    for (std::size_t i = 0; i < each.slots.size(); ++i)
      made.slots[i] = each.slots[i] == nullptr ? &no_slot : &slot(*each.slots[i], each.variable, op);
    made.decay = learning_rate * each.weight_decay;
    if (const auto& by_rows = each.variable.impl()->rows; by_rows != nullptr)
      made.rows = by_rows->rows_of(made.gradient);
    all.push_back(std::move(made));
  }
  for (std::size_t i = 0; i < all.size(); ++i) open(variables[i].variable, all[i]);
  for (const backend::StepVariable& each : all) {
    backend::require_same_device(each.gradient, *each.variable);
    backend::require_same_device(*all.front().variable, *each.variable);
    for (const Tensor* own : each.slots) backend::require_same_device(*each.variable, *own);
  }
  return all;
}

void require_slots(std::span<const VariableUpdate> variables, std::size_t count, const char* complaint) {
  for (const VariableUpdate& each : variables) {
    for (std::size_t i = 0; i < count; ++i)
      if (each.slots[i] == nullptr || !each.slots[i]->defined()) ops::fail(complaint);
  }
}

void rule_update(std::span<const VariableUpdate> variables, double learning_rate, std::size_t slots, const char* op,
                 const backend::RuleStep& step, Tensor* number = nullptr) {
  if (variables.empty()) return;
  StopRecording stop;
  for (const VariableUpdate& each : variables) {
    for (std::size_t i = 0; i < slots; ++i)
      if (each.slots[i] == nullptr || !each.slots[i]->defined()) ops::fail(op, ": needs ", slots, " slot(s)");
  }
  auto all = operands(variables, learning_rate, op);
  if (number != nullptr)
    for (backend::StepVariable& each : all) each.slots[2] = number;
  backend::kernels(*all.front().variable).rule_step(step, all);
}

}  // namespace

void adam_update(std::span<const VariableUpdate> variables, const AdamUpdate& update) {
  if (variables.empty()) return;
  StopRecording stop;
  require_slots(variables, 2, "adam_update: needs the slots momentum and velocity");
  const auto all = operands(variables, update.learning_rate, "adam_update");
  const double correction = adam_correction(update.beta_1, update.beta_2, update.step);
  backend::kernels(*all.front().variable)
      .adam_step({.learning_rate = update.learning_rate * correction,
                  .beta_1 = update.beta_1,
                  .beta_2 = update.beta_2,
                  .epsilon = update.epsilon},
                 all);
}

void adam_update(const Tensor& gradient, const Variable& variable, const Variable& momentum, const Variable& velocity,
                 const Variable& velocity_hat, const AdamUpdate& update) {
  const VariableUpdate one{gradient, variable, {&momentum, &velocity, &velocity_hat}, update.weight_decay};
  adam_update(std::span(&one, 1), update);
}

void sgd_update(std::span<const VariableUpdate> variables, const SgdUpdate& update) {
  if (variables.empty()) return;
  StopRecording stop;
  const auto all = operands(variables, update.learning_rate, "sgd_update");
  backend::kernels(*all.front().variable)
      .sgd_step({.learning_rate = update.learning_rate, .momentum = update.momentum, .nesterov = update.nesterov}, all);
}

void sgd_update(const Tensor& gradient, const Variable& variable, const Variable& momentum, const SgdUpdate& update) {
  const VariableUpdate one{gradient, variable, {&momentum}, update.weight_decay};
  sgd_update(std::span(&one, 1), update);
}

void rmsprop_update(std::span<const VariableUpdate> variables, const RmspropUpdate& update) {
  if (variables.empty()) return;
  StopRecording stop;
  require_slots(variables, 1, "rmsprop_update: needs the slot velocity");
  const auto all = operands(variables, update.learning_rate, "rmsprop_update");
  backend::kernels(*all.front().variable)
      .rmsprop_step({.learning_rate = update.learning_rate,
                     .rho = update.rho,
                     .momentum = update.momentum,
                     .epsilon = update.epsilon},
                    all);
}

void rmsprop_update(const Tensor& gradient, const Variable& variable, const Variable& velocity,
                    const Variable& momentum, const Variable& average_gradient, const RmspropUpdate& update) {
  const VariableUpdate one{gradient, variable, {&velocity, &momentum, &average_gradient}, update.weight_decay};
  rmsprop_update(std::span(&one, 1), update);
}

void adagrad_update(std::span<const VariableUpdate> variables, const AdagradUpdate& u) {
  rule_update(
      variables, u.learning_rate, 1, "adagrad_update",
      {StepRule::adagrad, {u.learning_rate, u.epsilon_outside ? 0.0 : u.epsilon, u.epsilon_outside ? u.epsilon : 0.0}});
}

void adadelta_update(std::span<const VariableUpdate> variables, const AdadeltaUpdate& u) {
  rule_update(variables, u.learning_rate, 2, "adadelta_update",
              {StepRule::adadelta, {u.learning_rate, u.rho, u.epsilon}});
}

void adamax_update(std::span<const VariableUpdate> variables, const AdamaxUpdate& u) {
  const double correction = 1.0 - std::pow(u.beta_1, static_cast<double>(u.step));
  rule_update(variables, u.learning_rate, 2, "adamax_update",
              {StepRule::adamax, {u.learning_rate / correction, u.beta_1, u.beta_2, u.epsilon}});
}

void nadam_update(std::span<const VariableUpdate> variables, const NadamUpdate& u) {
  constexpr const char* op = "nadam_update";
  if (!u.momentum_product.defined() || u.momentum_product.size() != 1) ops::fail(op, ": needs the product of momenta");
  const double correction = 1.0 - std::pow(u.beta_2, static_cast<double>(u.step));
  if (u.momentum_product.device().kind() == Device::Kind::cpu) {
    const backend::rules::NadamFactors<double> by(u.momentum, u.next_momentum, u.momentum_product.item<double>());
    rule_update(variables, u.learning_rate, 2, op,
                {StepRule::nadam,
                 {u.learning_rate, u.beta_1, u.beta_2, u.epsilon, by.of_momentum, by.of_gradient, correction}});
    return;
  }
  // Reading it would wait for all that is queued.
  Tensor product = cast(u.momentum_product, DType::float32);
  rule_update(
      variables, u.learning_rate, 2, op,
      {StepRule::nadam, {u.learning_rate, u.beta_1, u.beta_2, u.epsilon, u.momentum, u.next_momentum, correction}},
      &product);
}

void lion_update(std::span<const VariableUpdate> variables, const LionUpdate& u) {
  rule_update(variables, u.learning_rate, 1, "lion_update", {StepRule::lion, {u.learning_rate, u.beta_1, u.beta_2}});
}

void ftrl_update(std::span<const VariableUpdate> variables, const FtrlUpdate& u) {
  rule_update(variables, u.learning_rate, 2, "ftrl_update",
              {StepRule::ftrl, {u.learning_rate, u.l1, 2.0 * u.l2_shrinkage, 2.0 * u.l2, u.power}});
}

}  // namespace nyala
