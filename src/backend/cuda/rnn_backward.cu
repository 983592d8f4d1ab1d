#include <array>
#include <vector>

#include "backend/cuda/gemm.hpp"
#include "backend/cuda/rnn_functors.hpp"
#include "backend/cuda/rnn_own.hpp"
#include "backend/cuda/row_functors.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"

namespace nyala::backend::cuda {
namespace {

/// The activations' values and slopes at all steps, found again from what the forward pass kept.
struct Recovered {
  Tensor values, slopes;

  Recovered(Kernels& kernels, const std::optional<Unary>& op, const Tensor& sums)
      : values(Tensor::empty(sums.shape(), sums.dtype(), sums.device())),
        slopes(Tensor::empty(sums.shape(), sums.dtype(), sums.device())) {
    Tensor ones = Tensor::empty(sums.shape(), sums.dtype(), sums.device());
    kernels.fill(ones, 1.0);
    if (op) {
      kernels.unary(*op, sums, values, default_parameters(*op));
      kernels.unary_backward(*op, sums, values, ones, slopes, default_parameters(*op));
    } else {
      kernels.copy(sums, values);
      slopes = ones;
    }
  }
};

/// The gates' values and slopes of one step, and where the gradients of their sums go.
template <class T>
struct GateViews {
  const T* value[5];
  const T* slope[5];
  const T* h_before;
  const T* c_before;
  const T* inner;  // GRU, reset after: h · U + bias of the candidate
  T* dsums;
  T* inner_gradient;
  T* reset_state;  // GRU, reset before: reset * h
  std::int64_t plane;
};

/// One step back, but for what goes through products. dh, dc: gradients of the states after the step, replaced by those
/// of the states before it; `carried`: gradient of outputs that repeat an earlier one.
template <class T, RnnCell cell>
struct StepBack {
  StepView view;
  std::int64_t step;
  bool zero_output;
  GateViews<T> g;
  const T* sequence_gradient;
  T* dh;
  T* dc;
  T* carried;

  constexpr void operator()(std::int64_t i) const {
    const T incoming = sequence_gradient == nullptr ? T(0) : sequence_gradient[view.in_sequence(i, step)];
    constexpr int gates = cell == RnnCell::simple ? 1 : cell == RnnCell::lstm ? 4 : 3;
    if (!view.live(i, step)) {
      if (!zero_output) carried[i] += incoming;
      for (int gate = 0; gate < gates; ++gate) g.dsums[gate * g.plane + i] = T(0);
      if constexpr (cell == RnnCell::gru_reset_after) g.inner_gradient[i] = T(0);
      if constexpr (cell == RnnCell::gru) g.reset_state[i] = T(0);
      return;
    }
    const T own = dh[i] + carried[i] + incoming;
    carried[i] = T(0);
    if constexpr (cell == RnnCell::simple) {
      g.dsums[i] = own * g.slope[0][i];
      dh[i] = T(0);
    } else if constexpr (cell == RnnCell::lstm) {
      const T of_cell = dc[i] + own * g.value[3][i] * g.slope[4][i];
      g.dsums[i] = of_cell * g.value[2][i] * g.slope[0][i];
      g.dsums[g.plane + i] = of_cell * g.c_before[i] * g.slope[1][i];
      g.dsums[2 * g.plane + i] = of_cell * g.value[0][i] * g.slope[2][i];
      g.dsums[3 * g.plane + i] = own * g.value[4][i] * g.slope[3][i];
      dc[i] = of_cell * g.value[1][i];
      dh[i] = T(0);
    } else {
      const T update = g.value[0][i], reset = g.value[1][i], candidate = g.value[2][i], h = g.h_before[i];
      const T of_candidate = own * (T(1) - update) * g.slope[2][i];
      g.dsums[i] = own * (h - candidate) * g.slope[0][i];
      g.dsums[2 * g.plane + i] = of_candidate;
      dh[i] = own * update;
      if constexpr (cell == RnnCell::gru_reset_after) {
        g.dsums[g.plane + i] = of_candidate * g.inner[i] * g.slope[1][i];
        g.inner_gradient[i] = of_candidate * reset;
      } else {
        g.dsums[g.plane + i] = T(0);
        g.reset_state[i] = reset * h;
      }
    }
  }
};

/// reset_after false: the candidate's product takes reset * h.
template <class T>
struct ThroughReset {
  StepView view;
  std::int64_t step;
  const T* product;
  const T* h_before;
  const T* reset;
  const T* slope;
  T* dsum;
  T* dh;
  constexpr void operator()(std::int64_t i) const {
    if (!view.live(i, step)) return;
    dsum[i] = product[i] * h_before[i] * slope[i];
    dh[i] += product[i] * reset[i];
  }
};

/// The states before each step: the initial one (or zeros), then those after each step but the last.
template <class T>
struct ShiftStates {
  std::int64_t step_size;
  const T* initial;
  const T* after;
  T* out;
  constexpr void operator()(std::int64_t i) const {
    out[i] = i >= step_size ? after[i - step_size] : initial == nullptr ? T(0) : initial[i];
  }
};

template <class T>
class Backward {
 public:
  Backward(CudaKernels& kernels, const RnnOperands& in, const Tensor& workspace)
      : context_(kernels.context()), in_(in), s_(in.sizes()), view_(s_, elements<const bool>(in.mask)) {
    const auto plane = [&](std::int64_t number) {
      return detail::view(workspace, number * s_.plane(), Shape{s_.plane()});
    };
    const RnnDescription& rnn = in.rnn;
    for (std::int64_t gate = 0; gate < s_.gates; ++gate)
      gates_.emplace_back(kernels, s_.gates == 1 || gate == 2 ? rnn.activation : rnn.recurrent_activation, plane(gate));
    h_before_ = shifted(elements<T>(plane(s_.gates)), in.h0);
    if (rnn.cell == RnnCell::lstm) {
      gates_.emplace_back(kernels, rnn.activation, plane(5));
      c_before_ = shifted(elements<T>(plane(5)), in.c0);
    }
    if (rnn.cell == RnnCell::gru_reset_after) inner_ = elements<T>(plane(4));
    sums_gradient_ = context_.scratch_of<T>(s_.gates * s_.plane());
    if (rnn.cell == RnnCell::gru_reset_after || rnn.cell == RnnCell::gru) extra_ = context_.scratch_of<T>(s_.plane());
  }

