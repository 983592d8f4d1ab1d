#include <nyala/autograd.hpp>
#include <nyala/backend.hpp>
#include <nyala/ops/nn.hpp>

#include "backend/nn_rnn_cases.hpp"
#include "backend/nn_windows.hpp"
#include "compare.hpp"
#include "control.h"

// The last file, since there is no way back.

using namespace gpu_check;

TEST_CASE(
    "softgpu: with enable_op_determinism() convolutions, normalizations and poolings take other engines, recurrent "
    "networks the own cells, attention in training products") {
  const ConvCase c = conv_case("2-D same", {2, 7, 8, 3}, {3, 3, 3, 4}, 1, 1, 1, 1);
  const Tensor x = noise(c.x, 1, DType::float32), kernel = noise(c.kernel, 2, DType::float32),
               gradient = noise(c.out(), 4, DType::float32);
  const auto run = [&] {
    compare("data", {gradient, kernel}, {x}, 1e-5,
            [&](Kernels& k, const Tensors& in, Tensors& out) { k.conv_backward_data(in[0], in[1], c.window, out[0]); });
    compare("filter", {x, gradient}, {kernel}, 1e-4, [&](Kernels& k, const Tensors& in, Tensors& out) {
      k.conv_backward_filter(in[0], in[1], c.window, out[0]);
    });
  };
  run();
  nyala::enable_op_determinism();
  CHECK(nyala::op_determinism_enabled());
  softgpu_reset_counts();
  run();
  CHECK(softgpu_count("plans") == 2);

  RnnCase lstm;
  lstm.rnn.cell = RnnCell::lstm;
  RnnRun expected(lstm, DType::float32), found(lstm, DType::float32);
  ReferenceKernels reference;
  expected.forward(reference, false);
  softgpu_reset_counts();
  Tensor sequence = there(found.sequence), h = there(found.h), cell = there(found.cell), none;
  gpu().rnn(lstm.rnn, there(found.x), there(found.h0), there(found.c0), there(found.kernel), there(found.recurrent),
            there(found.bias), none, sequence, h, cell, none);
  CHECK(softgpu_count("executions") == 0);
  CHECK(difference(here(sequence), expected.sequence) < 1e-5);

  // Of the two engines each one adds in an order of its own: with the other refused, none is left.
  const Tensor rows = noise({130, 8}, 1, DType::float32), channels = noise({8}, 2, DType::float32);
  softgpu_fail("plan", 1);
  softgpu_reset_counts();
  compare("batch norm", {rows}, {rows, channels, channels}, 1e-4, [](Kernels& k, const Tensors& in, Tensors& out) {
    k.batch_norm_train(in[0], {}, {}, 1e-3, out[0], out[1], out[2]);
  });
  CHECK(softgpu_count("executions") == 0);
  const Tensor image = noise({21, 4, 4, 8}, 1, DType::float32), pooled = noise({21, 2, 2, 8}, 2, DType::float32);
  nyala::backend::Window window = conv_case("", image.shape(), {2, 2, 8, 8}, 2).window;
  softgpu_fail("plan", 1);
  compare("pooling", {pooled}, {image}, 1e-5,
          [&](Kernels& k, const Tensors& in, Tensors& out) { k.average_pool_backward(in[0], window, out[0]); });
  CHECK(softgpu_count("executions") == 0);
  softgpu_fail("plan", 0);

  const Tensor query = there(noise({2, 5, 2, 8}, 1, DType::float16));
  softgpu_reset_counts();
  const Tensor inference = nyala::dot_product_attention(query, query, query);
  CHECK(softgpu_count("executions") == 1);
  nyala::GradientTape tape;
  tape.watch(query);
  const Tensor training = nyala::dot_product_attention(query, query, query);
  tape.gradient(training, query);
  CHECK(softgpu_count("executions") == 1);
  CHECK(difference(here(training), here(inference)) < 3 * tolerance_of(DType::float16));
}
