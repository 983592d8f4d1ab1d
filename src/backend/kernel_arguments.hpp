#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include <nyala/ops/nn.hpp>
#include <nyala/tensor.hpp>

#include "core/row_set.hpp"

// What kernels are told besides the tensors that every one has.

namespace nyala::backend {

enum class Unary : std::uint8_t {
  negative,
  abs,
  sign,
  square,
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  exp2,
  expm1,
  log,
  log1p,
  log2,
  log10,
  erf,
  erfinv,
  sin,
  cos,
  tan,
  arcsin,
  arccos,
  arctan,
  sinh,
  cosh,
  tanh,
  arcsinh,
  arccosh,
  arctanh,
  floor,
  ceil,
  trunc,
  round,
  sigmoid,
  log_sigmoid,
  softplus,
  softsign,
  relu,
  relu6,
  leaky_relu,
  elu,
  selu,
  gelu,
  gelu_tanh,
  silu,
  hard_sigmoid,
  hard_silu,
  mish,
  logical_not,
  bitwise_not
};
enum class Predicate : std::uint8_t { isnan, isinf, isfinite };
enum class Binary : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  mod,
  power,
  maximum,
  minimum,
  arctan2,
  hypot,
  logaddexp,
  squared_difference,
  logical_and,
  logical_or,
  logical_xor
};
enum class Compare : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };
enum class Reduce : std::uint8_t { sum, mean, prod, max, min, any, all, sum_of_squares, sum_of_abs };
enum class Scan : std::uint8_t { sum, prod };

/// The parameter of leaky_relu (slope) and elu (alpha).
struct UnaryParameters {
  double a = 0.0, b = 0.0;
};

/// Windows of convolution and pooling; one entry per spatial axis.
struct Window {
  int rank = 0;  // spatial axes: 1 to 3
  std::array<std::int64_t, 3> size{1, 1, 1}, strides{1, 1, 1}, dilation{1, 1, 1}, pad_before{0, 0, 0},
      pad_after{0, 0, 0};
  std::int64_t groups = 1;
};

/// A place in a random stream: element i of a tensor depends only on (seed, stream, i).
struct RandomKey {
  std::uint64_t seed = 0, stream = 0;
};

/// Where a cell outside of an image is taken from; constant: a given value instead.
enum class FillMode : std::uint8_t { constant, nearest, wrap, mirror, reflect };

/// Reading an image between its cells; not bilinear: the nearest cell.
struct ImageSampling {
  bool bilinear = true;
  FillMode fill = FillMode::constant;
  double fill_value = 0.0;
  int row_order = 0, column_order = 0;  // 1: what is read is the derivative by rows, or columns (bilinear)
};

enum class RnnCell : std::uint8_t { simple, lstm, gru, gru_reset_after };

/// A whole sequence through a recurrent cell; activations as Unary (tanh, sigmoid, relu, … or none for linear).
struct RnnDescription {
  RnnCell cell = RnnCell::lstm;
  std::optional<Unary> activation = Unary::tanh, recurrent_activation = Unary::sigmoid;
  bool go_backwards = false, zero_output_for_mask = false;
};

/// A variable that a step of an optimizer changes, all of one shape, dtype and device with its gradient (already
/// clipped and scaled) and its slots. Slots that the step does not use point to null tensors.
struct StepVariable {
  Tensor gradient;
  Tensor* variable;
  std::array<Tensor*, 3> slots;
  double decay;         // first of all w -= decay * w: learning rate times weight decay
  Tensor rounded = {};  // null, or of a half dtype: receives the new value too (rounds_variables())
  std::shared_ptr<const detail::RowSet> rows = {};  // where the gradient differs from zero; null: anywhere
};
struct AdamStep {
  double learning_rate, beta_1, beta_2, epsilon;  // learning_rate with the bias correction
};
struct SgdStep {
  double learning_rate, momentum;
  bool nesterov;
};
struct RmspropStep {
  double learning_rate, rho, momentum, epsilon;
};
/// Optimizers whose step is one formula for every element.
enum class StepRule : std::uint8_t { adagrad, adadelta, adamax, nadam, lion, ftrl };
/// Of each rule the numbers, and what its slots hold (step_rules.hpp has the formulas):
/// - adagrad (accumulator): learning rate, epsilon inside the root, epsilon outside of it;
/// - adadelta (accumulated gradients, accumulated deltas): learning rate, rho, epsilon;
/// - adamax (momentum, norm): learning rate with the bias correction, beta_1, beta_2, epsilon;
/// - nadam (momentum, velocity): learning rate, beta_1, beta_2, epsilon, the factors of momentum and gradient in the
///   step, what the velocity is divided by; with a third slot, the product of momenta on a GPU, the momentum now and in
///   the next step in place of the factors;
/// - lion (momentum): learning rate, beta_1, beta_2;
/// - ftrl (accumulator, linear): learning rate, l1, twice the shrinkage, twice l2, the negative learning rate power.
struct RuleStep {
  StepRule rule;
  double numbers[7];
};

/// softmax(scale · query keyᵀ), whose masked weights are those of scores of -1e9, or 0 with `masked_is_zero`; then a
/// dropout of the weights, by their place in (batch, heads, rows, columns).
struct Attention {
  double scale = 1.0;
  bool masked_is_zero = false;
  bool causal = false;  // columns beyond the row are masked too
  double dropout_rate = 0.0;
  RandomKey dropout_key{};
};

/// query (batch, rows, heads, dim), key (batch, columns, groups, dim), value (batch, columns, groups, width), groups a
/// divisor of heads; mask bool, of four axes that broadcast to (batch, heads, rows, columns), or null.
struct AttentionOperands {
  Tensor query, key, value, mask;
};

/// An activation that an operation applied last, with what its gradient needs: the values before it for gelu,
/// gelu_tanh and silu, else those after it; the other is null.
struct AppliedActivation {
  FusedActivation activation = FusedActivation::none;
  Tensor before, after;
  Tensor mask;          // what the kernel dense made of it besides, or null
  bool biased = false;  // whether the sums of the gradient before it are wanted too: a bias was added
};

/// What follows the results of a product in inference, channel by channel: out = activation(normalised + residual).
struct Finish {
  Tensor mean, variance, gamma, beta;  // (channels,); mean null: not normalised; gamma, beta may be null
  double epsilon = 0.0;
  Tensor residual;  // like the results, or null
  std::optional<Unary> activation;
};

}  // namespace nyala::backend
