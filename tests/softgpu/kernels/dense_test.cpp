#include <array>

#include <nyala/backend.hpp>

#include "compare.hpp"
#include "control.h"
#include "core/tensor_impl.hpp"

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
                                    FusedActivation::gelu, FusedActivation::silu, FusedActivation::gelu_tanh}) {
        CAPTURE(static_cast<int>(activation));
        for (const bool biased : {false, true})
          for (const bool before : {false, true})
            compare("dense", {x, kernel, biased ? bias : Tensor()}, {before ? gradient : Tensor(), gradient},
                    tolerance_of(dtype), [&](Kernels& k, const Tensors& from, Tensors& out) {
                      Tensor mask;
                      k.dense(from[0], from[1], from[2], activation, out[0], out[1], &mask);
                    });
      }
      for (int wanted = 1; wanted < 8; ++wanted)
        compare("dense_backward", {x, kernel, gradient},
                {(wanted & 1) != 0 ? x : Tensor(), (wanted & 2) != 0 ? kernel : Tensor(),
                 (wanted & 4) != 0 ? bias : Tensor()},
                3 * tolerance_of(dtype), [&](Kernels& k, const Tensors& from, Tensors& out) {
                  Tensor none;
                  k.dense_backward(from[0], from[1], from[2], nullptr, out[0], out[1], out[2], none);
                });
    }
  }
}

namespace {

/// Two dense layers: the gradients of the first one's sums and bias, by the kernels of the second.
void two_layers(Kernels& k, const Tensors& in, FusedActivation activation, bool biased, Tensor& before, Tensors& out) {
  nyala::backend::AppliedActivation applied;
  applied.activation = activation;
  applied.biased = biased;
  Tensor y = Tensor::empty(in[4].shape(), in[0].dtype(), in[0].device());
  k.dense(in[0], in[1], biased ? in[2] : Tensor(), activation, before, y, &applied.mask);
  (before.defined() ? applied.before : applied.after) = before.defined() ? before : y;
  k.dense_backward(y, in[3], in[5], &applied, out[0], out[1], out[2], out[3]);
}

}  // namespace

TEST_CASE("softgpu: the gradient of a layer's activation by the product of the layer after it") {
  for (const auto& [rows, in, units, next] : std::vector<std::array<std::int64_t, 4>>{
           {8, 16, 8, 8}, {33, 20, 136, 5}, {5, 3, 7, 4}, {4, 6, 16, 1}, {0, 4, 8, 8}, {1, 1, 1, 1}}) {
    for (const DType dtype : floating) {
      CAPTURE(nyala::name_of(dtype));
      CAPTURE(units);
      Tensor x = noise({rows, in}, 1, dtype);
      const Tensor kernel = noise({in, units}, 2, dtype), bias = noise({units}, 3, dtype);
      const Tensor kernel2 = noise({units, next}, 4, dtype), y = noise({rows, units}, 5, dtype);
      const Tensor gradient = noise({rows, next}, 6, dtype), bias2 = noise({next}, 7, dtype);
      for (const auto activation : {FusedActivation::relu, FusedActivation::gelu_tanh, FusedActivation::gelu,
                                    FusedActivation::tanh, FusedActivation::silu}) {
        CAPTURE(static_cast<int>(activation));
        const bool keeps = activation != FusedActivation::relu && activation != FusedActivation::tanh;
        for (const bool biased : {false, true}) {
          compare("two layers", {x, kernel, bias, kernel2, y, gradient},
                  {y, kernel2, biased ? bias2 : Tensor(), biased ? bias : Tensor()}, 6 * tolerance_of(dtype),
                  [&](Kernels& k, const Tensors& from, Tensors& out) {
                    Tensor before = keeps ? Tensor::empty(y.shape(), dtype, from[0].device()) : Tensor();
                    two_layers(k, from, activation, biased, before, out);
                  });
        }
      }
    }
  }
}

TEST_CASE("softgpu: the activation's gradient costs no launch of its own") {
  const Tensor x = there(noise({16, 32}, 1, DType::float32)), kernel = there(noise({32, 24}, 2, DType::float32));
  const Tensor bias = there(noise({24}, 3, DType::float32)), kernel2 = there(noise({24, 8}, 4, DType::float32));
  const Tensor y = there(noise({16, 24}, 5, DType::float32)), gradient = there(noise({16, 8}, 6, DType::float32));
  const Tensor bias2 = there(noise({8}, 7, DType::float32));
  for (const auto activation : {FusedActivation::relu, FusedActivation::gelu_tanh}) {
    for (int time = 0; time < 2; ++time) {
      Tensor before = activation == FusedActivation::relu ? Tensor() : there(y.to(Device("cpu")));
      Tensors out{there(here(y)), there(here(kernel2)), there(here(bias2)), there(here(bias))};
      softgpu_reset_counts();
      two_layers(gpu(), {x, kernel, bias, kernel2, y, gradient}, activation, true, before, out);
      if (time == 0) continue;  // when relu's mask is tried
      CHECK(softgpu_count("launches") == 0);
      CHECK(softgpu_count("matmuls") == 3);
      CHECK(softgpu_count("synchronisations") == 0);
    }
  }
}

TEST_CASE("softgpu: where the library's mask lets sums of 0 pass, it is not used") {
  // On the second device, which has not tried it yet.
  const Device second("gpu:1");
  Kernels& kernels = nyala::backend::kernels_for(second);
  softgpu_set("relu_zero", 1);
  const auto on_second = [&](const Tensor& x) { return x.to(second); };
  Tensor x = noise({4, 8}, 1, DType::float32);
  for (std::int64_t i = 8; i < 24; ++i) x.data<float>()[i] = 0.0F;
  const Tensor kernel = noise({8, 8}, 2, DType::float32), gradient = noise({4, 8}, 3, DType::float32);
  Tensor y = on_second(gradient), mask, none, before;
  kernels.dense(on_second(x), on_second(kernel), none, FusedActivation::relu, before, y, &mask);
  CHECK_FALSE(mask.defined());
  nyala::backend::AppliedActivation applied;
  applied.activation = FusedActivation::relu;
  applied.after = y;
  Tensor dx = on_second(gradient);
  kernels.dense_backward(y, on_second(kernel), on_second(gradient), &applied, dx, none, none, none);
  const std::vector<float> found = here(dx).to_vector<float>();
  for (std::size_t i = 8; i < 24; ++i) CHECK(found[i] == 0.0F);
  softgpu_set("relu_zero", 0);
}

TEST_CASE("softgpu: algorithms are found anew for vectors that lie worse") {
  const Tensor x = there(noise({8, 16}, 1, DType::float32)), kernel = there(noise({16, 8}, 2, DType::float32));
  const Tensor many = there(noise({40}, 3, DType::float32));
  Tensor none, out = there(noise({8, 8}, 4, DType::float32));
  // A vector that lies worse than the one before breaks a rule of the software GPU, unless the library is asked again.
  for (const std::int64_t first : {0, 4, 1, 2, 16})
    gpu().dense(x, kernel, nyala::detail::view(many, first, {8}), FusedActivation::relu, none, out);
  nyala::synchronize(Device("gpu"));
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
