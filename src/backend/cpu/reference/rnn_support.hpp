#pragma once

#include "backend/common/rnn_sizes.hpp"
#include "backend/cpu/reference/nn_support.hpp"
#include "core/tensor_impl.hpp"

namespace nyala::backend {

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

/// `count` elements from `first` of a tensor as a vector; null and linear activations are the identity.
inline Tensor slice_of(const Tensor& tensor, std::int64_t first, std::int64_t count) {
  return detail::view(tensor, first, Shape{count});
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
