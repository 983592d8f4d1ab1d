#include <algorithm>
#include <vector>

#include "backend/cpu/reference/blas.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"
#include "backend/cpu/reference/rnn_support.hpp"

namespace nyala::backend {
namespace {

/// The activations' values and slopes at all steps, found again from what the forward pass kept.
struct Recovered {
  Tensor values, slopes;

  Recovered(Kernels& kernels, const std::optional<Unary>& op, const Tensor& sums)
      : values(Tensor::empty(sums.shape(), sums.dtype(), sums.device())),
        slopes(Tensor::empty(sums.shape(), sums.dtype(), sums.device())) {
    const Tensor ones = Tensor::empty(sums.shape(), sums.dtype(), sums.device());
    kernels.fill(const_cast<Tensor&>(ones), 1.0);
    if (op) {
      kernels.unary(*op, sums, values, default_parameters(*op));
      kernels.unary_backward(*op, sums, values, ones, slopes, default_parameters(*op));
    } else {
      kernels.copy(sums, values);
      slopes = ones;
    }
  }
};

template <class T>
class Backward {
 public:
  Backward(Kernels& kernels, const RnnDescription& rnn, const RnnSizes& sizes, const Tensor& h0, const Tensor& c0,
           const Tensor& recurrent_kernel, const Tensor& workspace)
      : rnn_(rnn),
        s_(sizes),
        recurrent_(elements_of<T>(recurrent_kernel)),
        planes_(sizes, elements_of<T>(workspace)),
        h_before_(before(planes_.states, h0)),
        sums_gradient_(static_cast<std::size_t>(sizes.gates * sizes.plane())),
        step_before_(static_cast<std::size_t>(sizes.step())) {
    const auto plane = [&](std::int64_t number) { return slice_of(workspace, number * s_.plane(), s_.plane()); };
    const bool lstm = rnn.cell == RnnCell::lstm, simple = rnn.cell == RnnCell::simple;
    for (std::int64_t gate = 0; gate < s_.gates; ++gate)
      gates_.emplace_back(kernels, simple || gate == 2 ? rnn.activation : rnn.recurrent_activation, plane(gate));
    if (lstm) {
      gates_.emplace_back(kernels, rnn.activation, plane(5));
      c_before_ = before(planes_.cells, c0);
    }
    if (rnn.cell == RnnCell::gru_reset_after) inner_gradient_.resize(static_cast<std::size_t>(s_.plane()));
    if (rnn.cell == RnnCell::gru) reset_state_.resize(static_cast<std::size_t>(s_.plane()));
  }

  /// dh, dc: gradients of the states after the step, replaced by those of the states before it; `carried`: gradient of
  /// outputs that repeat an earlier one.
  void step(std::int64_t step, const Tensor& mask, const T* sequence_gradient, T* dh, T* dc, T* carried) {
    std::fill(step_before_.begin(), step_before_.end(), T(0));
    for (std::int64_t row = 0; row < s_.batch; ++row) {
      const bool live = takes_part(mask, s_, row, step);
      const T* incoming = sequence_gradient ? sequence_gradient + (row * s_.time + step) * s_.units : nullptr;
      for (std::int64_t u = 0; u < s_.units; ++u) {
        const std::int64_t i = row * s_.units + u;
        if (!live) {
          if (incoming && !rnn_.zero_output_for_mask) carried[i] += incoming[u];
          continue;
        }
        dh[i] += carried[i] + (incoming ? incoming[u] : T(0));
        carried[i] = T(0);
        element(step * s_.step() + i, dh[i], dc ? dc + i : nullptr, step_before_[static_cast<std::size_t>(i)]);
      }
    }
    if (rnn_.cell == RnnCell::gru) through_reset(step, mask);
    for (std::int64_t row = 0; row < s_.batch; ++row)
      if (takes_part(mask, s_, row, step))
        std::copy_n(step_before_.data() + row * s_.units, s_.units, dh + row * s_.units);
    const std::int64_t gates = rnn_.cell == RnnCell::gru ? 2 : s_.gates;
    for (std::int64_t gate = 0; gate < gates; ++gate)
      gemm({false, true, true, s_.batch, s_.units, s_.units, s_.units, s_.gates * s_.units, s_.units},
           recurrent_gradient(gate) + step * s_.step(), recurrent_ + gate * s_.units, dh);
  }

