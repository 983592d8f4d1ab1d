#pragma once

#include "backend/cpu/reference/nn_support.hpp"
#include "core/tensor_impl.hpp"

namespace nyala::backend {

inline std::int64_t gates_of(RnnCell cell) { return cell == RnnCell::simple ? 1 : cell == RnnCell::lstm ? 4 : 3; }

/// Sizes of a sequence through a cell, and the order of its steps.
struct RnnSizes {
  std::int64_t batch, time, in, units, gates;
  bool backwards;

  RnnSizes(const RnnDescription& rnn, const Tensor& x, std::int64_t of_units)
      : batch(x.shape()[0]),
        time(x.shape()[1]),
        in(x.shape()[2]),
        units(of_units),
        gates(gates_of(rnn.cell)),
        backwards(rnn.go_backwards) {}

  /// Elements of one step's values of one gate, and of all steps'.
  std::int64_t step() const { return batch * units; }
  std::int64_t plane() const { return time * batch * units; }
  /// The time in x of a step of processing.
  std::int64_t time_of(std::int64_t step) const { return backwards ? time - 1 - step : step; }
};

/// What the reference keeps of a forward pass for the backward one: planes (time, batch, units), steps in the order of
/// processing.
template <class T>
struct RnnPlanes {
  T* sums;    // one plane per gate: values before the activations
  T* states;  // h after each step
  T* cells;   // LSTM: c after each step; GRU, reset after: h · U + bias of the candidate; others: nothing

  RnnPlanes(const RnnSizes& s, T* workspace)
      : sums(workspace), states(sums + s.gates * s.plane()), cells(states + s.plane()) {}
  static std::int64_t count(const RnnDescription& rnn) {
    const bool extra = rnn.cell == RnnCell::lstm || rnn.cell == RnnCell::gru_reset_after;
    return gates_of(rnn.cell) + (extra ? 2 : 1);
  }
};

/// Whether sample `row` takes part in a step; a null mask masks nothing.
inline bool takes_part(const Tensor& mask, const RnnSizes& s, std::int64_t row, std::int64_t step) {
  return !mask.defined() || elements_of<const bool>(mask)[row * s.time + s.time_of(step)];
}

/// Keras' defaults of the activations that have a parameter.
inline UnaryParameters default_parameters(Unary op) {
  UnaryParameters parameters;
  if (op == Unary::leaky_relu) parameters.a = 0.2;
  if (op == Unary::elu) parameters.a = 1.0;
  return parameters;
}

/// `count` elements from `first` of a tensor as a vector; null and linear activations are the identity.
inline Tensor slice_of(const Tensor& tensor, std::int64_t first, std::int64_t count) {
  return detail::view(tensor, first, Shape{count});
}

/// Elements of a workspace as another floating type: half precision keeps its workspace in float32.
inline Tensor as_float32(const Tensor& workspace) {
  if (!workspace.defined() || !is_half(workspace.dtype())) return workspace;
  auto impl = std::make_shared<detail::TensorImpl>(*workspace.impl());
  impl->dtype = DType::float32;
  impl->shape = Shape{workspace.size() / 2};
  return Tensor(std::move(impl));
}

/// x (batch, time, in) as (time, batch, in), steps in the order of processing; and back.
template <class T>
void to_steps(const RnnSizes& s, std::int64_t width, const T* x, T* steps) {
  for (std::int64_t step = 0; step < s.time; ++step)
    for (std::int64_t row = 0; row < s.batch; ++row)
      std::copy_n(x + (row * s.time + s.time_of(step)) * width, width, steps + (step * s.batch + row) * width);
}
template <class T>
void from_steps(const RnnSizes& s, std::int64_t width, const T* steps, T* x) {
  for (std::int64_t step = 0; step < s.time; ++step)
    for (std::int64_t row = 0; row < s.batch; ++row)
      std::copy_n(steps + (step * s.batch + row) * width, width, x + (row * s.time + s.time_of(step)) * width);
}

}  // namespace nyala::backend
