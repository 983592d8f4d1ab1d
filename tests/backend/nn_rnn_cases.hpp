#pragma once

#include <string>
#include <vector>

#include "backend/kernels.hpp"
#include "nn_check.hpp"

// Sequences that the tests run through every path of the recurrent cells.

namespace nn_check {

using nyala::backend::Kernels;
using nyala::backend::RnnCell;
using nyala::backend::RnnDescription;

struct RnnCase {
  std::string name;
  RnnDescription rnn;
  std::int64_t batch = 3, time = 5, in = 4, units = 6;
  bool initial = true, biased = true, masked = false;
};

inline std::vector<RnnCase> rnn_cases() {
  std::vector<RnnCase> cases;
  for (const RnnCell cell : {RnnCell::simple, RnnCell::lstm, RnnCell::gru, RnnCell::gru_reset_after}) {
    RnnCase c;
    c.rnn.cell = cell;
    const std::string name = cell == RnnCell::simple ? "simple"
                             : cell == RnnCell::lstm ? "lstm"
                             : cell == RnnCell::gru  ? "gru"
                                                     : "gru, reset after";
    for (const int way : {0, 1, 2, 3, 4}) {
      RnnCase variant = c;
      variant.name = name + std::vector<std::string>{"", ", masked", ", masked with zeros, backwards", ", bare",
                                                     ", one of each"}[static_cast<std::size_t>(way)];
      variant.masked = way == 1 || way == 2;
      variant.rnn.zero_output_for_mask = variant.rnn.go_backwards = way == 2;
      if (way == 3) variant.initial = variant.biased = false;
      if (way == 4) variant.batch = variant.time = variant.in = variant.units = 1;
      cases.push_back(variant);
    }
    RnnCase other = c;
    other.name = name + ", other activations";
    other.rnn.activation = nyala::backend::Unary::softsign;
    other.rnn.recurrent_activation = nyala::backend::Unary::hard_sigmoid;
    cases.push_back(other);
    RnnCase linear = c;
    linear.name = name + ", linear";
    linear.rnn.activation = std::nullopt;
    cases.push_back(linear);
    RnnCase rectified = c;
    rectified.name = name + ", relu";
    rectified.rnn.activation = nyala::backend::Unary::relu;
    rectified.masked = true;
    cases.push_back(rectified);
  }
  return cases;
}

/// A sequence with all that goes in and comes out, run by any kernels.
struct RnnRun {
  const RnnCase& c;
  DType dtype;
  std::int64_t gates;
  Tensor x, h0, c0, kernel, recurrent, bias, mask, sequence, h, cell, workspace;
  Tensor gradient_sequence, gradient_h, gradient_c;
  Kernels::RnnGradients gradients;

  explicit RnnRun(const RnnCase& of, DType type = DType::float64) : c(of), dtype(type) {
    const bool lstm = c.rnn.cell == RnnCell::lstm;
    gates = lstm ? 4 : c.rnn.cell == RnnCell::simple ? 1 : 3;
    const Shape states{c.batch, c.units}, outputs{c.batch, c.time, c.units};
    x = random({c.batch, c.time, c.in}, 1, type);
    kernel = random({c.in, gates * c.units}, 2, type);
    recurrent = random({c.units, gates * c.units}, 3, type);
    if (c.initial) h0 = random(states, 4, type);
    if (c.initial && lstm) c0 = random(states, 5, type);
    const Shape biases = c.rnn.cell == RnnCell::gru_reset_after ? Shape{2, gates * c.units} : Shape{gates * c.units};
    if (c.biased) bias = random(biases, 6, type);
    if (c.masked) {
      // Padding on the left, on the right, a hole, and a sample that takes no part at all.
      mask = Tensor::empty({c.batch, c.time}, DType::boolean);
      for (std::int64_t i = 0; i < mask.size(); ++i) {
        const std::int64_t row = i / c.time % 4, step = i % c.time;
        mask.data<bool>()[i] = row == 0 ? step >= 2 : row == 1 ? step != 1 && step < c.time - 1 : row == 3;
      }
    }
    sequence = zeros(outputs, type);
    h = zeros(states, type);
    if (lstm) cell = zeros(states, type);
    gradient_sequence = random(outputs, 7, type);
    gradient_h = random(states, 8, type);
    if (lstm) gradient_c = random(states, 9, type);
    gradients.dx = zeros(x.shape(), type);
    gradients.dkernel = zeros(kernel.shape(), type);
    gradients.drecurrent_kernel = zeros(recurrent.shape(), type);
    if (h0.defined()) gradients.dh0 = zeros(states, type);
    if (c0.defined()) gradients.dc0 = zeros(states, type);
    if (bias.defined()) gradients.dbias = zeros(biases, type);
  }

  void forward(Kernels& kernels, bool training) {
    if (training)
      workspace = Tensor::empty({kernels.rnn_workspace(c.rnn, x, c.units)}, dtype);
    else
      workspace = {};
    kernels.rnn(c.rnn, x, h0, c0, kernel, recurrent, bias, mask, sequence, h, cell, workspace);
  }
  void backward(Kernels& kernels) {
    kernels.rnn_backward(c.rnn, x, h0, c0, kernel, recurrent, bias, mask, sequence, workspace, gradient_sequence,
                         gradient_h, gradient_c, gradients);
  }
  double loss(Kernels& kernels) {
    forward(kernels, false);
    return dot(sequence, gradient_sequence) + dot(h, gradient_h) + (cell.defined() ? dot(cell, gradient_c) : 0.0);
  }
};

}  // namespace nn_check
