#include <array>

#include "compare.hpp"
#include "control.h"

using namespace gpu_check;
using nyala::FusedActivation;

namespace {

constexpr DType floating[] = {DType::float32, DType::float64, DType::float16, DType::bfloat16};

}  // namespace

TEST_CASE("softgpu: matrix products, transposed, batched, added") {
  for (const auto& [batch, m, n, k] : std::vector<std::array<std::int64_t, 4>>{
           {1, 4, 4, 4}, {3, 17, 13, 9}, {1, 64, 40, 33}, {2, 1, 1, 1}, {2, 3, 4, 0}, {0, 3, 4, 5}, {2, 0, 3, 4}}) {
    for (const DType dtype : floating) {
      for (int way = 0; way < 16; ++way) {
        const bool ta = (way & 1) != 0, tb = (way & 2) != 0, add = (way & 4) != 0, shared = (way & 8) != 0;
        CAPTURE(way);
        CAPTURE(nyala::name_of(dtype));
        const std::int64_t first = shared && batch > 0 ? 1 : batch;
        const Tensor a = noise(ta ? Shape{first, k, m} : Shape{first, m, k}, 1, dtype);
        const Tensor b = noise(tb ? Shape{batch, n, k} : Shape{batch, k, n}, 2, dtype);
        const Tensor start = noise({batch, m, n}, 3, dtype);
        compare("matmul", {a, b, start}, {start}, tolerance_of(dtype),
                [&](Kernels& kernels, const Tensors& in, Tensors& out) {
                  kernels.copy(in[2], out[0]);
                  kernels.matmul(in[0], in[1], ta, tb, add, out[0]);
                });
      }
    }
  }
}

TEST_CASE("softgpu: products of integers wrap around") {
  for (const DType dtype : {DType::int8, DType::uint8, DType::int32, DType::int64}) {
    CAPTURE(nyala::name_of(dtype));
    Tensor wide = random({2, 6, 5}, 1, DType::float32), other = random({1, 6, 4}, 2, DType::float32);
    for (std::int64_t i = 0; i < wide.size(); ++i) wide.data<float>()[i] *= 100;
    for (std::int64_t i = 0; i < other.size(); ++i) other.data<float>()[i] *= 100;
    if (dtype == DType::uint8)
      for (Tensor* x : {&wide, &other})
        for (std::int64_t i = 0; i < x->size(); ++i) x->data<float>()[i] = std::abs(x->data<float>()[i]);
    const Tensor a = in_dtype(wide, dtype), b = in_dtype(other, dtype);
    compare("matmul", {a, b}, {Tensor::empty({2, 5, 4}, dtype)}, 1e-300,
            [&](Kernels& k, const Tensors& in, Tensors& out) { k.matmul(in[0], in[1], true, false, false, out[0]); });
  }
}

TEST_CASE("softgpu: dense layers, forward and backward") {
  for (const auto& [rows, in, units] : std::vector<std::array<std::int64_t, 3>>{
           {8, 16, 8}, {1, 1, 1}, {0, 4, 5}, {3, 5, 7}, {33, 70, 29}, {4, 0, 3}, {4, 3, 0}}) {
    for (const DType dtype : floating) {
      CAPTURE(nyala::name_of(dtype));
      const Tensor x = noise({rows, in}, 1, dtype), kernel = noise({in, units}, 2, dtype);
      const Tensor bias = noise({units}, 3, dtype), gradient = noise({rows, units}, 4, dtype);
      for (const auto activation : {FusedActivation::none, FusedActivation::relu, FusedActivation::tanh,
                                    FusedActivation::gelu, FusedActivation::silu}) {
        CAPTURE(static_cast<int>(activation));
        for (const bool biased : {false, true})
          for (const bool before : {false, true})
            compare("dense", {x, kernel, biased ? bias : Tensor()}, {before ? gradient : Tensor(), gradient},
                    tolerance_of(dtype), [&](Kernels& k, const Tensors& from, Tensors& out) {
                      k.dense(from[0], from[1], from[2], activation, out[0], out[1]);
                    });
      }
      for (int wanted = 1; wanted < 8; ++wanted)
        compare("dense_backward", {x, kernel, gradient},
                {(wanted & 1) != 0 ? x : Tensor(), (wanted & 2) != 0 ? kernel : Tensor(),
                 (wanted & 4) != 0 ? bias : Tensor()},
                3 * tolerance_of(dtype), [&](Kernels& k, const Tensors& from, Tensors& out) {
                  k.dense_backward(from[0], from[1], from[2], out[0], out[1], out[2]);
                });
    }
  }
}

TEST_CASE("softgpu: dense layers when the library refuses") {
  const Tensor x = noise({5, 7}, 1, DType::float32), kernel = noise({7, 3}, 2, DType::float32);
  const Tensor bias = noise({3}, 3, DType::float32), out = noise({5, 3}, 4, DType::float32);
  softgpu_fail("matmul", 1);
  compare("dense", {x, kernel, bias}, {out}, 1e-5, [&](Kernels& k, const Tensors& from, Tensors& to) {
    Tensor none;
    k.dense(from[0], from[1], from[2], FusedActivation::relu, none, to[0]);
  });
  softgpu_fail("matmul", 0);
}
