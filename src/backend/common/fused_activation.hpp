#pragma once

#include "backend/kernels.hpp"

namespace nyala::backend {

/// The elementwise operation that a fused activation is; not for `none`.
inline Unary unary_of(FusedActivation activation) {
  switch (activation) {
    case FusedActivation::sigmoid: return Unary::sigmoid;
    case FusedActivation::tanh: return Unary::tanh;
    case FusedActivation::gelu: return Unary::gelu;
    case FusedActivation::silu: return Unary::silu;
    case FusedActivation::gelu_tanh: return Unary::gelu_tanh;
    case FusedActivation::none:
    case FusedActivation::relu: break;
  }
  return Unary::relu;
}

/// Turns sums without activation, held in `before` if that is defined and else in `out`, into `out`.
inline void finish_activation(Kernels& kernels, FusedActivation activation, const Tensor& before, Tensor& out) {
  const Tensor& sums = before.defined() ? before : out;
  if (activation != FusedActivation::none)
    kernels.unary(unary_of(activation), sums, out);
  else if (before.defined())
    kernels.copy(before, out);
}

}  // namespace nyala::backend
