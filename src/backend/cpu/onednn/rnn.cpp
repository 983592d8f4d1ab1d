#include <algorithm>

#include "backend/cpu/onednn/gemm.hpp"
#include "backend/cpu/onednn/onednn_kernels.hpp"
#include "backend/cpu/onednn/primitives.hpp"
#include "backend/cpu/onednn/rnn_plan.hpp"
#include "core/parallel.hpp"

namespace nyala::backend {
namespace {

using namespace onednn;

/// x · W + bias for all steps at once.
void project(const RnnSizes& s, const Tensor& x, const Tensor& kernel, const Tensor& bias, float* gates) {
  const std::int64_t width = s.gates * s.units;
  const Gemm sizes{false, false, false, s.batch * s.time, width, s.in, s.in, width, width};
  const float* shift = elements_of<float>(bias);
  parallel_product(sizes, elements_of<float>(x), elements_of<float>(kernel), gates, [&](const Block& block) {
    float* sums = gates + block.row * width + block.column;
    if (shift != nullptr)
      simd::nn_loops().finish({block.rows, block.columns, width, width, FusedActivation::none}, sums,
                              shift + block.column, nullptr, sums);
  });
}

void write_outputs(const RnnDescription& rnn, const FastRows& rows, std::int64_t step, const float* states,
                   float* sequence) {
  const std::int64_t units = rows.s.units, stride = rows.s.time * units;
  const float* from = rows.in_plane(states, units, step);
  float* to = rows.in_plane(sequence, units, step);
  for (std::int64_t row = 0; row < rows.rows; ++row, from += stride, to += stride) {
    if (rows.takes_part(row, step))
      std::copy_n(from, units, to);
    else if (step == 0 || rnn.zero_output_for_mask)
      std::fill_n(to, units, 0.0f);
    else
      std::copy_n(to - units, units, to);
  }
}

void run_steps(const RnnDescription& rnn, const FastRows& rows, const FastPlanes& planes, const float* h0,
               const float* c0, const float* recurrent, const float* bias, float* sequence) {
  const RnnSizes& s = rows.s;
  const std::int64_t width = s.gates * s.units;
  const bool apart = rnn.cell == RnnCell::gru_reset_after;  // h · U + bias, which the others add to x · W + bias
  const Scratch scratch(apart ? static_cast<std::size_t>(rows.rows * width) * sizeof(float) : 0);
  float* products = static_cast<float*>(scratch.get());
  const auto& loops = simd::nn_loops();
  for (std::int64_t step = 0; step < s.time; ++step) {
    const simd::CellRows cell = rows.at(step);
    float* gates = rows.in_plane(planes.gates, width, s.time_of(step));
    float* h = rows.in_plane(planes.states, s.units, step);
    const float* h_before = rows.before(h0, planes.states, step);
    Gemm sizes{
        false, false, !apart, rows.rows, width, s.units, cell.before_stride, width, apart ? width : cell.gates_stride};
    product(sizes, h_before, recurrent, apart ? products : gates);
    if (rnn.cell == RnnCell::simple) {
      loops.simple_forward(cell, gates, h_before, h);
    } else if (rnn.cell == RnnCell::lstm) {
      loops.lstm_forward(cell, gates, h_before, rows.before(c0, planes.extra, step), h,
                         rows.in_plane(planes.extra, s.units, step));
    } else {
      if (bias != nullptr)
        loops.finish({rows.rows, width, width, width, FusedActivation::none}, products, bias + width, nullptr,
                     products);
      loops.gru_forward(cell, gates, products, h_before, h, rows.in_plane(planes.extra, s.units, step));
    }
    if (sequence != nullptr) write_outputs(rnn, rows, step, planes.states, sequence);
  }
}

}  // namespace

void OneDnnKernels::rnn(const RnnDescription& rnn, const Tensor& x, const Tensor& h0, const Tensor& c0,
                        const Tensor& kernel, const Tensor& recurrent_kernel, const Tensor& bias, const Tensor& mask,
                        Tensor& sequence, Tensor& h, Tensor& c, Tensor& workspace) {
  if (!fast_cell(rnn, x))
    return SimdKernels::rnn(rnn, x, h0, c0, kernel, recurrent_kernel, bias, mask, sequence, h, c, workspace);
  const RnnSizes s(rnn, x, recurrent_kernel.shape()[0]);
  const Scratch own(
      workspace.defined() ? 0 : static_cast<std::size_t>(RnnPlanes<float>::count(rnn) * s.plane()) * sizeof(float));
  const FastPlanes planes(s, workspace.defined() ? elements_of<float>(workspace) : static_cast<float*>(own.get()));
  const Scratch zeros(static_cast<std::size_t>(s.step()) * sizeof(float));
  std::fill_n(static_cast<float*>(zeros.get()), s.step(), 0.0f);
  const auto initial = [&](const Tensor& state) {
    return state.defined() ? elements_of<const float>(state) : static_cast<const float*>(zeros.get());
  };

  project(s, x, kernel, bias, planes.gates);
  detail::parallel_for(0, s.batch, samples_of_a_piece(s.batch), [&](std::int64_t first, std::int64_t last) {
    const detail::SingleThreadedOmp single;
    const FastRows rows{s, *fast_activation(rnn), elements_of<const bool>(mask), first, last - first};
    run_steps(rnn, rows, planes, initial(h0), initial(c0), elements_of<float>(recurrent_kernel),
              elements_of<float>(bias), elements_of<float>(sequence));
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t end = (row * s.time + s.time - 1) * s.units;
      std::copy_n(planes.states + end, s.units, elements_of<float>(h) + row * s.units);
      if (c.defined()) std::copy_n(planes.extra + end, s.units, elements_of<float>(c) + row * s.units);
    }
  });
}

}  // namespace nyala::backend
