#include <cudnn.h>
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

#include "control.h"
#include "own/device.hpp"

// cuDNN's recurrent networks (v8): one unit by hand, which shows the order of the gates, and what is refused.

namespace {

using Floats = std::vector<float>;

constexpr float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }

/// A layer of one unit over one number, with all that its calls take.
struct Layer {
  Layer(cudnnRNNMode_t cell, const std::vector<int>& lengths) : longest(0), batch(static_cast<int>(lengths.size())) {
    for (const int length : lengths) longest = std::max(longest, length);
    REQUIRE(cudnnCreate(&handle) == CUDNN_STATUS_SUCCESS);
    REQUIRE(cudnnSetStream(handle, stream.handle) == CUDNN_STATUS_SUCCESS);
    cudnnCreateDropoutDescriptor(&dropout);
    cudnnCreateRNNDescriptor(&rnn);
    cudnnCreateTensorDescriptor(&state);
    cudnnCreateRNNDataDescriptor(&data);
    REQUIRE(cudnnSetDropoutDescriptor(dropout, handle, 0.0F, nullptr, 0, 0) == CUDNN_STATUS_SUCCESS);
    REQUIRE(describe(cell, CUDNN_RNN_PADDED_IO_ENABLED) == CUDNN_STATUS_SUCCESS);
    REQUIRE(describe_data(lengths) == CUDNN_STATUS_SUCCESS);
    const std::array<int, 3> sizes{1, batch, 1}, strides{batch, 1, 1};
    REQUIRE(cudnnSetTensorNdDescriptor(state, CUDNN_DATA_FLOAT, 3, sizes.data(), strides.data()) ==
            CUDNN_STATUS_SUCCESS);
    REQUIRE(cudnnGetRNNWeightSpaceSize(handle, rnn, &weight_bytes) == CUDNN_STATUS_SUCCESS);
    REQUIRE(cudnnGetRNNTempSpaceSizes(handle, rnn, CUDNN_FWD_MODE_TRAINING, data, &work_bytes, &reserve_bytes) ==
            CUDNN_STATUS_SUCCESS);
    weights.assign(weight_bytes / 4, 0.0F);
  }
  ~Layer() {
    cudnnDestroyRNNDataDescriptor(data);
    cudnnDestroyTensorDescriptor(state);
    cudnnDestroyRNNDescriptor(rnn);
    cudnnDestroyDropoutDescriptor(dropout);
    cudnnDestroy(handle);
  }
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  cudnnStatus_t describe(cudnnRNNMode_t cell, unsigned flags) {
    return cudnnSetRNNDescriptor_v8(rnn, CUDNN_RNN_ALGO_STANDARD, cell, CUDNN_RNN_DOUBLE_BIAS, CUDNN_UNIDIRECTIONAL,
                                    CUDNN_LINEAR_INPUT, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT, CUDNN_FMA_MATH, 1, 1, 1, 1,
                                    dropout, flags);
  }
  cudnnStatus_t describe_data(const std::vector<int>& lengths) {
    float padding = -7.0F;
    return cudnnSetRNNDataDescriptor(data, CUDNN_DATA_FLOAT, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED, longest, batch,
                                     1, lengths.data(), &padding);
  }
  /// The weight and the bias of a matrix: linLayerID.
  void set(int matrix, float weight, float bias) {
    cudnnTensorDescriptor_t of_matrix = nullptr, of_bias = nullptr;
    cudnnCreateTensorDescriptor(&of_matrix);
    cudnnCreateTensorDescriptor(&of_bias);
    void *matrix_at = nullptr, *bias_at = nullptr;
    REQUIRE(cudnnGetRNNWeightParams(handle, rnn, 0, weight_bytes, weights.data(), matrix, of_matrix, &matrix_at,
                                    of_bias, &bias_at) == CUDNN_STATUS_SUCCESS);
    *static_cast<float*>(matrix_at) = weight;
    *static_cast<float*>(bias_at) = bias;
    cudnnDestroyTensorDescriptor(of_matrix);
    cudnnDestroyTensorDescriptor(of_bias);
  }

  own::Stream stream;
  cudnnHandle_t handle = nullptr;
  cudnnDropoutDescriptor_t dropout = nullptr;
  cudnnRNNDescriptor_t rnn = nullptr;
  cudnnTensorDescriptor_t state = nullptr;
  cudnnRNNDataDescriptor_t data = nullptr;
  std::size_t weight_bytes = 0, work_bytes = 0, reserve_bytes = 0;
  int longest, batch;
  Floats weights;
};

struct Buffers {
  Buffers(const Layer& layer, const Floats& values, const Floats& start)
      : x(layer.stream, values),
        y(layer.stream, Floats(values.size(), 0.5F)),
        hx(layer.stream, start),
        hy(layer.stream, start),
        cy(layer.stream, start),
        weights(layer.stream, layer.weights),
        work(layer.stream, Floats(layer.work_bytes / 4)),
        reserve(layer.stream, Floats(layer.reserve_bytes / 4)) {}
  own::Block x, y, hx, hy, cy, weights, work, reserve;
};

cudnnStatus_t forward(const Layer& layer, const Buffers& on, const int* lengths = nullptr, std::size_t missing = 0) {
  return cudnnRNNForward(layer.handle, layer.rnn, CUDNN_FWD_MODE_TRAINING, lengths, layer.data, on.x.data(), layer.data,
                         on.y.data(), layer.state, on.hx.data(), on.hy.data(), layer.state, on.hx.data(), on.cy.data(),
                         layer.weight_bytes - missing, on.weights.data(), layer.work_bytes, on.work.data(),
                         layer.reserve_bytes, on.reserve.data());
}