  void finish(const Tensor& x, const Tensor& kernel, Kernels::RnnGradients& gradients) const {
    const std::int64_t rows = s_.time * s_.batch, width = s_.gates * s_.units;
    std::vector<T> steps(static_cast<std::size_t>(rows * s_.in)), dsteps(steps.size());
    to_steps(s_, s_.in, elements_of<T>(x), steps.data());
    for (std::int64_t gate = 0; gate < s_.gates; ++gate) {
      const T *dsums = sums_gradient_.data() + gate * s_.plane(), *dinner = recurrent_gradient(gate);
      const bool reset = rnn_.cell == RnnCell::gru && gate == 2;
      if (gradients.dkernel.defined())
        gemm({true, false, false, s_.in, s_.units, rows, s_.in, s_.units, width}, steps.data(), dsums,
             elements_of<T>(gradients.dkernel) + gate * s_.units);
      if (gradients.drecurrent_kernel.defined())
        gemm({true, false, false, s_.units, s_.units, rows, s_.units, s_.units, width},
             reset ? reset_state_.data() : h_before_.data(), dinner,
             elements_of<T>(gradients.drecurrent_kernel) + gate * s_.units);
      if (gradients.dx.defined())
        gemm({false, true, gate > 0, rows, s_.in, s_.units, s_.units, width, s_.in}, dsums,
             elements_of<T>(kernel) + gate * s_.units, dsteps.data());
      if (gradients.dbias.defined()) {
        T* dbias = elements_of<T>(gradients.dbias) + gate * s_.units;
        sum_rows(dsums, dbias);
        if (rnn_.cell == RnnCell::gru_reset_after) sum_rows(dinner, dbias + width);
      }
    }
    if (gradients.dx.defined()) from_steps(s_, s_.in, dsteps.data(), elements_of<T>(gradients.dx));
  }

 private:
  /// One element's gradients of the gates' sums; adds to that of the state before what does not go through a product.
  void element(std::int64_t i, T dh, T* dc, T& before) {
    T* dsums = sums_gradient_.data();
    const std::int64_t plane = s_.plane();
    if (rnn_.cell == RnnCell::simple) {
      dsums[i] = dh * slope(0, i);
    } else if (rnn_.cell == RnnCell::lstm) {
      const T in = value(0, i), forget = value(1, i), candidate = value(2, i), out = value(3, i);
      const T of_cell = *dc + dh * out * slope(4, i);
      dsums[i] = of_cell * candidate * slope(0, i);
      dsums[plane + i] = of_cell * c_before_[static_cast<std::size_t>(i)] * slope(1, i);
      dsums[2 * plane + i] = of_cell * in * slope(2, i);
      dsums[3 * plane + i] = dh * value(4, i) * slope(3, i);
      *dc = of_cell * forget;
    } else {
      const T update = value(0, i), reset = value(1, i), candidate = value(2, i);
      const T h = h_before_[static_cast<std::size_t>(i)];
      dsums[i] = dh * (h - candidate) * slope(0, i);
      dsums[2 * plane + i] = dh * (T(1) - update) * slope(2, i);
      before += dh * update;
      if (rnn_.cell == RnnCell::gru_reset_after) {
        dsums[plane + i] = dsums[2 * plane + i] * planes_.cells[i] * slope(1, i);
        inner_gradient_[static_cast<std::size_t>(i)] = dsums[2 * plane + i] * reset;
      } else {
        reset_state_[static_cast<std::size_t>(i)] = reset * h;
      }
    }
  }

  /// reset_after false: the candidate's product takes reset * h.
  void through_reset(std::int64_t step, const Tensor& mask) {
    std::vector<T> product(static_cast<std::size_t>(s_.step()));
    gemm({false, true, false, s_.batch, s_.units, s_.units, s_.units, s_.gates * s_.units, s_.units},
         sums_gradient_.data() + 2 * s_.plane() + step * s_.step(), recurrent_ + 2 * s_.units, product.data());
    for (std::int64_t j = 0; j < s_.step(); ++j) {
      if (!takes_part(mask, s_, j / s_.units, step)) continue;
      const std::int64_t i = step * s_.step() + j;
      const T through = product[static_cast<std::size_t>(j)];
      sums_gradient_[static_cast<std::size_t>(s_.plane() + i)] =
          through * h_before_[static_cast<std::size_t>(i)] * slope(1, i);
      step_before_[static_cast<std::size_t>(j)] += through * value(1, i);
    }
  }

