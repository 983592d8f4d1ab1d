#pragma once

#include <nyala/tensor.hpp>

#include "backend/cuda/context.hpp"

namespace nyala::backend::cuda {

// cuDNN's softmax over the rows of a matrix, or its logarithm: older entry points that its headers do not mark
// deprecated, as its graphs have a softmax within attention only. False, with nothing done, where it refuses.

[[nodiscard]] bool softmax_by_library(Context& context, bool log, const Tensor& x, const Tensor& y);
[[nodiscard]] bool softmax_backward_by_library(Context& context, bool log, const Tensor& y, const Tensor& gradient,
                                               const Tensor& dx);

}  // namespace nyala::backend::cuda
