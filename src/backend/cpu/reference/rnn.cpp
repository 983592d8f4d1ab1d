#include <algorithm>

#include "backend/cpu/reference/blas.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"
#include "backend/cpu/reference/rnn_support.hpp"

namespace nyala::backend {
namespace {

template <class T>
class Forward {
 public:
  Forward(Kernels& kernels, const RnnDescription& rnn, const RnnSizes& sizes, const Tensor& recurrent_kernel,
          const Tensor& workspace)
      : kernels_(kernels),
        rnn_(rnn),
        s_(sizes),
        recurrent_(elements_of<T>(recurrent_kernel)),
        workspace_(workspace),
        planes_(sizes, elements_of<T>(workspace)),
        activated_(Tensor::empty({(sizes.gates + 1) * sizes.step()}, workspace.dtype(), workspace.device())) {}

  /// All steps' x · W + bias, one product per gate.
  void project(const Tensor& x, const Tensor& kernel, const Tensor& bias) {
    const Tensor steps = Tensor::empty(x.shape(), x.dtype(), x.device());
    to_steps(s_, s_.in, elements_of<T>(x), elements_of<T>(steps));
    for (std::int64_t gate = 0; gate < s_.gates; ++gate) {
      T* sums = planes_.sums + gate * s_.plane();
      fill_bias(bias, gate, s_.time * s_.batch, sums);
      gemm({false, false, true, s_.time * s_.batch, s_.units, s_.in, s_.in, s_.gates * s_.units, s_.units},
           elements_of<T>(steps), elements_of<T>(kernel) + gate * s_.units, sums);
    }
    bias_ = bias;
  }

  /// h and c: the states before the step, replaced by those after it.
  void step(std::int64_t step, const Tensor& mask, T* h, T* c) {
    const std::int64_t first = step * s_.step(), n = s_.step();
    T* state = planes_.states + first;
    if (rnn_.cell == RnnCell::simple) {
      add_recurrent(0, step, h);
      activate(rnn_.activation, sums(0, step), 0);
      std::copy_n(value(0), n, state);
    } else if (rnn_.cell == RnnCell::lstm) {
      for (std::int64_t gate = 0; gate < 4; ++gate) {
        add_recurrent(gate, step, h);
        activate(gate == 2 ? rnn_.activation : rnn_.recurrent_activation, sums(gate, step), gate);
      }
      T* cell = planes_.cells + first;
      for (std::int64_t i = 0; i < n; ++i) cell[i] = value(1)[i] * c[i] + value(0)[i] * value(2)[i];
      activate(rnn_.activation, slice_of(workspace_, offset(cell), n), 4);
      for (std::int64_t i = 0; i < n; ++i) state[i] = value(3)[i] * value(4)[i];
      keep_masked(mask, step, c, cell);
      std::copy_n(cell, n, c);
    } else {
      gru(step, h, state);
    }
    keep_masked(mask, step, h, state);
    std::copy_n(state, n, h);
  }

 private:
  void gru(std::int64_t step, const T* h, T* state) {
    const std::int64_t n = s_.step();
    for (std::int64_t gate = 0; gate < 2; ++gate) {
      add_recurrent(gate, step, h);
      activate(rnn_.recurrent_activation, sums(gate, step), gate);
    }
    const T *update = value(0), *reset = value(1);
    T* candidate = planes_.sums + 2 * s_.plane() + step * n;
    if (rnn_.cell == RnnCell::gru_reset_after) {
      T* inner = planes_.cells + step * n;
      fill_bias(bias_, s_.gates + 2, s_.batch, inner);
      recurrent_product(2, h, inner);
      for (std::int64_t i = 0; i < n; ++i) candidate[i] += reset[i] * inner[i];
    } else {
      for (std::int64_t i = 0; i < n; ++i) value(3)[i] = reset[i] * h[i];
      recurrent_product(2, value(3), candidate);
    }
    activate(rnn_.activation, sums(2, step), 2);
    for (std::int64_t i = 0; i < n; ++i) state[i] = update[i] * h[i] + (T(1) - update[i]) * value(2)[i];
  }

  Tensor sums(std::int64_t gate, std::int64_t step) const {
    return slice_of(workspace_, gate * s_.plane() + step * s_.step(), s_.step());
  }
  std::int64_t offset(const T* place) const { return place - planes_.sums; }
  T* value(std::int64_t slot) const { return elements_of<T>(activated_) + slot * s_.step(); }

