#pragma once

#include "ops/common.hpp"

namespace nyala::ops {

/// The matrix product of operands of rank >= 2 and one dtype; see matmul.
Tensor product(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b, const char* op);

/// The dtype for an input's gradient that is a product with `gradient`: float32 if that may be and the backend's
/// products come in it, or gradient's.
DType product_gradient_dtype(const autograd::Backward& g, std::size_t input, const Tensor& gradient);

}  // namespace nyala::ops
