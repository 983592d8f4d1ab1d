#include <algorithm>
#include <cmath>
#include <limits>

#include "dnn/rnn.hpp"
#include "runtime/product.hpp"

// The cells as cuDNN's documentation has them, computed on a stream's thread.

namespace softgpu::dnn {
namespace {

using Floats = std::vector<float>;

constexpr std::int64_t mark_floats = 64;
constexpr float written_forward = 1234.0F, written_backward = 4321.0F;

struct Sizes {
  explicit Sizes(const RnnCall& call)
      : time(call.sequences.longest),
        batch(call.sequences.batch),
        in(call.rnn.in),
        units(call.rnn.units),
        gates(call.rnn.gates()),
        slots(gates + 1) {}
  std::int64_t time, batch, in, units, gates, slots;
  bool live(const RnnCall& call, std::int64_t step, std::int64_t row) const {
    return step < call.sequences.lengths[static_cast<std::size_t>(row)];
  }
  float* saved(const RnnCall& call, std::int64_t step, std::int64_t row) const {
    return call.reserve + mark_floats + (step * batch + row) * slots * units;
  }
};

float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }

float rounded(const RnnCall& call, float value) {
  return call.rnn.math == CUDNN_DEFAULT_MATH ? tensor_float(value) : value;
}

/// The matrices (units, columns) of all gates, one below the other.
Floats matrices(const RnnCall& call, std::int64_t first, std::int64_t columns) {
  const WeightSpace space(call.rnn);
  Floats out;
  for (std::int64_t gate = 0; gate < space.gates; ++gate) {
    const float* matrix = call.weights + space.matrix(first + gate);
    std::transform(matrix, matrix + space.units * columns, std::back_inserter(out),
                   [&](float value) { return rounded(call, value); });
  }
  return out;
}

Floats turned(const Floats& in, std::int64_t rows, std::int64_t columns) {
  Floats out(in.size());
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      out[static_cast<std::size_t>(j * rows + i)] = in[static_cast<std::size_t>(i * columns + j)];
  return out;
}

/// Rows of one step, zeros where the sequence is over; a null pointer is zeros.
Floats rows_of(const RnnCall& call, const Sizes& s, const float* from, std::int64_t step, std::int64_t width) {
  Floats out(static_cast<std::size_t>(s.batch * width));
  if (from == nullptr) return out;
  for (std::int64_t row = 0; row < s.batch; ++row)
    if (s.live(call, step, row))
      std::transform(from + row * width, from + (row + 1) * width, out.begin() + row * width,
                     [&](float value) { return rounded(call, value); });
  return out;
}

const float* output_before(const RnnCall& call, const Sizes& s, std::int64_t step) {
  return step == 0 ? call.hx : call.y + (step - 1) * s.batch * s.units;
}

float or_zero(const float* from, std::int64_t i) { return from == nullptr ? 0.0F : from[i]; }

/// One unit of one step: gates from the sums of x's and h's products; returns the output.
float cell(cudnnRNNMode_t mode, const float* by_x, const float* by_h, std::int64_t units, float h, float& c,
           float* gate) {
  if (mode == CUDNN_LSTM) {
    for (int i = 0; i < 4; ++i) {
      const float sum = by_x[i * units] + by_h[i * units];
      gate[i] = i == 2 ? std::tanh(sum) : sigmoid(sum);
    }
    c = gate[1] * c + gate[0] * gate[2];
    return gate[3] * std::tanh(c);
  }
  if (mode == CUDNN_GRU) {
    gate[0] = sigmoid(by_x[0] + by_h[0]);
    gate[1] = sigmoid(by_x[units] + by_h[units]);
    c = by_h[2 * units];
    gate[2] = std::tanh(by_x[2 * units] + gate[0] * c);
    return (1.0F - gate[1]) * gate[2] + gate[1] * h;
  }
  const float sum = by_x[0] + by_h[0];
  gate[0] = mode == CUDNN_RNN_RELU ? std::max(sum, 0.0F) : std::tanh(sum);
  return gate[0];
}

void check_mark(const RnnCall& call, float wanted, const char* message) {
  if (call.reserve[0] != wanted) violation(message);
}

}  // namespace

WeightSpace::WeightSpace(const cudnnRNNStruct& rnn) : in(rnn.in), units(rnn.units), gates(rnn.gates()) {}

std::int64_t WeightSpace::matrix(std::int64_t number) const {
  const std::int64_t of_x = units * in + 32, of_h = units * units + 32;
  return number < gates ? number * of_x : gates * of_x + (number - gates) * of_h;
}
std::int64_t WeightSpace::bias(std::int64_t number) const { return matrix(2 * gates) + number * (units + 32); }
std::size_t WeightSpace::bytes() const { return static_cast<std::size_t>(bias(2 * gates)) * sizeof(float); }

std::size_t reserve_floats(const RnnCall& call) {
  const Sizes s(call);
  return static_cast<std::size_t>(mark_floats + s.time * s.batch * s.slots * s.units);
}

