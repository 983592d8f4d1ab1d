#include "backend/nn_rnn_cases.hpp"
#include "compare.hpp"
#include "control.h"

using namespace gpu_check;
using nyala::backend::Unary;

namespace {

/// Every tensor of a run.
Tensors all_of(const RnnRun& run) {
  return {run.x,
          run.h0,
          run.c0,
          run.kernel,
          run.recurrent,
          run.bias,
          run.mask,
          run.sequence,
          run.h,
          run.cell,
          run.gradient_sequence,
          run.gradient_h,
          run.gradient_c,
          run.gradients.dx,
          run.gradients.dh0,
          run.gradients.dc0,
          run.gradients.dkernel,
          run.gradients.drecurrent_kernel,
          run.gradients.dbias};
}

RnnRun on_gpu(const RnnRun& from) {
  RnnRun run = from;
  for (Tensor* x :
       {&run.x, &run.h0, &run.c0, &run.kernel, &run.recurrent, &run.bias, &run.mask, &run.sequence, &run.h, &run.cell,
        &run.gradient_sequence, &run.gradient_h, &run.gradient_c, &run.gradients.dx, &run.gradients.dh0,
        &run.gradients.dc0, &run.gradients.dkernel, &run.gradients.drecurrent_kernel, &run.gradients.dbias})
    *x = there(*x);
  return run;
}

void forward(RnnRun& run, Kernels& kernels, bool training) {
  run.workspace = {};
  if (training)
    run.workspace =
        Tensor::empty({kernels.rnn_workspace(run.c.rnn, run.x, run.c.units)}, run.x.dtype(), run.x.device());
  kernels.rnn(run.c.rnn, run.x, run.h0, run.c0, run.kernel, run.recurrent, run.bias, run.mask, run.sequence, run.h,
              run.cell, run.workspace);
}

void compare_runs(RnnRun& expected, double tolerance) {
  ReferenceKernels reference;
  RnnRun found = on_gpu(expected);
  forward(expected, reference, true);
  expected.backward(reference);
  forward(found, gpu(), false);
  CHECK(difference(here(found.sequence), expected.sequence) < tolerance);
  forward(found, gpu(), true);
  // Twice: the backward pass must leave the workspace as it was.
  found.backward(gpu());
  found.backward(gpu());
  const Tensors wanted = all_of(expected), got = all_of(found);
  for (std::size_t i = 7; i < wanted.size(); ++i) {
    if (!wanted[i].defined()) continue;
    CAPTURE(i);
    CHECK(difference(here(got[i]), wanted[i]) < tolerance);
  }
  // The last state alone, as a layer that returns no sequences asks for.
  const Tensor gradient = expected.gradient_sequence;
  expected.gradient_sequence = found.gradient_sequence = {};
  expected.backward(reference);
  found.backward(gpu());
  CHECK(difference(here(found.gradients.dx), expected.gradients.dx) < tolerance);
  expected.gradient_sequence = gradient;
}

/// True for the first so many steps of a row, in the order of processing.
Tensor lengths_mask(const std::vector<std::int64_t>& lengths, std::int64_t time, bool backwards) {
  Tensor mask = Tensor::empty({static_cast<std::int64_t>(lengths.size()), time}, DType::boolean);
  for (std::size_t row = 0; row < lengths.size(); ++row)
    for (std::int64_t step = 0; step < time; ++step)
      mask.data<bool>()[static_cast<std::int64_t>(row) * time + (backwards ? time - 1 - step : step)] =
          step < lengths[row];
  return mask;
}

}  // namespace

TEST_CASE("softgpu: recurrent cells are the reference's") {
  for (const RnnCase& c : rnn_cases()) {
    CAPTURE(c.name);
    for (const DType dtype : {DType::float32, DType::float64}) {
      CAPTURE(nyala::name_of(dtype));
      RnnRun run(c, dtype);
      compare_runs(run, dtype == DType::float64 ? 1e-12 : 2e-5);
    }
  }
}

TEST_CASE("softgpu: sequences of different lengths go through cuDNN") {
  for (const RnnCell cell : {RnnCell::simple, RnnCell::lstm, RnnCell::gru_reset_after})
    for (const bool backwards : {false, true})
      for (const bool zero : {false, true})
        for (const std::vector<std::int64_t>& lengths :
             std::vector<std::vector<std::int64_t>>{{5, 2, 1}, {3, 4, 2}, {5, 5, 5}, {1, 0, 5}}) {
          RnnCase c;
          c.rnn.cell = cell;
          c.rnn.go_backwards = backwards;
          c.rnn.zero_output_for_mask = zero;
          CAPTURE(static_cast<int>(cell));
          CAPTURE(backwards);
          CAPTURE(lengths[1]);
          RnnRun run(c, DType::float32);
          run.mask = lengths_mask(lengths, c.time, backwards);
          softgpu_reset_counts();
          compare_runs(run, 2e-5);
          // Two forward passes and three backward ones, of two calls each; a row without a step takes the own cells.
          CHECK(softgpu_count("executions") == (lengths[1] == 0 ? 0 : 8));
        }
}

TEST_CASE("softgpu: recurrent cells in half precision") {
  for (const RnnCell cell : {RnnCell::lstm, RnnCell::gru}) {
    RnnCase c;
    c.rnn.cell = cell;
    RnnRun run(c, DType::float32);
    const RnnRun narrow = [&] {
      RnnRun half = run;
      for (Tensor* x : {&half.x, &half.h0, &half.c0, &half.kernel, &half.recurrent, &half.bias, &half.sequence, &half.h,
                        &half.cell})
        *x = in_dtype(*x, DType::bfloat16);
      return half;
    }();
    RnnRun found = on_gpu(narrow), expected = narrow;
    ReferenceKernels reference;
    forward(expected, reference, false);
    forward(found, gpu(), true);
    CHECK(difference(here(found.sequence), expected.sequence) < 1.6e-2);
  }
}

TEST_CASE("softgpu: a relu cell goes through cuDNN too") {
  RnnCase c;
  c.rnn.cell = RnnCell::simple;
  c.rnn.activation = Unary::relu;
  RnnRun run(c, DType::float32);
  compare_runs(run, 2e-5);
}
