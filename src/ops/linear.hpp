#pragma once

#include <nyala/ops/shape.hpp>

#include "ops/common.hpp"

namespace nyala::ops {

/// The matrices of the last two axes transposed.
inline Tensor adjoint(const Tensor& x) { return swapaxes(x, -2, -1); }
/// x in floating point. Throws Error for less than two axes.
Tensor floating_matrices(const Tensor& x, const char* op);

}  // namespace nyala::ops
