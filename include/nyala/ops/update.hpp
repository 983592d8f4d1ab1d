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

struct AdagradUpdate {
  double learning_rate = 0.001, epsilon = 1e-7;
  bool epsilon_outside = false;  // of the root
};
/// Slots: accumulator.
void adagrad_update(std::span<const VariableUpdate> variables, const AdagradUpdate& update);

struct AdadeltaUpdate {
  double learning_rate = 0.001, rho = 0.95, epsilon = 1e-7;
};
/// Slots: accumulated squares of the gradients, and of the changes.
void adadelta_update(std::span<const VariableUpdate> variables, const AdadeltaUpdate& update);

struct AdamaxUpdate {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::int64_t step = 1;  // counted from 1, for the bias correction
};
/// Slots: momentum, norm.
void adamax_update(std::span<const VariableUpdate> variables, const AdamaxUpdate& update);

struct NadamUpdate {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  /// By the schedule of the momentum: its value now and in the next step, and the product of all up to now (one number,
  /// where the weights are).
  double momentum = 0.9, next_momentum = 0.9;
  Tensor momentum_product;
  std::int64_t step = 1;
};
/// Slots: momentum, velocity.
void nadam_update(std::span<const VariableUpdate> variables, const NadamUpdate& update);

struct LionUpdate {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.99;
};
/// Slots: momentum.
void lion_update(std::span<const VariableUpdate> variables, const LionUpdate& update);

struct FtrlUpdate {
  double learning_rate = 0.001, l1 = 0.0, l2 = 0.0, l2_shrinkage = 0.0;  // l2 with beta / (2 learning_rate)
  double power = 0.5;  // of the accumulator: minus the learning rate's power
};
/// Slots: accumulator, linear.
void ftrl_update(std::span<const VariableUpdate> variables, const FtrlUpdate& update);

}  // namespace nyala
