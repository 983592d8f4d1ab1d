#pragma once

#include "backend/common/window_geometry.hpp"
#include "backend/cuda/cuda_kernels.hpp"

namespace nyala::backend::cuda {

// Convolution as products with columns gathered from x, as the CPU's reference has it: float64, and what cuDNN has no
// engine for. Kernels (k…, in / groups, out); no tensor is empty.

void columns_forward(CudaKernels& kernels, const WindowGeometry& g, const Tensor& x, const Tensor& kernel, Tensor& y);
void columns_backward_data(CudaKernels& kernels, const WindowGeometry& g, const Tensor& gradient, const Tensor& kernel,
                           Tensor& dx);
void columns_backward_filter(CudaKernels& kernels, const WindowGeometry& g, const Tensor& x, const Tensor& gradient,
                             Tensor& dkernel);

}  // namespace nyala::backend::cuda