  void activate(const std::optional<Unary>& op, const Tensor& x, std::int64_t slot) {
    Tensor out = slice_of(activated_, slot * s_.step(), s_.step());
    if (op)
      kernels_.unary(*op, x, out, default_parameters(*op));
    else
      kernels_.copy(x, out);
  }
  void recurrent_product(std::int64_t gate, const T* h, T* out) const {
    gemm({false, false, true, s_.batch, s_.units, s_.units, s_.units, s_.gates * s_.units, s_.units}, h,
         recurrent_ + gate * s_.units, out);
  }
  /// With reset_after the second row of the bias belongs to the recurrent product.
  void add_recurrent(std::int64_t gate, std::int64_t step, const T* h) const {
    T* out = planes_.sums + gate * s_.plane() + step * s_.step();
    if (rnn_.cell == RnnCell::gru_reset_after && bias_.defined()) {
      const T* bias = elements_of<T>(bias_) + (s_.gates + gate) * s_.units;
      for (std::int64_t row = 0; row < s_.batch; ++row)
        for (std::int64_t u = 0; u < s_.units; ++u) out[row * s_.units + u] += bias[u];
    }
    recurrent_product(gate, h, out);
  }
  void fill_bias(const Tensor& bias, std::int64_t block, std::int64_t rows, T* out) const {
    if (!bias.defined())
      std::fill_n(out, rows * s_.units, T(0));
    else
      for (std::int64_t row = 0; row < rows; ++row)
        std::copy_n(elements_of<T>(bias) + block * s_.units, s_.units, out + row * s_.units);
  }
  void keep_masked(const Tensor& mask, std::int64_t step, const T* before, T* after) const {
    for (std::int64_t row = 0; row < s_.batch; ++row)
      if (!takes_part(mask, s_, row, step)) std::copy_n(before + row * s_.units, s_.units, after + row * s_.units);
  }

  Kernels& kernels_;
  const RnnDescription& rnn_;
  const RnnSizes& s_;
  const T* recurrent_;
  const Tensor workspace_;
  RnnPlanes<T> planes_;
  Tensor activated_, bias_;
};

/// The output of a step: h, or at a masked one what came before (zeros at first, and with zero_output_for_mask).
template <class T>
void write_outputs(const RnnDescription& rnn, const RnnSizes& s, const Tensor& mask, std::int64_t step, const T* h,
                   T* sequence) {
  for (std::int64_t row = 0; row < s.batch; ++row) {
    T* out = sequence + (row * s.time + step) * s.units;
    if (takes_part(mask, s, row, step))
      std::copy_n(h + row * s.units, s.units, out);
    else if (step == 0 || rnn.zero_output_for_mask)
      std::fill_n(out, s.units, T(0));
    else
      std::copy_n(out - s.units, s.units, out);
  }
}

template <class T>
void begin_state(const Tensor& initial, Tensor& state) {
  if (!state.defined()) return;
  if (initial.defined())
    std::copy_n(elements_of<T>(initial), state.size(), elements_of<T>(state));
  else
    std::fill_n(elements_of<T>(state), state.size(), T(0));
}

}  // namespace

std::int64_t ReferenceKernels::rnn_workspace(const RnnDescription& rnn, const Tensor& x, std::int64_t units) {
  const std::int64_t count = RnnPlanes<float>::count(rnn) * RnnSizes(rnn, x, units).plane();
  return is_half(x.dtype()) ? 2 * count : count;
}

void ReferenceKernels::rnn(const RnnDescription& rnn, const Tensor& x, const Tensor& h0, const Tensor& c0,
                           const Tensor& kernel, const Tensor& recurrent_kernel, const Tensor& bias, const Tensor& mask,
                           Tensor& sequence, Tensor& h, Tensor& c, Tensor& workspace) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    Tensor kept = as_float32(workspace);
    this->rnn(rnn, wide.in(x), wide.in(h0), wide.in(c0), wide.in(kernel), wide.in(recurrent_kernel), wide.in(bias),
              mask, wide.out(sequence), wide.out(h), wide.out(c), kept);
    return wide.finish();
  }
  const RnnSizes s(rnn, x, recurrent_kernel.shape()[0]);
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor kept =
        workspace.defined() ? workspace : Tensor::empty({RnnPlanes<T>::count(rnn) * s.plane()}, x.dtype(), x.device());
    begin_state<T>(h0, h);
    begin_state<T>(c0, c);
    Forward<T> forward(*this, rnn, s, recurrent_kernel, kept);
    forward.project(x, kernel, bias);
    for (std::int64_t step = 0; step < s.time; ++step) {
      forward.step(step, mask, elements_of<T>(h), elements_of<T>(c));
      if (sequence.defined()) write_outputs(rnn, s, mask, step, elements_of<T>(h), elements_of<T>(sequence));
    }
  });
  if (!done) missing("rnn", x);
}

}  // namespace nyala::backend
