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

/// The kernels' name of a fused activation other than none.
backend::Unary unary_of(FusedActivation activation);
/// Whether the gradient of a fused activation needs the value before it.
inline bool needs_before(FusedActivation activation) {
  return activation == FusedActivation::gelu || activation == FusedActivation::silu;
}

/// What an operation that fuses an activation keeps for its gradient. `before` is then its second output, so that
/// second derivatives find their way back.
struct FusedGradient {
  FusedGradient(FusedActivation which, const Tensor& y, const Tensor& before_activation);
  /// The gradient before the activation.
  Tensor operator()(autograd::Backward& g) const;

  FusedActivation activation;
  Tensor output, before;
};

}  // namespace nyala::ops