cudnnStatus_t backward_weights(const Layer& layer, const Buffers& on, const own::Block& dweights) {
  return cudnnRNNBackwardWeights_v8(layer.handle, layer.rnn, CUDNN_WGRAD_MODE_ADD, nullptr, layer.data, on.x.data(),
                                    layer.state, on.hx.data(), layer.data, on.y.data(), layer.weight_bytes,
                                    dweights.data(), layer.work_bytes, on.work.data(), layer.reserve_bytes,
                                    on.reserve.data());
}

}  // namespace

TEST_CASE("recurrent networks: an LSTM's gates are input, forget, candidate and output") {
  Layer layer(CUDNN_LSTM, {1});
  for (int gate = 0; gate < 4; ++gate) {
    const auto number = static_cast<float>(gate);
    layer.set(gate, 0.3F + number, 0.1F * number);
    layer.set(gate + 4, -0.2F * number, 0.05F);
  }
  const float x = 0.7F, h = 0.4F;
  const Buffers on(layer, {x}, {h});
  REQUIRE(forward(layer, on) == CUDNN_STATUS_SUCCESS);
  const auto sum = [&](float gate) { return (0.3F + gate) * x + 0.1F * gate - 0.2F * gate * h + 0.05F; };
  const float c = sigmoid(sum(1)) * h + sigmoid(sum(0)) * std::tanh(sum(2));
  CHECK(on.cy.floats()[0] == doctest::Approx(c));
  CHECK(on.y.floats()[0] == doctest::Approx(sigmoid(sum(3)) * std::tanh(c)));
}

TEST_CASE("recurrent networks: a GRU's gates are reset, update and candidate, reset after the product") {
  Layer layer(CUDNN_GRU, {1});
  for (int gate = 0; gate < 3; ++gate) {
    const auto number = static_cast<float>(gate);
    layer.set(gate, 0.3F + number, 0.1F * number);
    layer.set(gate + 3, -0.2F * (number + 1), 0.25F);
  }
  const float x = 0.7F, h = 0.4F;
  const Buffers on(layer, {x}, {h});
  REQUIRE(forward(layer, on) == CUDNN_STATUS_SUCCESS);
  const auto by_x = [&](float gate) { return (0.3F + gate) * x + 0.1F * gate; };
  const auto by_h = [&](float gate) { return -0.2F * (gate + 1) * h + 0.25F; };
  const float reset = sigmoid(by_x(0) + by_h(0)), update = sigmoid(by_x(1) + by_h(1));
  const float candidate = std::tanh(by_x(2) + reset * by_h(2));
  CHECK(on.y.floats()[0] == doctest::Approx((1 - update) * candidate + update * h));
}

TEST_CASE("recurrent networks: shorter sequences keep their last state, the rest is padding") {
  Layer layer(CUDNN_RNN_TANH, {3, 1});
  layer.set(0, 1.0F, 0.0F);
  layer.set(1, 0.5F, 0.0F);
  const Buffers on(layer, {0.1F, 0.2F, 0.3F, 9.0F, 0.5F, 9.0F}, {0.0F, 0.0F});
  REQUIRE(forward(layer, on) == CUDNN_STATUS_SUCCESS);
  const float first = std::tanh(0.1F), second = std::tanh(0.3F + 0.5F * first), third = std::tanh(0.5F + 0.5F * second);
  const Floats y = on.y.floats(), h = on.hy.floats();
  CHECK(y[0] == doctest::Approx(first));
  CHECK(y[1] == doctest::Approx(std::tanh(0.2F)));
  CHECK(y[2] == doctest::Approx(second));
  CHECK(y[3] == -7.0F);
  CHECK(y[4] == doctest::Approx(third));
  CHECK(h[0] == doctest::Approx(third));
  CHECK(h[1] == doctest::Approx(std::tanh(0.2F)));
}

TEST_CASE("recurrent networks: what the documentation forbids") {
  Layer layer(CUDNN_LSTM, {2, 1});
  CHECK(layer.describe(CUDNN_LSTM, 0) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("CUDNN_RNN_PADDED_IO_ENABLED"));
  REQUIRE(layer.describe(CUDNN_LSTM, CUDNN_RNN_PADDED_IO_ENABLED) == CUDNN_STATUS_SUCCESS);
  for (const std::vector<int>& lengths : {std::vector<int>{2, 0}, std::vector<int>{3, 1}}) {
    CHECK(layer.describe_data(lengths) == CUDNN_STATUS_BAD_PARAM);
    CHECK(own::taken("a length out of range"));
  }
  REQUIRE(layer.describe_data({2, 1}) == CUDNN_STATUS_SUCCESS);
  const Buffers on(layer, {1, 2, 3, 4}, {0, 0});
  const int lengths[2] = {2, 1};
  CHECK(forward(layer, on, lengths) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("lengths on the device"));
  CHECK(forward(layer, on, nullptr, 4) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("a weight space that is too small"));
  // The gradient of the weights comes after the one of the data, which leaves in the reserve space what it needs.
  REQUIRE(forward(layer, on) == CUDNN_STATUS_SUCCESS);
  const own::Block dweights(layer.stream, layer.weights);
  CHECK(backward_weights(layer, on, dweights) == CUDNN_STATUS_SUCCESS);
  CHECK(cudaStreamSynchronize(layer.stream.handle) == cudaSuccess);
  CHECK(own::taken("cudnnRNNBackwardWeights"));
  CHECK(softgpu_violations() == 0);
}
