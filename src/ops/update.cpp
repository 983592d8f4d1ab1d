#include <nyala/ops/update.hpp>

#include <cmath>

#include <nyala/autograd.hpp>
#include <nyala/ops/math.hpp>

#include "autograd/variable_impl.hpp"
#include "backend/kernels.hpp"
#include "ops/common.hpp"

namespace nyala {

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

}  // namespace

void adam_update(const Tensor& gradient, const Variable& variable, const Variable& momentum, const Variable& velocity,
                 const Variable& velocity_hat, const AdamUpdate& update) {
  StopRecording stop;
  const Tensor g = checked(gradient, variable, "adam_update");
  if (!momentum.defined() || !velocity.defined()) ops::fail("adam_update: needs the slots momentum and velocity");
  Tensor &w = detail::writable(variable), &m = slot(momentum, variable, "adam_update"),
         &v = slot(velocity, variable, "adam_update"), &v_hat = slot(velocity_hat, variable, "adam_update");
  const double correction = adam_correction(update.beta_1, update.beta_2, update.step);
  backend::kernels(g, w, m, v)
      .adam_step({.learning_rate = update.learning_rate * correction,
                  .beta_1 = update.beta_1,
                  .beta_2 = update.beta_2,
                  .epsilon = update.epsilon,
                  .weight_decay = update.learning_rate * update.weight_decay,
                  .amsgrad = v_hat.defined()},
                 g, w, m, v, v_hat);
}

void sgd_update(const Tensor& gradient, const Variable& variable, const Variable& momentum, const SgdUpdate& update) {
  StopRecording stop;
  const Tensor g = checked(gradient, variable, "sgd_update");
  Tensor &w = detail::writable(variable), &m = slot(momentum, variable, "sgd_update");
  backend::kernels(g, w).sgd_step(update.learning_rate, update.momentum, update.nesterov, update.weight_decay, g, w, m);
}

void rmsprop_update(const Tensor& gradient, const Variable& variable, const Variable& velocity,
                    const Variable& momentum, const Variable& average_gradient, const RmspropUpdate& update) {
  StopRecording stop;
  const Tensor g = checked(gradient, variable, "rmsprop_update");
  if (!velocity.defined()) ops::fail("rmsprop_update: needs the slot velocity");
  Tensor &w = detail::writable(variable), &v = slot(velocity, variable, "rmsprop_update"),
         &m = slot(momentum, variable, "rmsprop_update"), &average = slot(average_gradient, variable, "rmsprop_update");
  backend::kernels(g, w, v).rmsprop_step(update.learning_rate, update.rho, update.momentum, update.epsilon,
                                         average.defined(), update.weight_decay, g, w, v, m, average);
}

}  // namespace nyala
