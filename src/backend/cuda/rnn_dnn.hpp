#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backend/cuda/rnn_own.hpp"

namespace nyala::backend::cuda {

// cuDNN's recurrent networks (the v8 functions; its graph API has none), for float32 and what it knows of Keras' cells.

/// How long each row is, where cuDNN can take the operands; null where the own cells must. A mask is read back to the
/// host for it, which waits for the device.
std::optional<std::vector<std::int32_t>> dnn_rnn_lengths(Context& context, const RnnOperands& in);

/// Elements of float32 that a forward pass keeps; 0 for cells that cuDNN has not.
std::int64_t dnn_rnn_workspace(Context& context, const RnnDescription& rnn, const RnnSizes& sizes);
/// `workspace` null in inference.
void dnn_rnn(CudaKernels& kernels, const RnnOperands& in, const std::vector<std::int32_t>& lengths, Tensor& sequence,
             Tensor& h, Tensor& c, const Tensor& workspace);
void dnn_rnn_backward(CudaKernels& kernels, const RnnOperands& in, const std::vector<std::int32_t>& lengths,
                      const Tensor& workspace, const Tensor& gradient_sequence, const Tensor& gradient_h,
                      const Tensor& gradient_c, Kernels::RnnGradients& gradients);

}  // namespace nyala::backend::cuda
