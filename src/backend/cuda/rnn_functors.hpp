#pragma once

#include <cstdint>

#include "backend/common/rnn_sizes.hpp"

namespace nyala::backend::cuda {

/// The sizes and the mask as functors need them; an element of a step is i = row * units + unit.
struct StepView {
  std::int64_t batch, time, units;
  bool backwards;
  const bool* mask;

  StepView(const RnnSizes& s, const bool* of_mask)
      : batch(s.batch), time(s.time), units(s.units), backwards(s.backwards), mask(of_mask) {}

  constexpr bool live(std::int64_t i, std::int64_t step) const {
    return mask == nullptr || mask[i / units * time + (backwards ? time - 1 - step : step)];
  }
  /// Where element i of a step lies in (batch, time, units).
  constexpr std::int64_t in_sequence(std::int64_t i, std::int64_t step) const {
    return (i / units * time + step) * units + i % units;
  }
};

/// (batch, time, width) <-> (time, batch, width), steps in the order of processing.
template <class T, bool to_steps>
struct Reorder {
  StepView view;
  std::int64_t width;
  const T* in;
  T* out;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t row = i / width % view.batch, step = i / width / view.batch;
    const std::int64_t at = view.backwards ? view.time - 1 - step : step;
    const std::int64_t place = (row * view.time + at) * width + i % width;
    if constexpr (to_steps)
      out[i] = in[place];
    else
      out[place] = in[i];
  }
};

/// Outputs of all steps from the states: at masked ones what came before (zeros at first, and with `zero`).
template <class T>
struct WriteOutputs {
  StepView view;
  bool zero;
  const T* states;
  T* sequence;
  constexpr void operator()(std::int64_t i) const {
    T output(0);
    for (std::int64_t step = 0; step < view.time; ++step) {
      if (view.live(i, step))
        output = states[step * view.batch * view.units + i];
      else if (zero)
        output = T(0);
      sequence[view.in_sequence(i, step)] = output;
    }
  }
};

}  // namespace nyala::backend::cuda
