#pragma once

#include "ops/common.hpp"

namespace nyala::ops {

/// The matrix product of operands of rank >= 2 and one dtype; see matmul.
Tensor product(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b, const char* op);

}  // namespace nyala::ops
