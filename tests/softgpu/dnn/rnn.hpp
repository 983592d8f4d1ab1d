#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dnn/handle.hpp"

struct cudnnTensorStruct {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::vector<int> dimensions, strides;
};
struct cudnnDropoutStruct {
  bool set = false;
};
struct cudnnRNNStruct {
  bool set = false;
  cudnnRNNMode_t cell = CUDNN_LSTM;
  cudnnMathType_t math = CUDNN_FMA_MATH;
  std::int32_t in = 0, units = 0;

  std::int64_t gates() const { return cell == CUDNN_LSTM ? 4 : cell == CUDNN_GRU ? 3 : 1; }
};
struct cudnnRNNDataStruct {
  bool set = false;
  int longest = 0, batch = 0, width = 0;
  std::vector<int> lengths;
  float padding = 0.0F;
};

namespace softgpu::dnn {

/// Where the weight space holds what, in floats; there are gaps between the parts.
struct WeightSpace {
  explicit WeightSpace(const cudnnRNNStruct& rnn);
  std::int64_t matrix(std::int64_t number) const;
  std::int64_t bias(std::int64_t number) const;
  std::size_t bytes() const;

  std::int64_t in, units, gates;
};

/// Operands of a call, as pointers to device memory; null ones are zeros, or are not wanted.
struct RnnCall {
  cudnnRNNStruct rnn;
  cudnnRNNDataStruct sequences;
  float padding = 0.0F;
  bool training = false;
  const float *x = nullptr, *hx = nullptr, *cx = nullptr, *weights = nullptr;
  float *y = nullptr, *hy = nullptr, *cy = nullptr, *reserve = nullptr;
  const float *dy = nullptr, *dhy = nullptr, *dcy = nullptr;
  float *dx = nullptr, *dhx = nullptr, *dcx = nullptr, *dweights = nullptr;
};

/// Floats: a mark of who wrote it last, then per step and row the gates, and one value more per unit.
std::size_t reserve_floats(const RnnCall& call);

void rnn_forward(const RnnCall& call);
void rnn_backward_data(const RnnCall& call);
void rnn_backward_weights(const RnnCall& call);

}  // namespace softgpu::dnn
