#include "compare.hpp"
#include "control.h"
#include "general.hpp"

using namespace gpu_check;

// Softmax through cuDNN: that it is taken, and that our own kernels take over where it refuses. (More shapes:
// network_test.cpp.)

namespace {

/// All four, each run twice beside the reference.
void compare_softmax(const Shape& shape, DType dtype) {
  CAPTURE(shape.str());
  CAPTURE(nyala::name_of(dtype));
  const Tensor x = noise(shape, 1, dtype), gradient = noise(shape, 2, dtype);
  const double tolerance = 3 * tolerance_of(dtype);
  compare("softmax", {x}, {x}, tolerance,
          [](Kernels& k, const Tensors& in, Tensors& out) { k.softmax(in[0], out[0]); });
  compare("softmax_backward", {x, gradient}, {x}, tolerance,
          [](Kernels& k, const Tensors& in, Tensors& out) { k.softmax_backward(in[0], in[1], out[0]); });
  compare("log_softmax", {x}, {x}, tolerance,
          [](Kernels& k, const Tensors& in, Tensors& out) { k.log_softmax(in[0], out[0]); });
  compare("log_softmax_backward", {x, gradient}, {x}, tolerance,
          [](Kernels& k, const Tensors& in, Tensors& out) { k.log_softmax_backward(in[0], in[1], out[0]); });
}

}  // namespace

TEST_CASE("softgpu: softmax is cuDNN's, in every dtype") {
  for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16}) {
    softgpu_reset_counts();
    compare_softmax({6, 10}, dtype);
    CHECK(softgpu_count("softmaxes") == 8);
  }
  softgpu_reset_counts();
  compare_softmax({0, 10}, DType::float32);
  CHECK(softgpu_count("softmaxes") == 0);
}

TEST_CASE("softgpu: softmax that cuDNN refuses is our own") {
  for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16}) {
    const Tensor x = noise({5, 7}, 1, dtype), gradient = noise({5, 7}, 2, dtype);
    const auto refused = [&](const char* what, const std::function<void(Kernels&, const Tensors&, Tensor&)>& run) {
      softgpu_reset_counts();
      softgpu_fail("softmax", 1);
      alike(what, {x, gradient}, blank(x.shape(), dtype), 3 * tolerance_of(dtype), run);
      CHECK(softgpu_count("softmaxes") == 0);
    };
    refused("softmax", [](Kernels& k, const Tensors& in, Tensor& out) { k.softmax(in[0], out); });
    refused("softmax_backward",
            [](Kernels& k, const Tensors& in, Tensor& out) { k.softmax_backward(in[0], in[1], out); });
    refused("log_softmax", [](Kernels& k, const Tensors& in, Tensor& out) { k.log_softmax(in[0], out); });
    refused("log_softmax_backward",
            [](Kernels& k, const Tensors& in, Tensor& out) { k.log_softmax_backward(in[0], in[1], out); });
  }
  softgpu_fail("softmax", 0);
}
