#pragma once

#include "backend/common/rnn_sizes.hpp"
#include "backend/cuda/cuda_kernels.hpp"

namespace nyala::backend::cuda {

/// The operands of Kernels::rnn, in float32 or float64.
struct RnnOperands {
  const RnnDescription& rnn;
  const Tensor &x, &h0, &c0, &kernel, &recurrent_kernel, &bias, &mask;

  std::int64_t units() const { return recurrent_kernel.shape()[0]; }
  RnnSizes sizes() const { return {rnn, x, units()}; }
};

// Own cells: every cell, activation and mask, a product and some functors per step. What a forward pass keeps for the
// backward one is planes (time, batch, units), steps in the order of processing: the gates' sums before their
// activations, the states, and the cells (LSTM: c; GRU, reset after: h · U + bias of the candidate).

/// How many such planes.
std::int64_t own_rnn_planes(const RnnDescription& rnn);
void own_rnn(CudaKernels& kernels, const RnnOperands& in, Tensor& sequence, Tensor& h, Tensor& c,
             const Tensor& workspace);
void own_rnn_backward(CudaKernels& kernels, const RnnOperands& in, const Tensor& workspace,
                      const Tensor& gradient_sequence, const Tensor& gradient_h, const Tensor& gradient_c,
                      Kernels::RnnGradients& gradients);

}  // namespace nyala::backend::cuda
