#include <nyala/backend.hpp>

#include "backend/nn_windows.hpp"
#include "compare.hpp"
#include "control.h"
#include "core/tensor_impl.hpp"

using namespace gpu_check;
using nyala::FusedActivation;
using nyala::backend::Window;

namespace {

std::vector<ConvCase> cases() {
  auto all = conv_cases();
  all.push_back(conv_case("more padding than window", {2, 4, 4, 3}, {2, 2, 3, 4}, 1, 1, 3, 3));
  return all;
}

constexpr FusedActivation activations[] = {FusedActivation::none, FusedActivation::relu, FusedActivation::sigmoid,
                                           FusedActivation::tanh, FusedActivation::gelu, FusedActivation::silu};

void compare_conv(const ConvCase& c, DType dtype, FusedActivation activation, bool biased, bool before,
                  double looser = 1.0) {
  const Tensor x = noise(c.x, 1, dtype), kernel = noise(c.kernel, 2, dtype);
  const Tensor bias = biased ? noise({c.kernel.back()}, 3, dtype) : Tensor();
  const Tensor out = Tensor::empty(c.out(), dtype);
  compare("conv", {x, kernel, bias}, {before ? out : Tensor(), out}, looser * tolerance_of(dtype),
          [&](Kernels& k, const Tensors& in, Tensors& results) {
            k.conv(in[0], in[1], in[2], c.window, activation, results[0], results[1]);
          });
}

void compare_backward(const ConvCase& c, DType dtype) {
  const Tensor x = noise(c.x, 1, dtype), kernel = noise(c.kernel, 2, dtype), gradient = noise(c.out(), 4, dtype);
  compare("data", {gradient, kernel}, {x}, tolerance_of(dtype),
          [&](Kernels& k, const Tensors& in, Tensors& out) { k.conv_backward_data(in[0], in[1], c.window, out[0]); });
  compare("filter", {x, gradient}, {kernel}, 10 * tolerance_of(dtype),
          [&](Kernels& k, const Tensors& in, Tensors& out) { k.conv_backward_filter(in[0], in[1], c.window, out[0]); });
}

}  // namespace

TEST_CASE("softgpu: convolution, forward and backward") {
  for (const ConvCase& c : cases()) {
    CAPTURE(c.name);
    for (const DType dtype : {DType::float32, DType::float64}) {
      CAPTURE(nyala::name_of(dtype));
      compare_conv(c, dtype, FusedActivation::none, true, false);
      compare_conv(c, dtype, FusedActivation::relu, false, false);
      compare_backward(c, dtype);
    }
  }
}

TEST_CASE("softgpu: convolution in half precision") {
  for (const ConvCase& c : {conv_case("2-D same", {3, 8, 8, 16}, {3, 3, 16, 8}, 1, 1, 1, 1),
                            conv_case("uneven", {2, 8, 9, 6}, {3, 2, 3, 4}, 2, 1, 0, 1)}) {
    for (const DType dtype : {DType::float16, DType::bfloat16}) {
      CAPTURE(nyala::name_of(dtype));
      compare_conv(c, dtype, FusedActivation::relu, true, false);
      compare_conv(c, dtype, FusedActivation::gelu, true, true);
      compare_backward(c, dtype);
    }
  }
}

TEST_CASE("softgpu: convolution with every activation, fused and beside the value before it") {
  const ConvCase c = conv_case("2-D", {2, 7, 8, 3}, {3, 3, 3, 5});
  for (const auto activation : activations) {
    CAPTURE(static_cast<int>(activation));
    for (const bool biased : {false, true})
      for (const bool before : {false, true}) compare_conv(c, DType::float32, activation, biased, before);
  }
}

TEST_CASE("softgpu: convolution when engines refuse") {
  // Each case has a shape of its own, so that no plan is known yet.
  const ConvCase same = conv_case("2-D same", {2, 7, 8, 3}, {3, 3, 3, 7}, 1, 1, 1, 1);
  softgpu_fail("plan", 1);
  compare_conv(same, DType::float32, FusedActivation::relu, true, false);
  const ConvCase uneven = conv_case("uneven", {2, 8, 9, 6}, {3, 2, 3, 10}, 2, 1, 0, 1);
  softgpu_fail("execute", 1);
  compare_conv(uneven, DType::float32, FusedActivation::silu, true, false);
  softgpu_fail("engines", 1);
  compare_backward(uneven, DType::float32);
  for (const char* kind : {"plan", "execute", "engines"}) softgpu_fail(kind, 0);
}

TEST_CASE("softgpu: plans are made once") {
  const ConvCase c = conv_case("2-D", {3, 7, 9, 2}, {3, 3, 2, 4});
  compare_conv(c, DType::float32, FusedActivation::relu, true, false);
  softgpu_reset_counts();
  compare_conv(c, DType::float32, FusedActivation::relu, true, false);
  CHECK(softgpu_count("plans") == 0);
  CHECK(softgpu_count("executions") == 2);
}

TEST_CASE("softgpu: operands are rounded to TensorFloat-32 only where the user allows it") {
  const ConvCase c = conv_case("2-D", {2, 9, 9, 6}, {3, 3, 6, 4});
  compare_conv(c, DType::float32, FusedActivation::silu, true, false);
  nyala::enable_tensor_float_32_execution(true);
  CHECK(nyala::tensor_float_32_execution_enabled());
  softgpu_reset_counts();
  compare_conv(c, DType::float32, FusedActivation::silu, true, false, 200.0);
  CHECK(softgpu_count("plans") > 0);
  const Tensor x = noise({8, 64}, 1, DType::float32);
  compare("matmul", {x}, {Tensor::empty({1, 8, 8}, DType::float32)}, 2e-3,
          [](Kernels& k, const Tensors& in, Tensors& out) {
            const Tensor matrix = nyala::detail::alias(in[0], {1, 8, 64});
            k.matmul(matrix, matrix, false, true, false, out[0]);
          });
  nyala::enable_tensor_float_32_execution(false);
}
