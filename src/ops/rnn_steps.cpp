#include "ops/rnn_steps.hpp"

#include <algorithm>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/linalg.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/nn_support.hpp"

namespace nyala::ops {

using backend::RnnCell;

namespace {

/// One step of a cell: from the projected input (batch, gates * units) and the states to the next states.
class Cell {
 public:
  Cell(const RnnOperands& operands, const RnnOptions& options)
      : options_(options), recurrent_(operands.recurrent_kernel) {
    if (options.cell == RnnCell::gru) {
      blocks_ = split(recurrent_, std::vector<std::int64_t>{2 * recurrent_.shape()[0]}, 1);
    }
    if (!operands.bias.defined()) return;
    if (options.cell == RnnCell::gru_reset_after) {
      const std::vector<Tensor> rows = unstack(operands.bias, 0);
      input_bias_ = rows[0];
      recurrent_bias_ = rows[1];
    } else {
      input_bias_ = operands.bias;
    }
  }

  const Tensor& input_bias() const { return input_bias_; }

  void step(const Tensor& input, Tensor& h, Tensor& c) const {
    switch (options_.cell) {
      case RnnCell::simple: h = activation(input + matmul(h, recurrent_)); return;
      case RnnCell::lstm: return lstm(input + matmul(h, recurrent_), h, c);
      case RnnCell::gru: return gru(input, h);
      case RnnCell::gru_reset_after: return gru_reset_after(input, h);
    }
  }

 private:
  Tensor activation(const Tensor& x) const { return options_.activation->function(x); }
  Tensor recurrent_activation(const Tensor& x) const { return options_.recurrent_activation->function(x); }

  void lstm(const Tensor& sums, Tensor& h, Tensor& c) const {
    const std::vector<Tensor> gates = split(sums, 4, 1);
    c = recurrent_activation(gates[1]) * c + recurrent_activation(gates[0]) * activation(gates[2]);
    h = recurrent_activation(gates[3]) * activation(c);
  }

  void gru(const Tensor& input, Tensor& h) const {
    const std::vector<Tensor> inputs = split(input, 3, 1);
    const std::vector<Tensor> inner = split(matmul(h, blocks_[0]), 2, 1);
    const Tensor update = recurrent_activation(inputs[0] + inner[0]);
    const Tensor reset = recurrent_activation(inputs[1] + inner[1]);
    const Tensor candidate = activation(inputs[2] + matmul(reset * h, blocks_[1]));
    h = update * h + (1.0 - update) * candidate;
  }

  void gru_reset_after(const Tensor& input, Tensor& h) const {
    Tensor product = matmul(h, recurrent_);
    if (recurrent_bias_.defined()) product = product + recurrent_bias_;
    const std::vector<Tensor> inputs = split(input, 3, 1), inner = split(product, 3, 1);
    const Tensor update = recurrent_activation(inputs[0] + inner[0]);
    const Tensor reset = recurrent_activation(inputs[1] + inner[1]);
    const Tensor candidate = activation(inputs[2] + reset * inner[2]);
    h = update * h + (1.0 - update) * candidate;
  }

  const RnnOptions& options_;
  Tensor recurrent_, input_bias_, recurrent_bias_;
  std::vector<Tensor> blocks_;  // GRU, reset before: of the gates, and of the candidate
};

}  // namespace

RnnResult rnn_by_steps(const RnnOperands& operands, const RnnOptions& options) {
  const Shape state{operands.x.shape()[0], operands.recurrent_kernel.shape()[0]};
  const Tensor nothing = zeros_for(operands.x, state);
  const Cell cell(operands, options);
  const bool lstm = options.cell == RnnCell::lstm;
  Tensor h = operands.h0.defined() ? operands.h0 : nothing;
  Tensor c = !lstm ? Tensor() : operands.c0.defined() ? operands.c0 : nothing;
  if (operands.x.shape()[1] == 0) return {zeros_for(operands.x, Shape{state[0], 0, state[1]}), h, c};

  std::vector<Tensor> inputs = unstack(dense(operands.x, operands.kernel, cell.input_bias()), 1);
  std::vector<Tensor> taking_part;
  if (operands.mask.defined()) taking_part = unstack(expand_dims(operands.mask, -1), 1);
  if (options.go_backwards) {
    std::reverse(inputs.begin(), inputs.end());
    std::reverse(taking_part.begin(), taking_part.end());
  }
  std::vector<Tensor> outputs;
  for (std::size_t step = 0; step < inputs.size(); ++step) {
    const Tensor h_before = h, c_before = c;
    cell.step(inputs[step], h, c);
    if (taking_part.empty()) {
      outputs.push_back(h);
      continue;
    }
    const bool repeats = !options.zero_output_for_mask && step > 0;
    outputs.push_back(where(taking_part[step], h, repeats ? outputs.back() : nothing));
    h = where(taking_part[step], h, h_before);
    if (lstm) c = where(taking_part[step], c, c_before);
  }
  return {stack(outputs, 1), h, c};
}

}  // namespace nyala::ops
