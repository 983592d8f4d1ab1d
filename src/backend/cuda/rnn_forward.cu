#include "backend/cuda/gemm.hpp"
#include "backend/cuda/rnn_functors.hpp"
#include "backend/cuda/rnn_own.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

/// Begins the gates' sums with their biases; `second` too is added to the first `seconds` gates.
template <class T>
struct BeginSums {
  std::int64_t plane, units, seconds;
  const T* first;
  const T* second;
  T* sums;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t gate = i / plane, place = gate * units + i % units;
    T value = first == nullptr ? T(0) : first[place];
    if (second != nullptr && gate < seconds) value += second[place];
    sums[i] = value;
  }
};

/// The new state of a step: of the value where the row takes part, else the old one.
template <class T>
struct KeepState {
  StepView view;
  std::int64_t step;
  const T* value;
  T* state;
  T* h;
  constexpr void operator()(std::int64_t i) const {
    if (view.live(i, step)) h[i] = value[i];
    state[i] = h[i];
  }
};

/// c = forget * c + in * candidate
template <class T>
struct LstmCell {
  const T* in;
  const T* forget;
  const T* candidate;
  const T* c;
  T* cell;
  constexpr void operator()(std::int64_t i) const { cell[i] = forget[i] * c[i] + in[i] * candidate[i]; }
};

template <class T>
struct LstmState {
  StepView view;
  std::int64_t step;
  const T* out;
  const T* activated;
  T* cell;
  T* c;
  T* state;
  T* h;
  constexpr void operator()(std::int64_t i) const {
    if (view.live(i, step)) {
      h[i] = out[i] * activated[i];
      c[i] = cell[i];
    }
    state[i] = h[i];
    cell[i] = c[i];
  }
};

/// out = a * b, or += with `add`
template <class T, bool add>
struct Product {
  const T* a;
  const T* b;
  T* out;
  constexpr void operator()(std::int64_t i) const { out[i] = add ? out[i] + a[i] * b[i] : a[i] * b[i]; }
};

template <class T>
struct GruState {
  StepView view;
  std::int64_t step;
  const T* update;
  const T* candidate;
  T* state;
  T* h;
  constexpr void operator()(std::int64_t i) const {
    if (view.live(i, step)) h[i] = update[i] * h[i] + (T(1) - update[i]) * candidate[i];
    state[i] = h[i];
  }
};

template <class T>
class Forward {
 public:
  Forward(CudaKernels& kernels, const RnnOperands& in, const Tensor& workspace)
      : kernels_(kernels),
        context_(kernels.context()),
        in_(in),
        s_(in.sizes()),
        view_(s_, elements<const bool>(in.mask)),
        workspace_(workspace),
        sums_(elements<T>(workspace)),
        states_(sums_ + s_.gates * s_.plane()),
        cells_(states_ + s_.plane()),
        activated_(Tensor::empty({5 * s_.step()}, workspace.dtype(), workspace.device())) {}

  /// All steps' x · W + bias.
  void project() {
    const T* bias = elements<T>(in_.bias);
    const bool two = in_.rnn.cell == RnnCell::gru_reset_after && bias != nullptr;
    launch(context_.stream(), s_.gates * s_.plane(),
           BeginSums<T>{s_.plane(), s_.units, 2, bias, two ? bias + s_.gates * s_.units : nullptr, sums_});
    if (s_.plane() == 0 || s_.in == 0) return;
    const Scratch steps = context_.scratch_of<T>(in_.x.size());
    launch(context_.stream(), in_.x.size(), Reorder<T, true>{view_, s_.in, elements<T>(in_.x), steps.template as<T>()});
    Gemm product = Gemm::packed(false, false, true, s_.time * s_.batch, s_.units, s_.in);
    of_gates(product, s_.gates);
    gemm(context_, type(), product, steps.data(), elements<T>(in_.kernel), sums_);
  }

  /// h and c: the states before the step, replaced by those after it.
  void step(std::int64_t step, T* h, T* c) {
    switch (in_.rnn.cell) {
      case RnnCell::simple: return simple(step, h);
      case RnnCell::lstm: return lstm(step, h, c);
      case RnnCell::gru:
      case RnnCell::gru_reset_after: return gru(step, h);
    }
  }
  void outputs(Tensor& sequence) const {
    launch(context_.stream(), s_.step(),
           WriteOutputs<T>{view_, in_.rnn.zero_output_for_mask, states_, elements<T>(sequence)});
  }

