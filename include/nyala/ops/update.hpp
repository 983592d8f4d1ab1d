#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <nyala/tensor.hpp>
#include <nyala/variable.hpp>

namespace nyala {

// One step of an optimizer over one variable, or all of them, in one sweep over memory (on a GPU in one launch), in
// place, unrecorded. Slots that are not used are null variables. weight_decay is Keras': w -= learning_rate *
// weight_decay * w, before the step.

/// A variable of a step, with its gradient, its slots in the order in which the function for one variable takes them
/// (nullptr: none), and its own weight_decay in place of the one that all share.
struct VariableUpdate {
  const Tensor& gradient;
  const Variable& variable;
  std::array<const Variable*, 3> slots{};
  double weight_decay = 0.0;
};

struct AdamUpdate {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7, weight_decay = 0.0;
  /// Counted from 1, for the bias correction.
  std::int64_t step = 1;
};
void adam_update(const Tensor& gradient, const Variable& variable, const Variable& momentum, const Variable& velocity,
                 const Variable& velocity_hat, const AdamUpdate& update);
void adam_update(std::span<const VariableUpdate> variables, const AdamUpdate& update);

struct SgdUpdate {
  double learning_rate = 0.01, momentum = 0.0, weight_decay = 0.0;
  bool nesterov = false;
};
void sgd_update(const Tensor& gradient, const Variable& variable, const Variable& momentum, const SgdUpdate& update);
void sgd_update(std::span<const VariableUpdate> variables, const SgdUpdate& update);

struct RmspropUpdate {
  double learning_rate = 0.001, rho = 0.9, momentum = 0.0, epsilon = 1e-7, weight_decay = 0.0;
};
/// Centred where average_gradient is given.
void rmsprop_update(const Tensor& gradient, const Variable& variable, const Variable& velocity,
                    const Variable& momentum, const Variable& average_gradient, const RmspropUpdate& update);
void rmsprop_update(std::span<const VariableUpdate> variables, const RmspropUpdate& update);

}  // namespace nyala
