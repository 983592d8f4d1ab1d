#include "backend/cpu/reference/reference_kernels.hpp"
#include "nn_check.hpp"
#include "nn_rnn_cases.hpp"

using namespace nn_check;
using nyala::backend::ReferenceKernels;

namespace {

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

/// One sample through a cell with tanh and sigmoid, from the formulas: outputs in the order of processing, then h, c.
std::vector<double> plain_rnn(const RnnRun& run, std::int64_t row) {
  const RnnCase& c = run.c;
  const std::int64_t u = c.units, width = run.gates * u;
  const auto at = [](const Tensor& t, std::int64_t i) { return t.defined() ? t.data<double>()[i] : 0.0; };
  std::vector<double> h, cell, output(static_cast<std::size_t>(u)), all;
  for (std::int64_t j = 0; j < u; ++j) h.push_back(at(run.h0, row * u + j)), cell.push_back(at(run.c0, row * u + j));
  for (std::int64_t step = 0; step < c.time; ++step) {
    const std::int64_t time = c.rnn.go_backwards ? c.time - 1 - step : step;
    if (run.mask.defined() && !run.mask.data<bool>()[row * c.time + time]) {
      if (c.rnn.zero_output_for_mask)
        all.insert(all.end(), static_cast<std::size_t>(u), 0.0);
      else
        all.insert(all.end(), output.begin(), output.end());
      continue;
    }
    const auto input = [&](std::int64_t column) {
      double sum = at(run.bias, column);
      for (std::int64_t j = 0; j < c.in; ++j)
        sum += at(run.x, (row * c.time + time) * c.in + j) * at(run.kernel, j * width + column);
      return sum;
    };
    const auto recurrent = [&](std::int64_t column, const std::vector<double>& state) {
      double sum = c.rnn.cell == RnnCell::gru_reset_after ? at(run.bias, width + column) : 0.0;
      for (std::int64_t j = 0; j < u; ++j)
        sum += state[static_cast<std::size_t>(j)] * at(run.recurrent, j * width + column);
      return sum;
    };
    std::vector<double> next = h, gated = h;
    if (c.rnn.cell == RnnCell::gru)
      for (std::int64_t j = 0; j < u; ++j)
        gated[static_cast<std::size_t>(j)] *= sigmoid(input(u + j) + recurrent(u + j, h));
    for (std::int64_t j = 0; j < u; ++j) {
      const std::size_t place = static_cast<std::size_t>(j);
      const auto sum = [&](std::int64_t gate) { return input(gate * u + j) + recurrent(gate * u + j, h); };
      if (c.rnn.cell == RnnCell::simple) {
        next[place] = std::tanh(sum(0));
      } else if (c.rnn.cell == RnnCell::lstm) {
        cell[place] = sigmoid(sum(1)) * cell[place] + sigmoid(sum(0)) * std::tanh(sum(2));
        next[place] = sigmoid(sum(3)) * std::tanh(cell[place]);
      } else {
        const double z = sigmoid(sum(0)), r = sigmoid(sum(1));
        const double candidate = c.rnn.cell == RnnCell::gru ? std::tanh(input(2 * u + j) + recurrent(2 * u + j, gated))
                                                            : std::tanh(input(2 * u + j) + r * recurrent(2 * u + j, h));
        next[place] = z * h[place] + (1.0 - z) * candidate;
      }
    }
    output = h = next;
    all.insert(all.end(), h.begin(), h.end());
  }
  all.insert(all.end(), h.begin(), h.end());
  if (c.rnn.cell == RnnCell::lstm) all.insert(all.end(), cell.begin(), cell.end());
  return all;
}

bool usual(const RnnCase& c) {
  return c.rnn.activation == nyala::backend::Unary::tanh &&
         c.rnn.recurrent_activation == nyala::backend::Unary::sigmoid;
}

}  // namespace

