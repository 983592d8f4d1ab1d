#include <algorithm>

#include "backend/cpu/onednn/gemm.hpp"
#include "backend/cpu/onednn/onednn_kernels.hpp"
#include "backend/cpu/onednn/primitives.hpp"
#include "backend/cpu/onednn/rnn_plan.hpp"
#include "core/parallel.hpp"

namespace nyala::backend {
namespace {

using namespace onednn;

Scratch zeros(std::int64_t count) {
  Scratch scratch(float_bytes(count));
  std::fill_n(static_cast<float*>(scratch.get()), count, 0.0f);
  return scratch;
}

float* floats(const Scratch& scratch) { return static_cast<float*>(scratch.get()); }

/// Gradients that go back from step to step, (batch, units) each.
struct Flow {
  Scratch dh, dc, carried;  // carried: of outputs that repeat an earlier one

  Flow(const RnnSizes& s, const Tensor& gradient_h, const Tensor& gradient_c)
      : dh(zeros(s.step())), dc(zeros(s.step())), carried(zeros(s.step())) {
    if (gradient_h.defined()) std::copy_n(elements_of<float>(gradient_h), s.step(), floats(dh));
    if (gradient_c.defined()) std::copy_n(elements_of<float>(gradient_c), s.step(), floats(dc));
  }
};

class Backward {
 public:
  Backward(const RnnDescription& rnn, const RnnSizes& s, const FastPlanes& planes, const bool* mask,
           const Tensor& recurrent_kernel)
      : rnn_(rnn),
        s_(s),
        planes_(planes),
        mask_(mask),
        width_(s.gates * s.units),
        apart_(rnn.cell == RnnCell::gru_reset_after),
        turned_(float_bytes(s.units * width_)),
        dsums_(float_bytes(s.batch * s.time * width_)),
        drecurrent_(apart_ ? float_bytes(s.batch * s.time * width_) : 0),
        h_before_(float_bytes(s.plane())) {
    // Row by row: the product of every step reads the transposed kernel.
    const float* kernel = elements_of<float>(recurrent_kernel);
    for (std::int64_t i = 0; i < s.units; ++i)
      for (std::int64_t j = 0; j < width_; ++j) floats(turned_)[j * s.units + i] = kernel[i * width_ + j];
  }

  void run_steps(std::int64_t first, std::int64_t last, const float* h0, const float* c0,
                 const float* gradient_sequence, const Flow& flow) const {
    const FastRows rows{s_, *fast_activation(rnn_), mask_, first, last - first};
    float *dh = floats(flow.dh) + first * s_.units, *dc = floats(flow.dc) + first * s_.units;
    const auto& loops = simd::nn_loops();
    for (std::int64_t step = s_.time - 1; step >= 0; --step) {
      if (gradient_sequence != nullptr || mask_ != nullptr)
        take_outputs(rows, step, gradient_sequence, dh, floats(flow.carried) + first * s_.units);
      const simd::CellRows cell = rows.at(step);
      const std::int64_t place = s_.time_of(step);
      const float* gates = rows.in_plane(planes_.gates, width_, place);
      float* dsums = rows.in_plane(floats(dsums_), width_, place);
      const float* h_before = rows.before(h0, planes_.states, step);
      float* kept = rows.in_plane(floats(h_before_), s_.units, place);
      for (std::int64_t row = 0; row < rows.rows; ++row)
        std::copy_n(h_before + row * cell.before_stride, s_.units, kept + row * cell.state_stride);
      float* through = dsums;
      if (rnn_.cell == RnnCell::simple) {
        loops.simple_backward(cell, rows.in_plane(planes_.states, s_.units, step), dh, dsums);
      } else if (rnn_.cell == RnnCell::lstm) {
        const float* c = rows.in_plane(planes_.extra, s_.units, step);
        loops.lstm_backward(cell, gates, rows.before(c0, planes_.extra, step), c, dh, dc, dsums);
      } else {
        through = rows.in_plane(floats(drecurrent_), width_, place);
        loops.gru_backward(cell, gates, h_before, rows.in_plane(planes_.extra, s_.units, step), dh, dsums, through);
      }
      product({false, false, true, rows.rows, s_.units, width_, cell.gates_stride, s_.units, s_.units}, through,
              floats(turned_), dh);
    }
  }

