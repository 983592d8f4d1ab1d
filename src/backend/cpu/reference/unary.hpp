#pragma once

#include "backend/kernels.hpp"

namespace nyala::backend {

/// unary() of float32 and float64.
void unary_floating(Unary op, const Tensor& x, Tensor& out, double parameter);

}  // namespace nyala::backend