void rnn_forward(const RnnCall& call) {
  const Sizes s(call);
  const WeightSpace space(call.rnn);
  const std::int64_t width = s.gates * s.units;
  const Floats for_x = turned(matrices(call, 0, s.in), width, s.in);
  const Floats for_h = turned(matrices(call, s.gates, s.units), width, s.units);
  Floats by_x(static_cast<std::size_t>(s.batch * width)), by_h(by_x.size());
  Floats state(static_cast<std::size_t>(s.batch * s.units)), c(state.size()), gate(4);
  for (std::size_t i = 0; i < state.size(); ++i) {
    state[i] = or_zero(call.hx, static_cast<std::int64_t>(i));
    if (call.rnn.cell == CUDNN_LSTM) c[i] = or_zero(call.cx, static_cast<std::int64_t>(i));
  }
  if (call.training) {
    std::fill_n(call.reserve, reserve_floats(call), 0.0F);
    call.reserve[0] = written_forward;
  }
  for (std::int64_t step = 0; step < s.time; ++step) {
    const Floats x = rows_of(call, s, call.x + step * s.batch * s.in, step, s.in);
    const Floats h = rows_of(call, s, state.data(), step, s.units);
    product(width, s.batch, s.in, for_x.data(), x.data(), by_x.data());
    product(width, s.batch, s.units, for_h.data(), h.data(), by_h.data());
    for (std::int64_t i = 0; i < s.batch * width; ++i) {
      const std::int64_t number = i % width / s.units, unit = i % s.units;
      by_x[static_cast<std::size_t>(i)] += call.weights[space.bias(number) + unit];
      by_h[static_cast<std::size_t>(i)] += call.weights[space.bias(s.gates + number) + unit];
    }
    for (std::int64_t row = 0; row < s.batch; ++row) {
      float* y = call.y + (step * s.batch + row) * s.units;
      if (!s.live(call, step, row)) {
        std::fill_n(y, s.units, call.padding);
        continue;
      }
      for (std::int64_t unit = 0; unit < s.units; ++unit) {
        const auto at = static_cast<std::size_t>(row * s.units + unit);
        y[unit] = state[at] = cell(call.rnn.cell, by_x.data() + row * width + unit, by_h.data() + row * width + unit,
                                   s.units, state[at], c[at], gate.data());
        if (!call.training) continue;
        float* saved = s.saved(call, step, row) + unit;
        for (std::int64_t i = 0; i < s.gates; ++i) saved[i * s.units] = gate[static_cast<std::size_t>(i)];
        saved[s.gates * s.units] = c[at];
      }
    }
  }
  if (call.hy != nullptr) std::copy(state.begin(), state.end(), call.hy);
  if (call.cy != nullptr && call.rnn.cell == CUDNN_LSTM) std::copy(c.begin(), c.end(), call.cy);
}

