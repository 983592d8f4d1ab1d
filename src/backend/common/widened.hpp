#pragma once

#include <deque>
#include <utility>

#include "backend/common/dispatch.hpp"
#include "backend/kernels.hpp"

namespace nyala::backend {

/// Stands in for float16 and bfloat16 operands of a kernel with float32 ones; tensors of other dtypes, and null ones,
/// stay themselves. Call finish() when the outputs are ready.
class Widened {
 public:
  explicit Widened(Kernels& kernels) : kernels_(kernels) {}

  Tensor in(const Tensor& x) const {
    if (!x.defined() || !is_half(x.dtype())) return x;
    Tensor wide = Tensor::empty(x.shape(), DType::float32, x.device());
    kernels_.cast(x, wide);
    return wide;
  }
  Tensor& out(Tensor& y) {
    if (!y.defined() || !is_half(y.dtype())) return y;
    outputs_.emplace_back(&y, Tensor::empty(y.shape(), DType::float32, y.device()));
    return outputs_.back().second;
  }
  /// An output that is read first.
  Tensor& in_out(Tensor& y) {
    Tensor& wide = out(y);
    if (&wide != &y) kernels_.cast(y, wide);
    return wide;
  }
  /// Rounds the outputs to their own dtypes.
  void finish() {
    for (auto& [narrow, wide] : outputs_) kernels_.cast(wide, *narrow);
  }

 private:
  Kernels& kernels_;
  std::deque<std::pair<Tensor*, Tensor>> outputs_;
};

}  // namespace nyala::backend