TEST_CASE("reference: recurrent cells follow their formulas") {
  ReferenceKernels kernels;
  for (const RnnCase& c : rnn_cases()) {
    if (!usual(c)) continue;
    CAPTURE(c.name);
    for (const bool training : {false, true}) {
      RnnRun run(c);
      run.forward(kernels, training);
      for (std::int64_t row = 0; row < c.batch; ++row) {
        std::vector<double> found;
        const auto add = [&](const Tensor& t, std::int64_t count) {
          if (t.defined())
            found.insert(found.end(), t.data<double>() + row * count, t.data<double>() + (row + 1) * count);
        };
        add(run.sequence, c.time * c.units);
        add(run.h, c.units);
        add(run.cell, c.units);
        const auto expected = plain_rnn(run, row);
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("reference: gradients through recurrent cells") {
  ReferenceKernels kernels;
  for (const RnnCase& c : rnn_cases()) {
    CAPTURE(c.name);
    RnnRun run(c);
    run.forward(kernels, true);
    run.backward(kernels);
    const auto loss = [&] { return run.loss(kernels); };
    check_gradient("x", loss, run.x, run.gradients.dx);
    check_gradient("kernel", loss, run.kernel, run.gradients.dkernel);
    check_gradient("recurrent kernel", loss, run.recurrent, run.gradients.drecurrent_kernel);
    if (run.h0.defined()) check_gradient("h0", loss, run.h0, run.gradients.dh0);
    if (run.c0.defined()) check_gradient("c0", loss, run.c0, run.gradients.dc0);
    if (run.bias.defined()) check_gradient("bias", loss, run.bias, run.gradients.dbias);
  }
}

TEST_CASE("reference: gradients of the last state alone, and an empty sequence") {
  ReferenceKernels kernels;
  RnnCase c;
  RnnRun run(c);
  run.forward(kernels, true);
  run.gradient_sequence = {};
  run.gradient_c = {};
  run.backward(kernels);
  check_gradient(
      "x",
      [&] {
        run.forward(kernels, false);
        return dot(run.h, run.gradient_h);
      },
      run.x, run.gradients.dx);
  for (const auto& [batch, time] : std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 3}, {2, 0}}) {
    RnnCase empty;
    empty.batch = batch;
    empty.time = time;
    RnnRun nothing(empty);
    nothing.forward(kernels, true);
    nothing.backward(kernels);
    CHECK(difference(nothing.h, nothing.h0) == 0.0);
    CHECK(difference(nothing.gradients.dh0, nothing.gradient_h) == 0.0);
    CHECK(dot(nothing.gradients.dkernel, nothing.gradients.dkernel) == 0.0);
  }
}

TEST_CASE("reference: half precision runs through float32, workspace included") {
  ReferenceKernels kernels;
  RnnCase c;
  RnnRun wide(c, DType::float32), narrow(c, DType::float32);
  const auto halved = [&](Tensor& t) {
    if (!t.defined()) return;
    Tensor half = Tensor::empty(t.shape(), DType::bfloat16);
    kernels.cast(t, half);
    t = half;
  };
  for (Tensor* t : {&narrow.x, &narrow.h0, &narrow.c0, &narrow.kernel, &narrow.recurrent, &narrow.bias,
                    &narrow.sequence, &narrow.h, &narrow.cell, &narrow.gradient_sequence, &narrow.gradient_h,
                    &narrow.gradient_c, &narrow.gradients.dx, &narrow.gradients.dh0, &narrow.gradients.dc0,
                    &narrow.gradients.dkernel, &narrow.gradients.drecurrent_kernel, &narrow.gradients.dbias})
    halved(*t);
  narrow.dtype = DType::bfloat16;
  for (RnnRun* run : {&wide, &narrow}) {
    run->forward(kernels, true);
    run->backward(kernels);
  }
  CHECK(difference(narrow.sequence, wide.sequence) < 0.03);
  CHECK(difference(narrow.gradients.dkernel, wide.gradients.dkernel) < 0.05);
}
