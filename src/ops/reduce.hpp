#pragma once

#include <vector>

#include "ops/common.hpp"

namespace nyala::ops {

/// The shapes of a reduction of x over axes.
struct Reduction {
  Reduction(const Tensor& x, const Axes& axis, bool keepdims, const char* op);

  std::vector<int> axes;   // sorted, non-negative
  Shape kept, out;         // with and (unless keepdims) without the reduced axes
  std::int64_t count = 1;  // elements behind each result
};

/// Runs the kernel; the result has dtype `dtype` and shape `r.out`. Not recorded.
Tensor run_reduce(backend::Reduce op, const Tensor& x, const Reduction& r, DType dtype);
/// A gradient of r's result spread over the shape that was reduced.
Tensor spread(const Tensor& gradient, const Reduction& r, const Shape& shape);
/// Throws Error where an extreme of nothing would be needed.
void require_elements(const Tensor& x, const Reduction& r, const char* op);

}  // namespace nyala::ops
