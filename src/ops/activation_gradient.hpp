#pragma once

#include <nyala/ops/nn.hpp>

#include "autograd/node.hpp"
#include "backend/kernels.hpp"

namespace nyala::ops {

/// Whether op'(x) follows from y = op(x), so that x need not be kept.
bool follows_from_output(backend::Unary op, backend::UnaryParameters parameters);

/// gradient * op'(x), given x, or y where follows_from_output (the other one null). Differentiable.
Tensor unary_gradient(backend::Unary op, const Tensor& x, const Tensor& y, const Tensor& gradient,
                      backend::UnaryParameters parameters = {});

/// op(x) of an activation of the kernels, in floating point.
Tensor activate(backend::Unary op, const char* name, const Tensor& x, backend::UnaryParameters parameters = {});

/// Whether the gradient of a fused activation needs the value before it.
inline bool needs_before(FusedActivation activation) {
  return activation == FusedActivation::gelu || activation == FusedActivation::gelu_tanh ||
         activation == FusedActivation::silu;
}

/// What an operation that fuses an activation keeps for its gradient. The value before it is then its second output, so
/// that second derivatives find their way back.
struct FusedGradient {
  FusedGradient(FusedActivation activation, const Tensor& y, const Tensor& before);
  /// The gradient before the activation. `sums`, if not null, may become those over all axes but the last; where it
  /// stays a null tensor they are still to be made.
  Tensor operator()(autograd::Backward& g, Tensor* sums = nullptr) const;

  /// What an operation after this one may undo.
  const backend::AppliedActivation* applied_activation() const {
    return applied.activation == FusedActivation::none ? nullptr : &applied;
  }

  backend::AppliedActivation applied;  // as (rows, n)
  Shape shape;
};

}  // namespace nyala::ops