  void step(std::int64_t step, const T* sequence_gradient, T* dh, T* dc, T* carried) const {
    switch (in_.rnn.cell) {
      case RnnCell::simple: back<RnnCell::simple>(step, sequence_gradient, dh, dc, carried); break;
      case RnnCell::lstm: back<RnnCell::lstm>(step, sequence_gradient, dh, dc, carried); break;
      case RnnCell::gru_reset_after: back<RnnCell::gru_reset_after>(step, sequence_gradient, dh, dc, carried); break;
      case RnnCell::gru:
        back<RnnCell::gru>(step, sequence_gradient, dh, dc, carried);
        through_reset(step, dh);
        break;
    }
    const std::int64_t gates = in_.rnn.cell == RnnCell::gru ? 2 : s_.gates;
    for (std::int64_t gate = 0; gate < gates; ++gate)
      to_states(gate, recurrent_gradient(gate) + step * s_.step(), true, dh);
  }

  void finish(CudaKernels& kernels, Kernels::RnnGradients& gradients) const {
    const std::int64_t rows = s_.time * s_.batch, width = s_.gates * s_.units;
    for (Tensor* out : {&gradients.dkernel, &gradients.drecurrent_kernel, &gradients.dbias, &gradients.dx})
      if (out->defined() && (rows == 0 || s_.in == 0 || s_.units == 0)) kernels.fill(*out, 0.0);
    if (rows == 0 || s_.units == 0) return;
    const Scratch steps = context_.scratch_of<T>(in_.x.size()), dsteps = context_.scratch_of<T>(in_.x.size());
    launch(context_.stream(), in_.x.size(), Reorder<T, true>{view_, s_.in, elements<T>(in_.x), steps.template as<T>()});
    for (std::int64_t gate = 0; gate < s_.gates; ++gate) {
      const T *dsums = sums_gradient_.template as<T>() + gate * s_.plane(), *dinner = recurrent_gradient(gate);
      const bool reset = in_.rnn.cell == RnnCell::gru && gate == 2;
      if (gradients.dkernel.defined() && s_.in > 0)
        to_weights(s_.in, steps.template as<T>(), dsums, elements<T>(gradients.dkernel) + gate * s_.units);
      if (gradients.drecurrent_kernel.defined())
        to_weights(s_.units, reset ? extra_.template as<T>() : h_before_.template as<T>(), dinner,
                   elements<T>(gradients.drecurrent_kernel) + gate * s_.units);
      if (gradients.dx.defined() && s_.in > 0) {
        Gemm product = Gemm::packed(false, true, gate > 0, rows, s_.in, s_.units);
        product.leading_b = width;
        gemm(context_, type(), product, dsums, elements<T>(in_.kernel) + gate * s_.units, dsteps.data());
      }
      if (gradients.dbias.defined()) {
        T* dbias = elements<T>(gradients.dbias) + gate * s_.units;
        sum_rows(dsums, dbias);
        if (in_.rnn.cell == RnnCell::gru_reset_after) sum_rows(dinner, dbias + width);
      }
    }
    if (gradients.dx.defined())
      launch(context_.stream(), in_.x.size(),
             Reorder<T, false>{view_, s_.in, dsteps.template as<T>(), elements<T>(gradients.dx)});
  }

 private:
  DType type() const { return in_.x.dtype(); }

