#pragma once

#include <cstdint>

#include "backend/common/widened.hpp"
#include "backend/kernels.hpp"

namespace nyala::backend {

/// A tensor's elements, null for a null tensor.
template <class T>
T* elements_of(const Tensor& tensor) {
  return tensor.defined() ? static_cast<T*>(tensor.raw_data()) : nullptr;
}

/// Calls fn(T()) for T = float or double; false, without a call, for other dtypes.
template <class F>
bool for_float(DType dtype, F&& fn) {
  if (dtype == DType::float32)
    fn(float());
  else if (dtype == DType::float64)
    fn(double());
  else
    return false;
  return true;
}

/// The elementwise operation that a fused activation is; not for `none`.
inline Unary unary_of(FusedActivation activation) {
  switch (activation) {
    case FusedActivation::sigmoid: return Unary::sigmoid;
    case FusedActivation::tanh: return Unary::tanh;
    case FusedActivation::gelu: return Unary::gelu;
    case FusedActivation::silu: return Unary::silu;
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
