#pragma once

#include <array>
#include <cstdint>

#include "backend/common/rnn_sizes.hpp"
#include "backend/cuda/cuda_kernels.hpp"

namespace nyala::backend::cuda {

// Between Keras' layout of a recurrent layer and cuDNN's; all float32, all on the device.

/// Where cuDNN's weight space holds the matrix (units, in) and the bias of each of its products, in elements: those of
/// x first, then those of h.
struct WeightPlaces {
  std::array<std::int64_t, 8> matrix{}, bias{};
};

/// The tensors of a layer; null ones are zeros, or are not wanted.
struct LayerWeights {
  float *kernel, *recurrent_kernel, *bias;
};

void to_weight_space(Context& context, const RnnDescription& rnn, const RnnSizes& sizes, const WeightPlaces& places,
                     const LayerWeights& weights, float* space);
void from_weight_space(Context& context, const RnnDescription& rnn, const RnnSizes& sizes, const WeightPlaces& places,
                       const float* space, const LayerWeights& gradients);

/// x (batch, time, in) to (time, batch, in), steps in the order of processing.
void to_steps(Context& context, const RnnSizes& sizes, const float* x, float* steps);
/// And back for x's gradient: zeros at masked steps, of which none is read.
void gradient_from_steps(Context& context, const RnnSizes& sizes, const bool* mask, const float* steps, float* dx);
/// The sequence of outputs from those of cuDNN (time, batch, units).
void write_outputs(Context& context, const RnnDescription& rnn, const RnnSizes& sizes, const bool* mask,
                   const float* steps, float* sequence);
/// The gradient of cuDNN's outputs (time, batch, units) from that of the sequence, which may be null.
void gather_output_gradient(Context& context, const RnnDescription& rnn, const RnnSizes& sizes, const bool* mask,
                            const float* sequence_gradient, float* steps);

}  // namespace nyala::backend::cuda