  Scratch shifted(const T* after, const Tensor& initial) const {
    Scratch states = context_.scratch_of<T>(s_.plane());
    launch(context_.stream(), s_.plane(),
           ShiftStates<T>{s_.step(), elements<T>(initial), after, states.template as<T>()});
    return states;
  }

  template <RnnCell cell>
  void back(std::int64_t step, const T* sequence_gradient, T* dh, T* dc, T* carried) const {
    const std::int64_t first = step * s_.step();
    const auto at = [first](T* plane) { return plane == nullptr ? nullptr : plane + first; };
    GateViews<T> g{};
    for (std::size_t gate = 0; gate < gates_.size(); ++gate) {
      g.value[gate] = at(elements<T>(gates_[gate].values));
      g.slope[gate] = at(elements<T>(gates_[gate].slopes));
    }
    g.h_before = at(h_before_.template as<T>());
    g.c_before = at(c_before_.template as<T>());
    g.inner = at(inner_);
    g.dsums = at(sums_gradient_.template as<T>());
    g.inner_gradient = g.reset_state = at(extra_.template as<T>());
    g.plane = s_.plane();
    launch(context_.stream(), s_.step(),
           StepBack<T, cell>{view_, step, in_.rnn.zero_output_for_mask, g, sequence_gradient, dh, dc, carried});
  }
  void through_reset(std::int64_t step, T* dh) const {
    const std::int64_t first = step * s_.step();
    const Scratch product = context_.scratch_of<T>(s_.step());
    to_states(2, sums_gradient_.template as<T>() + 2 * s_.plane() + first, false, product.template as<T>());
    launch(context_.stream(), s_.step(),
           ThroughReset<T>{view_, step, product.template as<T>(), h_before_.template as<T>() + first,
                           elements<T>(gates_[1].values) + first, elements<T>(gates_[1].slopes) + first,
                           sums_gradient_.template as<T>() + s_.plane() + first, dh});
  }

  const T* recurrent_gradient(std::int64_t gate) const {
    const bool inner = in_.rnn.cell == RnnCell::gru_reset_after && gate == 2;
    return inner ? extra_.template as<T>() : sums_gradient_.template as<T>() + gate * s_.plane();
  }
  /// out = dsums · U[gate]ᵀ, or += with `add`
  void to_states(std::int64_t gate, const T* dsums, bool add, T* out) const {
    if (s_.step() == 0) return;
    Gemm product = Gemm::packed(false, true, add, s_.batch, s_.units, s_.units);
    product.leading_b = s_.gates * s_.units;
    gemm(context_, type(), product, dsums, elements<T>(in_.recurrent_kernel) + gate * s_.units, out);
  }
  /// The columns of a kernel's gradient that belong to one gate.
  void to_weights(std::int64_t in, const T* values, const T* dsums, T* out) const {
    Gemm product = Gemm::packed(true, false, false, in, s_.units, s_.time * s_.batch);
    product.leading_out = s_.gates * s_.units;
    gemm(context_, type(), product, values, dsums, out);
  }
  void sum_rows(const T* rows, T* out) const {
    reduce(context_, s_.units, s_.time * s_.batch, Neighbours::across_rows, T(0), LoadLine<T>{{rows, s_.units, true}},
           Plus<T>{}, StoreEach<T>{out});
  }

  Context& context_;
  const RnnOperands& in_;
  RnnSizes s_;
  StepView view_;
  std::vector<Recovered> gates_;
  Scratch h_before_, c_before_, sums_gradient_, extra_;
  T* inner_ = nullptr;
};

Tensor beginning(CudaKernels& kernels, const Tensor& gradient, const RnnOperands& in) {
  Tensor state = Tensor::empty({in.sizes().batch, in.units()}, in.x.dtype(), in.x.device());
  if (gradient.defined())
    kernels.copy(gradient, state);
  else
    kernels.fill(state, 0.0);
  return state;
}

}  // namespace

void own_rnn_backward(CudaKernels& kernels, const RnnOperands& in, const Tensor& workspace,
                      const Tensor& gradient_sequence, const Tensor& gradient_h, const Tensor& gradient_c,
                      Kernels::RnnGradients& gradients) {
  visit_floating(in.x.dtype(), "rnn_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    const Tensor dh = beginning(kernels, gradient_h, in), dc = beginning(kernels, gradient_c, in),
                 carried = beginning(kernels, Tensor(), in);
    const Backward<T> backward(kernels, in, workspace);
    for (std::int64_t step = in.sizes().time - 1; step >= 0; --step)
      backward.step(step, elements<T>(gradient_sequence), elements<T>(dh), elements<T>(dc), elements<T>(carried));
    backward.finish(kernels, gradients);
    if (gradients.dh0.defined()) kernels.copy(dh, gradients.dh0);
    if (gradients.dc0.defined()) kernels.copy(dc, gradients.dc0);
  });
}

}  // namespace nyala::backend::cuda
