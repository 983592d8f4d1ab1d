#include <array>
#include <cmath>

#include "own/parts.hpp"

// cuDNN's softmax: which calls are refused, and what they compute.

namespace {

/// A described tensor of `rows` × `columns`.
struct SoftmaxTensor {
  SoftmaxTensor(int rows, int columns, int stride, cudnnDataType_t type = CUDNN_DATA_FLOAT) {
    REQUIRE(cudnnCreateTensorDescriptor(&handle) == CUDNN_STATUS_SUCCESS);
    const std::array<int, 4> sizes{rows, columns, 1, 1}, strides{stride, 1, 1, 1};
    REQUIRE(cudnnSetTensorNdDescriptor(handle, type, 4, sizes.data(), strides.data()) == CUDNN_STATUS_SUCCESS);
  }
  ~SoftmaxTensor() { cudnnDestroyTensorDescriptor(handle); }
  SoftmaxTensor(const SoftmaxTensor&) = delete;
  SoftmaxTensor& operator=(const SoftmaxTensor&) = delete;
  cudnnTensorDescriptor_t handle = nullptr;
};

}  // namespace

TEST_CASE("softmax holds its rules, and computes") {
  const own::Stream stream;
  const own::Handle handle(stream);
  const own::Block x(stream, {0, std::log(3.0F), 1000, 1000}), y(stream, std::vector<float>(4)),
      gradient(stream, {1, 0, 0, 1}), small(stream, {1});
  const SoftmaxTensor matrix(2, 2, 2), other(2, 2, 2, CUDNN_DATA_HALF), apart(2, 2, 4);
  const float one = 1.0F, zero = 0.0F;
  const auto forward = [&](const SoftmaxTensor& in, const SoftmaxTensor& out, const float* alpha, void* to,
                           cudnnSoftmaxAlgorithm_t algorithm = CUDNN_SOFTMAX_ACCURATE) {
    return cudnnSoftmaxForward(handle.handle, algorithm, CUDNN_SOFTMAX_MODE_CHANNEL, alpha, in.handle, x.data(), &zero,
                               out.handle, to);
  };
  CHECK(forward(matrix, other, &one, y.data()) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("different types"));
  CHECK(forward(apart, apart, &one, y.data()) == CUDNN_STATUS_NOT_SUPPORTED);
  CHECK(own::taken("packed"));
  CHECK(forward(matrix, matrix, &zero, y.data()) == CUDNN_STATUS_NOT_SUPPORTED);
  CHECK(own::taken("alpha"));
  CHECK(forward(matrix, matrix, &one, nullptr) == CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  CHECK(own::taken("null pointer"));
  CHECK(forward(matrix, matrix, &one, small.data()) == CUDNN_STATUS_EXECUTION_FAILED);
  CHECK(own::taken("touches"));
  REQUIRE(forward(matrix, matrix, &one, y.data()) == CUDNN_STATUS_SUCCESS);
  std::vector<float> found = y.floats();
  CHECK(found[0] == doctest::Approx(0.25));
  CHECK(found[1] == doctest::Approx(0.75));
  CHECK(found[2] == 0.5F);
  REQUIRE(cudnnSoftmaxBackward(handle.handle, CUDNN_SOFTMAX_ACCURATE, CUDNN_SOFTMAX_MODE_CHANNEL, &one, matrix.handle,
                               y.data(), matrix.handle, gradient.data(), &zero, matrix.handle,
                               y.data()) == CUDNN_STATUS_SUCCESS);
  found = y.floats();
  CHECK(found[0] == doctest::Approx(0.25 * 0.75));
  CHECK(found[1] == doctest::Approx(-0.25 * 0.75));
  CHECK(found[3] == 0.25F);
  REQUIRE(forward(matrix, matrix, &one, y.data(), CUDNN_SOFTMAX_LOG) == CUDNN_STATUS_SUCCESS);
  CHECK(y.floats()[1] == doctest::Approx(std::log(0.75)));
  softgpu_fail("softmax", 1);
  CHECK(forward(matrix, matrix, &one, y.data()) == CUDNN_STATUS_NOT_SUPPORTED);
  CHECK(softgpu_violations() == 0);
}
