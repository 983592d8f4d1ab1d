#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "backend/kernels.hpp"

namespace nyala::backend {

inline bool is_half(DType dtype) { return dtype == DType::float16 || dtype == DType::bfloat16; }

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

/// Lets a kernel for float32 serve half precision: `in` and `out` replace half tensors by float32 ones (others, and
/// null tensors, stay what they are) and finish() rounds the outputs back.
class Widened {
 public:
  explicit Widened(Kernels& kernels) : kernels_(kernels) {}

  Tensor in(const Tensor& x) {
    if (!x.defined() || !is_half(x.dtype())) return x;
    Tensor wide = Tensor::empty(x.shape(), DType::float32, x.device());
    kernels_.cast(x, wide);
    return wide;
  }
  Tensor& out(Tensor& x) {
    const bool half = x.defined() && is_half(x.dtype());
    outputs_.emplace_back(half ? Tensor::empty(x.shape(), DType::float32, x.device()) : x, &x);
    return outputs_.back().first;
  }
  /// An output whose present value counts.
  Tensor& in_out(Tensor& x) {
    Tensor& wide = out(x);
    wide = in(x);
    return wide;
  }
  void finish() {
    for (auto& [wide, narrow] : outputs_)
      if (wide.defined() && wide.dtype() != narrow->dtype()) kernels_.cast(wide, *narrow);
  }

 private:
  Kernels& kernels_;
  std::deque<std::pair<Tensor, Tensor*>> outputs_;
};

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
