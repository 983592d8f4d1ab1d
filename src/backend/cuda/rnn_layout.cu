#include "backend/cuda/rnn_layout.hpp"

#include "backend/cuda/rnn_functors.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

struct Places {
  std::int64_t matrix[8], bias[8];

  explicit Places(const WeightPlaces& places) : matrix{}, bias{} {
    for (std::size_t i = 0; i < 8; ++i) {
      matrix[i] = places.matrix[i];
      bias[i] = places.bias[i];
    }
  }
};

/// Which of Keras' gates cuDNN's is: a GRU's first two are the other way round.
constexpr std::int64_t keras_gate(bool gru, std::int64_t gate) { return gru && gate < 2 ? 1 - gate : gate; }

/// One number of a kernel (in, gates * units) and its place in cuDNN's matrices (units, in); `first` is the number of
/// the first matrix. The direction of the copy is that of the pointers given.
template <class T, bool to_space>
struct CopyKernel {
  Places places;
  bool gru;
  std::int64_t gates, units, in, first;
  T* kernel;
  T* space;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t column = i % in, unit = i / in % units, gate = i / in / units;
    T& theirs = space[places.matrix[first + gate] + unit * in + column];
    T& ours = kernel[(column * gates + keras_gate(gru, gate)) * units + unit];
    if constexpr (to_space)
      theirs = ours;
    else
      ours = theirs;
  }
};

/// The same for biases: rows of gates * units, the second one (of two) for the products of h.
template <class T, bool to_space>
struct CopyBias {
  Places places;
  bool gru;
  std::int64_t gates, units, rows;
  T* bias;
  T* space;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t unit = i % units, gate = i / units % gates, row = i / units / gates;
    T& theirs = space[places.bias[row * gates + gate] + unit];
    const std::int64_t ours = (row * gates + keras_gate(gru, gate)) * units + unit;
    if constexpr (to_space)
      theirs = bias == nullptr || row >= rows ? T(0) : bias[ours];
    else
      bias[ours] = theirs;
  }
};

template <class T>
struct GradientFromSteps {
  StepView view;
  std::int64_t width;
  const T* steps;
  T* dx;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t row = i / width % view.batch, step = i / width / view.batch;
    const std::int64_t at = view.backwards ? view.time - 1 - step : step;
    dx[(row * view.time + at) * width + i % width] = view.live(row * view.units, step) ? steps[i] : T(0);
  }
};

/// Outputs that repeat an earlier one send their gradients to it.
template <class T>
struct GatherOutputGradient {
  StepView view;
  bool zero;
  const T* gradient;
  T* steps;
  constexpr void operator()(std::int64_t i) const {
    T carried(0);
    for (std::int64_t step = view.time - 1; step >= 0; --step) {
      const T incoming = gradient == nullptr ? T(0) : gradient[view.in_sequence(i, step)];
      T own(0);
      if (view.live(i, step)) {
        own = incoming + carried;
        carried = T(0);
      } else if (!zero) {
        carried += incoming;
      }
      steps[step * view.batch * view.units + i] = own;
    }
  }
};

template <bool to_space>
void copy_weights(Context& context, const RnnDescription& rnn, const RnnSizes& s, const WeightPlaces& places,
                  const LayerWeights& w, float* space) {
  const cudaStream_t stream = context.stream();
  const Places at(places);
  const bool gru = rnn.cell == RnnCell::gru_reset_after;
  const std::int64_t width = s.gates * s.units, rows = gru ? 2 : 1;
  if (w.kernel != nullptr)
    launch(stream, width * s.in, CopyKernel<float, to_space>{at, gru, s.gates, s.units, s.in, 0, w.kernel, space});
  if (w.recurrent_kernel != nullptr)
    launch(stream, width * s.units,
           CopyKernel<float, to_space>{at, gru, s.gates, s.units, s.units, s.gates, w.recurrent_kernel, space});
  if (w.bias != nullptr || to_space)
    launch(stream, (to_space ? 2 : rows) * width,
           CopyBias<float, to_space>{at, gru, s.gates, s.units, rows, w.bias, space});
}

}  // namespace

void to_weight_space(Context& context, const RnnDescription& rnn, const RnnSizes& sizes, const WeightPlaces& places,
                     const LayerWeights& weights, float* space) {
  copy_weights<true>(context, rnn, sizes, places, weights, space);
}

void from_weight_space(Context& context, const RnnDescription& rnn, const RnnSizes& sizes, const WeightPlaces& places,
                       const float* space, const LayerWeights& gradients) {
  copy_weights<false>(context, rnn, sizes, places, gradients, const_cast<float*>(space));
}

void to_steps(Context& context, const RnnSizes& s, const float* x, float* steps) {
  launch(context.stream(), s.time * s.batch * s.in, Reorder<float, true>{StepView(s, nullptr), s.in, x, steps});
}

void gradient_from_steps(Context& context, const RnnSizes& s, const bool* mask, const float* steps, float* dx) {
  launch(context.stream(), s.time * s.batch * s.in, GradientFromSteps<float>{StepView(s, mask), s.in, steps, dx});
}

void write_outputs(Context& context, const RnnDescription& rnn, const RnnSizes& s, const bool* mask, const float* steps,
                   float* sequence) {
  launch(context.stream(), s.step(), WriteOutputs<float>{StepView(s, mask), rnn.zero_output_for_mask, steps, sequence});
}

void gather_output_gradient(Context& context, const RnnDescription& rnn, const RnnSizes& s, const bool* mask,
                            const float* sequence_gradient, float* steps) {
  launch(context.stream(), s.step(),
         GatherOutputGradient<float>{StepView(s, mask), rnn.zero_output_for_mask, sequence_gradient, steps});
}

}  // namespace nyala::backend::cuda
