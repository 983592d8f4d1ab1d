#pragma once

#include <nyala/ops/nn.hpp>

#include "backend/kernels.hpp"

// The three bilinear operations of convolution. The gradients of each are the two others, so that derivatives of every
// order exist. Channels are last: x (batch, spatial…, in), kernel (k…, in / groups, out), y (batch, spatial…, out); all
// of one floating dtype, shapes checked by the caller.

namespace nyala::ops {

/// activation(x ⋆ kernel + bias); bias may be null.
Tensor convolve(const Tensor& x, const Tensor& kernel, const Tensor& bias, const backend::Window& window,
                FusedActivation activation, const Shape& y_shape, const char* op);
/// What y contributes to each cell of x: the gradient of convolve with respect to x, of shape `x_shape`.
Tensor convolve_backward_data(const Tensor& y, const Tensor& kernel, const backend::Window& window,
                              const Shape& x_shape, const char* op);
/// The gradient of convolve with respect to the kernel, of shape `kernel_shape`.
Tensor convolve_backward_filter(const Tensor& x, const Tensor& y, const backend::Window& window,
                                const Shape& kernel_shape, const char* op);

}  // namespace nyala::ops