  void finish(const Tensor& x, const Tensor& kernel, Kernels::RnnGradients& gradients) const {
    const std::int64_t rows = s_.batch * s_.time;
    const float *dsums = floats(dsums_), *drecurrent = apart_ ? floats(drecurrent_) : dsums;
    if (gradients.dkernel.defined())
      parallel_product({true, false, false, s_.in, width_, rows, s_.in, width_, width_}, elements_of<float>(x), dsums,
                       elements_of<float>(gradients.dkernel));
    if (gradients.drecurrent_kernel.defined())
      parallel_product({true, false, false, s_.units, width_, rows, s_.units, width_, width_}, floats(h_before_),
                       drecurrent, elements_of<float>(gradients.drecurrent_kernel));
    if (gradients.dx.defined())
      parallel_product({false, true, false, rows, s_.in, width_, width_, width_, s_.in}, dsums,
                       elements_of<float>(kernel), elements_of<float>(gradients.dx));
    if (!gradients.dbias.defined()) return;
    float* dbias = elements_of<float>(gradients.dbias);
    sum_rows(dsums, dbias);
    if (apart_) sum_rows(drecurrent, dbias + width_);
  }

 private:
  /// The gradient of a step's output goes to the state that it is, or waits for the step that it repeats.
  void take_outputs(const FastRows& rows, std::int64_t step, const float* gradient_sequence, float* dh,
                    float* carried) const {
    const auto& loops = simd::nn_loops();
    for (std::int64_t row = 0; row < rows.rows; ++row, dh += s_.units, carried += s_.units) {
      const float* incoming = gradient_sequence == nullptr
                                  ? nullptr
                                  : rows.in_plane(gradient_sequence, s_.units, step) + row * s_.time * s_.units;
      if (rows.takes_part(row, step)) {
        if (incoming != nullptr) loops.accumulate(s_.units, incoming, dh);
        if (mask_ != nullptr) loops.accumulate(s_.units, carried, dh), std::fill_n(carried, s_.units, 0.0f);
      } else if (incoming != nullptr && !rnn_.zero_output_for_mask) {
        loops.accumulate(s_.units, incoming, carried);
      }
    }
  }

  void sum_rows(const float* sums, float* out) const {
    detail::parallel_for(0, width_, 64, [&](std::int64_t begin, std::int64_t end) {
      std::fill(out + begin, out + end, 0.0f);
      for (std::int64_t row = 0; row < s_.batch * s_.time; ++row)
        simd::nn_loops().accumulate(end - begin, sums + row * width_ + begin, out + begin);
    });
  }

  const RnnDescription& rnn_;
  const RnnSizes& s_;
  const FastPlanes& planes_;
  const bool* mask_;
  std::int64_t width_;
  bool apart_;                                      // GRU: the recurrent product has its own bias
  Scratch turned_, dsums_, drecurrent_, h_before_;  // the last three: (batch, time of x, …)
};

}  // namespace

void OneDnnKernels::rnn_backward(const RnnDescription& rnn, const Tensor& x, const Tensor& h0, const Tensor& c0,
                                 const Tensor& kernel, const Tensor& recurrent_kernel, const Tensor& bias,
                                 const Tensor& mask, const Tensor& sequence, const Tensor& workspace,
                                 const Tensor& gradient_sequence, const Tensor& gradient_h, const Tensor& gradient_c,
                                 RnnGradients& gradients) {
  if (!fast_cell(rnn, x))
    return SimdKernels::rnn_backward(rnn, x, h0, c0, kernel, recurrent_kernel, bias, mask, sequence, workspace,
                                     gradient_sequence, gradient_h, gradient_c, gradients);
  const RnnSizes s(rnn, x, recurrent_kernel.shape()[0]);
  const FastPlanes planes(s, elements_of<float>(workspace));
  const Scratch nothing = zeros(s.step());
  const auto initial = [&](const Tensor& state) {
    return state.defined() ? elements_of<const float>(state) : floats(nothing);
  };
  const Flow flow(s, gradient_h, gradient_c);
  const Backward backward(rnn, s, planes, elements_of<const bool>(mask), recurrent_kernel);
  detail::parallel_for(0, s.batch, samples_of_a_piece(s.batch), [&](std::int64_t first, std::int64_t last) {
    const detail::SingleThreadedOmp single;
    backward.run_steps(first, last, initial(h0), initial(c0), elements_of<float>(gradient_sequence), flow);
  });
  backward.finish(x, kernel, gradients);
  if (gradients.dh0.defined()) std::copy_n(floats(flow.dh), s.step(), elements_of<float>(gradients.dh0));
  if (gradients.dc0.defined()) std::copy_n(floats(flow.dc), s.step(), elements_of<float>(gradients.dc0));
}

}  // namespace nyala::backend