 private:
  DType type() const { return workspace_.dtype(); }
  /// The right operand is so many gates' columns of a kernel, the results lie in as many planes.
  void of_gates(Gemm& product, std::int64_t gates) const {
    product.leading_b = s_.gates * s_.units;
    product.batch = gates;
    product.step_b = s_.units;
    product.step_out = s_.plane();
  }
  /// out[gate] += values · U[gate] for some adjoining gates
  void recurrent(std::int64_t first, std::int64_t gates, const T* values, T* out) const {
    if (s_.step() == 0) return;
    Gemm product = Gemm::packed(false, false, true, s_.batch, s_.units, s_.units);
    of_gates(product, gates);
    gemm(context_, type(), product, values, elements<T>(in_.recurrent_kernel) + first * s_.units, out);
  }
  T* sum(std::int64_t gate, std::int64_t step) const { return sums_ + gate * s_.plane() + step * s_.step(); }
  T* value(std::int64_t slot) const { return elements<T>(activated_) + slot * s_.step(); }

  void activate(const std::optional<Unary>& op, const T* sums, std::int64_t slot) {
    const Tensor x = detail::view(workspace_, sums - sums_, Shape{s_.step()});
    Tensor out = detail::view(activated_, slot * s_.step(), Shape{s_.step()});
    if (op)
      kernels_.unary(*op, x, out, default_parameters(*op));
    else
      kernels_.copy(x, out);
  }
  template <class F>
  void each(const F& functor) const {
    launch(context_.stream(), s_.step(), functor);
  }

  void simple(std::int64_t step, T* h) {
    recurrent(0, 1, h, sum(0, step));
    activate(in_.rnn.activation, sum(0, step), 0);
    each(KeepState<T>{view_, step, value(0), states_ + step * s_.step(), h});
  }
  void lstm(std::int64_t step, T* h, T* c) {
    recurrent(0, 4, h, sum(0, step));
    for (std::int64_t gate = 0; gate < 4; ++gate)
      activate(gate == 2 ? in_.rnn.activation : in_.rnn.recurrent_activation, sum(gate, step), gate);
    T* cell = cells_ + step * s_.step();
    each(LstmCell<T>{value(0), value(1), value(2), c, cell});
    activate(in_.rnn.activation, cell, 4);
    each(LstmState<T>{view_, step, value(3), value(4), cell, c, states_ + step * s_.step(), h});
  }
  void gru(std::int64_t step, T* h) {
    recurrent(0, 2, h, sum(0, step));
    for (std::int64_t gate = 0; gate < 2; ++gate) activate(in_.rnn.recurrent_activation, sum(gate, step), gate);
    if (in_.rnn.cell == RnnCell::gru_reset_after) {
      T* inner = cells_ + step * s_.step();
      const T* bias = elements<T>(in_.bias);
      each(BeginSums<T>{s_.step(), s_.units, 0, bias == nullptr ? nullptr : bias + 5 * s_.units, nullptr, inner});
      recurrent(2, 1, h, inner);
      each(Product<T, true>{value(1), inner, sum(2, step)});
    } else {
      each(Product<T, false>{value(1), h, value(3)});
      recurrent(2, 1, value(3), sum(2, step));
    }
    activate(in_.rnn.activation, sum(2, step), 2);
    each(GruState<T>{view_, step, value(0), value(2), states_ + step * s_.step(), h});
  }

  CudaKernels& kernels_;
  Context& context_;
  const RnnOperands& in_;
  RnnSizes s_;
  StepView view_;
  Tensor workspace_;
  T *sums_, *states_, *cells_;
  Tensor activated_;
};

void begin_state(CudaKernels& kernels, const Tensor& initial, Tensor& state) {
  if (!state.defined()) return;
  if (initial.defined())
    kernels.copy(initial, state);
  else
    kernels.fill(state, 0.0);
}

}  // namespace

std::int64_t own_rnn_planes(const RnnDescription& rnn) {
  const bool cells = rnn.cell == RnnCell::lstm || rnn.cell == RnnCell::gru_reset_after;
  return gates_of(rnn.cell) + (cells ? 2 : 1);
}

void own_rnn(CudaKernels& kernels, const RnnOperands& in, Tensor& sequence, Tensor& h, Tensor& c,
             const Tensor& workspace) {
  visit_floating(in.x.dtype(), "rnn", [&](auto type) {
    using T = typename decltype(type)::type;
    const RnnSizes s = in.sizes();
    const Tensor kept = workspace.defined()
                            ? workspace
                            : Tensor::empty({own_rnn_planes(in.rnn) * s.plane()}, in.x.dtype(), in.x.device());
    begin_state(kernels, in.h0, h);
    begin_state(kernels, in.c0, c);
    Forward<T> forward(kernels, in, kept);
    forward.project();
    for (std::int64_t step = 0; step < s.time; ++step) forward.step(step, elements<T>(h), elements<T>(c));
    if (sequence.defined()) forward.outputs(sequence);
  });
}

}  // namespace nyala::backend::cuda
