#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "backend/cpu/reference/rnn_support.hpp"
#include "backend/cpu/simd/nn_loops.hpp"

namespace nyala::backend::onednn {

/// The activation as the fast cells have it; null where they have not.
inline std::optional<simd::CellActivation> fast_activation(const RnnDescription& rnn) {
  if (!rnn.activation) return simd::CellActivation::linear;
  if (*rnn.activation == Unary::tanh) return simd::CellActivation::tanh;
  if (*rnn.activation == Unary::relu) return simd::CellActivation::relu;
  return std::nullopt;
}

/// Whether the fast path knows this cell. Its workspace then is no longer than the reference's.
inline bool fast_cell(const RnnDescription& rnn, const Tensor& x) {
  const bool gated = rnn.cell == RnnCell::lstm || rnn.cell == RnnCell::gru_reset_after;
  const bool known = rnn.cell == RnnCell::simple || (gated && rnn.recurrent_activation == Unary::sigmoid);
  return known && x.dtype() == DType::float32 && x.size() > 0 && fast_activation(rnn);
}

/// What a forward pass keeps. All is (batch, time, …): gates at the time of x, the others at the step of processing.
struct FastPlanes {
  float *gates, *states, *extra;  // extra: LSTM's c, GRU's h · U + bias of the candidate, SimpleRNN: nothing

  FastPlanes(const RnnSizes& s, float* workspace)
      : gates(workspace), states(gates + s.gates * s.plane()), extra(states + s.plane()) {}
};

/// Samples go to the threads in pieces of at least 8: each piece runs through all steps by itself.
inline std::int64_t samples_of_a_piece(std::int64_t batch) { return std::max<std::int64_t>(8, (batch - 1) / 32 + 1); }

/// Samples [first, first + rows) of a sequence.
struct FastRows {
  const RnnSizes& s;
  simd::CellActivation activation;
  const bool* mask;
  std::int64_t first, rows;

  /// The cell's view of a step; the states before it lie in planes, or at step 0 in a (batch, units) tensor.
  simd::CellRows at(std::int64_t step) const {
    return {rows,
            s.units,
            s.time * s.gates * s.units,
            s.time * s.units,
            step == 0 ? s.units : s.time * s.units,
            mask == nullptr ? nullptr : mask + first * s.time + s.time_of(step),
            s.time,
            activation};
  }
  bool takes_part(std::int64_t row, std::int64_t step) const {
    return mask == nullptr || mask[(first + row) * s.time + s.time_of(step)];
  }
  /// The first row of a plane of `width` numbers at a place in time.
  template <class P>
  P* in_plane(P* plane, std::int64_t width, std::int64_t place) const {
    return plane + (first * s.time + place) * width;
  }
  /// The states before a step.
  const float* before(const float* initial, const float* plane, std::int64_t step) const {
    return step == 0 ? initial + first * s.units : in_plane(plane, s.units, step - 1);
  }
};

}  // namespace nyala::backend::onednn