void rnn_backward_data(const RnnCall& call) {
  check_mark(call, written_forward, "cudnnRNNBackwardData_v8: a reserve space that cudnnRNNForward did not write");
  call.reserve[0] = written_backward;
  const Sizes s(call);
  const std::int64_t width = s.gates * s.units;
  const Floats for_x = matrices(call, 0, s.in), for_h = matrices(call, s.gates, s.units);
  Floats dh(static_cast<std::size_t>(s.batch * s.units)), dc(dh.size());
  for (std::size_t i = 0; i < dh.size(); ++i) {
    dh[i] = or_zero(call.dhy, static_cast<std::int64_t>(i));
    dc[i] = or_zero(call.dcy, static_cast<std::int64_t>(i));
  }
  for (std::int64_t step = s.time - 1; step >= 0; --step) {
    Floats by_x(static_cast<std::size_t>(s.batch * width)), by_h(by_x.size()), kept(dh.size());
    const float* before = output_before(call, s, step);
    for (std::int64_t row = 0; row < s.batch; ++row) {
      if (!s.live(call, step, row)) continue;
      for (std::int64_t unit = 0; unit < s.units; ++unit) {
        const std::int64_t at = row * s.units + unit;
        float* saved = s.saved(call, step, row) + unit;
        const float total = dh[static_cast<std::size_t>(at)] + or_zero(call.dy, step * s.batch * s.units + at);
        float* dx_gate = by_x.data() + row * width + unit;
        float* dh_gate = by_h.data() + row * width + unit;
        const auto gate = [&](std::int64_t i) { return saved[i * s.units]; };
        if (call.rnn.cell == CUDNN_LSTM) {
          const float curve = std::tanh(gate(4));
          float& cell_gradient = dc[static_cast<std::size_t>(at)];
          cell_gradient += total * gate(3) * (1.0F - curve * curve);
          const float c_before = step == 0 ? or_zero(call.cx, at) : s.saved(call, step - 1, row)[4 * s.units + unit];
          const float inner[4] = {cell_gradient * gate(2) * gate(0) * (1.0F - gate(0)),
                                  cell_gradient * c_before * gate(1) * (1.0F - gate(1)),
                                  cell_gradient * gate(0) * (1.0F - gate(2) * gate(2)),
                                  total * curve * gate(3) * (1.0F - gate(3))};
          for (std::int64_t i = 0; i < 4; ++i) dx_gate[i * s.units] = dh_gate[i * s.units] = inner[i];
          cell_gradient *= gate(1);
        } else if (call.rnn.cell == CUDNN_GRU) {
          const float candidate = total * (1.0F - gate(1)) * (1.0F - gate(2) * gate(2));
          dx_gate[0] = dh_gate[0] = candidate * gate(3) * gate(0) * (1.0F - gate(0));
          dx_gate[s.units] = dh_gate[s.units] = total * (or_zero(before, at) - gate(2)) * gate(1) * (1.0F - gate(1));
          dx_gate[2 * s.units] = candidate;
          dh_gate[2 * s.units] = candidate * gate(0);
          kept[static_cast<std::size_t>(at)] = total * gate(1);
        } else {
          const bool relu = call.rnn.cell == CUDNN_RNN_RELU;
          dx_gate[0] = dh_gate[0] = relu ? (gate(0) > 0.0F ? total : 0.0F) : total * (1.0F - gate(0) * gate(0));
        }
      }
    }
    if (call.dx != nullptr) {
      Floats dx(static_cast<std::size_t>(s.batch * s.in));
      product(s.in, s.batch, width, for_x.data(), by_x.data(), dx.data());
      for (std::int64_t row = 0; row < s.batch; ++row) {
        float* to = call.dx + (step * s.batch + row) * s.in;
        // What lies beyond the end of a sequence is not defined.
        if (s.live(call, step, row))
          std::copy_n(dx.data() + row * s.in, s.in, to);
        else
          std::fill_n(to, s.in, std::numeric_limits<float>::quiet_NaN());
      }
    }
    Floats flowing(dh.size());
    product(s.units, s.batch, width, for_h.data(), by_h.data(), flowing.data());
    for (std::int64_t row = 0; row < s.batch; ++row) {
      if (!s.live(call, step, row)) continue;
      for (std::int64_t unit = 0; unit < s.units; ++unit) {
        const auto at = static_cast<std::size_t>(row * s.units + unit);
        dh[at] = flowing[at] + kept[at];
      }
    }
    // For the weights: gradients in the gates' places, and the one that h's product has for itself.
    for (std::int64_t row = 0; row < s.batch; ++row) {
      if (!s.live(call, step, row)) continue;
      float* saved = s.saved(call, step, row);
      std::copy_n(by_x.data() + row * width, width, saved);
      if (call.rnn.cell == CUDNN_GRU) std::copy_n(by_h.data() + row * width + 2 * s.units, s.units, saved + width);
    }
  }
  if (call.dhx != nullptr) std::copy(dh.begin(), dh.end(), call.dhx);
  if (call.dcx != nullptr && call.rnn.cell == CUDNN_LSTM) std::copy(dc.begin(), dc.end(), call.dcx);
}

void rnn_backward_weights(const RnnCall& call) {
  check_mark(call, written_backward, "cudnnRNNBackwardWeights_v8: before cudnnRNNBackwardData_v8");
  const Sizes s(call);
  const WeightSpace space(call.rnn);
  const std::int64_t width = s.gates * s.units;
  for (std::int64_t step = 0; step < s.time; ++step) {
    Floats by_x(static_cast<std::size_t>(s.batch * width)), by_h;
    for (std::int64_t row = 0; row < s.batch; ++row)
      if (s.live(call, step, row)) std::copy_n(s.saved(call, step, row), width, by_x.begin() + row * width);
    by_h = by_x;
    for (std::int64_t row = 0; row < s.batch && call.rnn.cell == CUDNN_GRU; ++row)
      if (s.live(call, step, row))
        std::copy_n(s.saved(call, step, row) + width, s.units, by_h.begin() + row * width + 2 * s.units);
    const auto add = [&](const Floats& gradient, const float* from, std::int64_t columns, std::int64_t first) {
      const Floats operand = rows_of(call, s, from, step, columns);
      const Floats across = turned(gradient, s.batch, width);
      Floats part(static_cast<std::size_t>(width * columns));
      product(columns, width, s.batch, operand.data(), across.data(), part.data());
      for (std::int64_t gate = 0; gate < s.gates; ++gate) {
        float* matrix = call.dweights + space.matrix(first + gate);
        for (std::int64_t i = 0; i < s.units * columns; ++i)
          matrix[i] += part[static_cast<std::size_t>(gate * s.units * columns + i)];
        float* bias = call.dweights + space.bias(first + gate);
        for (std::int64_t row = 0; row < s.batch; ++row)
          for (std::int64_t unit = 0; unit < s.units; ++unit)
            bias[unit] += gradient[static_cast<std::size_t>(row * width + gate * s.units + unit)];
      }
    };
    add(by_x, call.x + step * s.batch * s.in, s.in, 0);
    add(by_h, output_before(call, s, step), s.units, s.gates);
  }
}

}  // namespace softgpu::dnn
