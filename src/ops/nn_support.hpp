#pragma once

#include <vector>

#include <nyala/ops/math.hpp>

#include "ops/common.hpp"

// What the operations of neural networks share.

namespace nyala::ops {

inline Tensor in_dtype(const Tensor& x, DType dtype) { return x.dtype() == dtype ? x : cast(x, dtype); }

/// x itself, or in floatx if it holds integers or booleans. Error for null tensors and strings.
Tensor in_floating(const Tensor& x, const char* op);
/// The floating dtype that an operation on these computes in.
DType floating_dtype(const Tensor& a, const Tensor& b, const char* op);

/// A new tensor beside x: of its dtype, on its device.
inline Tensor empty_beside(const Tensor& x, const Shape& shape) { return Tensor::empty(shape, x.dtype(), x.device()); }

/// All axes but the last as one.
inline Shape rows_of(const Shape& shape) {
  std::int64_t rows = 1;
  for (int axis = 0; axis + 1 < shape.rank(); ++axis) rows *= shape[static_cast<std::size_t>(axis)];
  return {rows, shape.back()};
}
/// x in that shape, for kernels; null for a null tensor.
inline Tensor as_rows(const Tensor& x) {
  return !x.defined() || x.rank() == 2 ? x : detail::alias(x, rows_of(x.shape()));
}

/// The permutation that moves the sorted `axes` behind all others, and the one that moves them back.
struct AxesLast {
  AxesLast(const std::vector<int>& axes, int rank);
  std::vector<int> forth, back;
  bool trivial = true;  // they are last already
};

}  // namespace nyala::ops
