#pragma once

#include <nyala/tensor.hpp>

#include "backend/cuda/context.hpp"

namespace nyala::backend::cuda {

/// Whether the mask that cuBLASLt keeps of a relu gives Keras' gradient, which is 0 where the sum is exactly 0. The
/// documentation does not say, so it is tried once per device and dtype (of `like`), with a wait for the device.
bool relu_mask_usable(Context& context, const Tensor& like);

}  // namespace nyala::backend::cuda