  /// The states before each step: the initial one (or zeros), then those after each step but the last.
  std::vector<T> before(const T* after, const Tensor& initial) const {
    std::vector<T> states(static_cast<std::size_t>(s_.plane()));
    if (s_.time == 0) return states;
    if (initial.defined()) std::copy_n(elements_of<T>(initial), s_.step(), states.data());
    std::copy_n(after, s_.plane() - s_.step(), states.data() + s_.step());
    return states;
  }
  const T* recurrent_gradient(std::int64_t gate) const {
    const bool inner = rnn_.cell == RnnCell::gru_reset_after && gate == 2;
    return inner ? inner_gradient_.data() : sums_gradient_.data() + gate * s_.plane();
  }
  T value(std::size_t gate, std::int64_t i) const { return elements_of<T>(gates_[gate].values)[i]; }
  T slope(std::size_t gate, std::int64_t i) const { return elements_of<T>(gates_[gate].slopes)[i]; }
  void sum_rows(const T* rows, T* out) const {
    std::fill_n(out, s_.units, T(0));
    for (std::int64_t i = 0; i < s_.plane(); ++i) out[i % s_.units] += rows[i];
  }

  const RnnDescription& rnn_;
  const RnnSizes& s_;
  const T* recurrent_;
  RnnPlanes<T> planes_;
  std::vector<T> h_before_, c_before_, sums_gradient_, inner_gradient_, reset_state_, step_before_;
  std::vector<Recovered> gates_;
};

}  // namespace

void ReferenceKernels::rnn_backward(const RnnDescription& rnn, const Tensor& x, const Tensor& h0, const Tensor& c0,
                                    const Tensor& kernel, const Tensor& recurrent_kernel, const Tensor& bias,
                                    const Tensor& mask, const Tensor& sequence, const Tensor& workspace,
                                    const Tensor& gradient_sequence, const Tensor& gradient_h, const Tensor& gradient_c,
                                    RnnGradients& gradients) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    RnnGradients wider{wide.out(gradients.dx),
                       wide.out(gradients.dh0),
                       wide.out(gradients.dc0),
                       wide.out(gradients.dkernel),
                       wide.out(gradients.drecurrent_kernel),
                       wide.out(gradients.dbias)};
    rnn_backward(rnn, wide.in(x), wide.in(h0), wide.in(c0), wide.in(kernel), wide.in(recurrent_kernel), wide.in(bias),
                 mask, wide.in(sequence), as_float32(workspace), wide.in(gradient_sequence), wide.in(gradient_h),
                 wide.in(gradient_c), wider);
    return wide.finish();
  }
  const RnnSizes s(rnn, x, recurrent_kernel.shape()[0]);
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::size_t step_size = static_cast<std::size_t>(s.step());
    std::vector<T> dh(step_size), dc(step_size), carried(step_size);
    if (gradient_h.defined()) std::copy_n(elements_of<T>(gradient_h), s.step(), dh.data());
    if (gradient_c.defined()) std::copy_n(elements_of<T>(gradient_c), s.step(), dc.data());
    Backward<T> backward(*this, rnn, s, h0, c0, recurrent_kernel, workspace);
    for (std::int64_t step = s.time - 1; step >= 0; --step)
      backward.step(step, mask, elements_of<T>(gradient_sequence), dh.data(), dc.data(), carried.data());
    backward.finish(x, kernel, gradients);
    if (gradients.dh0.defined()) std::copy_n(dh.data(), s.step(), elements_of<T>(gradients.dh0));
    if (gradients.dc0.defined()) std::copy_n(dc.data(), s.step(), elements_of<T>(gradients.dc0));
  });
  if (!done) missing("rnn_backward", x);
}

}  // namespace nyala::backend
