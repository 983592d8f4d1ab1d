#pragma once

#include "ops/common.hpp"

namespace nyala::ops {

/// A tensor as (outer, size, inner) around one axis.
struct AxisBlocks {
  AxisBlocks(const Shape& shape, int axis);
  std::int64_t outer = 1, size = 1, inner = 1;
};

/// Indices as int32 or int64. Throws Error for other than integers.
Tensor integer_indices(const Tensor& indices, const char* op);
/// Rows of x along an axis; indices as from checked_indices.
Tensor taken(const Tensor& x, const Tensor& indices, int axis, const char* op);
/// The adjoint of taken: zeros of `size` rows along the axis, to which the values are added.
Tensor added_rows(const Tensor& indices, const Tensor& values, int axis, std::int64_t size, const char* op);

}  // namespace nyala::ops
