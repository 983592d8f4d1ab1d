#include <algorithm>
#include <array>

#include "backend/cpu/scratch.hpp"
#include "backend/cpu/simd/channel_finish.hpp"
#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/nn_loops.hpp"
#include "backend/cpu/simd/shallow_conv.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"

namespace nyala::backend {
namespace {

// With more channels, or factors of halves, oneDNN's are quicker.
constexpr std::int64_t most_channels = 2, most_half_taps = 12, most_depth = 64, most_out = 128, most_rows = 16;

/// Images of two axes.
struct ShallowImages {
  std::int64_t rows, columns, channels, kernel_rows, kernel_columns, out_rows, out_columns, stride_rows, stride_columns,
      pad_rows, pad_columns;

  ShallowImages(const Tensor& x, const Tensor& kernel, const Tensor& y, const Window& w)
      : rows(x.shape()[1]),
        columns(x.shape()[2]),
        channels(x.shape()[3]),
        kernel_rows(kernel.shape()[0]),
        kernel_columns(kernel.shape()[1]),
        out_rows(y.shape()[1]),
        out_columns(y.shape()[2]),
        stride_rows(w.strides[0]),
        stride_columns(w.strides[1]),
        pad_rows(w.pad_before[0]),
        pad_columns(w.pad_before[1]) {}
  /// Numbers of a row with the zeros that the windows see before and behind it.
  std::int64_t padded_row() const {
    return std::max((out_columns - 1) * stride_columns + kernel_columns, columns + pad_columns) * channels;
  }
};

/// Elements [first, first + count) of x, widened if they are halves.
void copy_floats(const Tensor& x, std::int64_t first, std::int64_t count, float* to) {
  if (const float* from = widened(x, first, count, to); from != to) std::copy_n(from, count, to);
}

/// The rows of a sample that a row of results sees, with zeros around them; each is copied once.
class PaddedRows {
 public:
  explicit PaddedRows(const ShallowImages& s)
      : s_(s),
        length_(s.padded_row()),
        memory_(float_bytes(s.kernel_rows * length_)),
        values_(static_cast<float*>(memory_.get())) {
    held_.fill(-1);
  }

  const float* const* see(const Tensor& x, std::int64_t sample, std::int64_t out_row) {
    for (std::int64_t i = 0; i < s_.kernel_rows; ++i) {
      const std::int64_t row = out_row * s_.stride_rows + i, slot = row % s_.kernel_rows;
      const std::int64_t number =
          sample * (s_.rows + s_.pad_rows + s_.kernel_rows + s_.stride_rows * s_.out_rows) + row;
      float* const to = values_ + slot * length_;
      rows_[static_cast<std::size_t>(i)] = to;
      if (held_[static_cast<std::size_t>(slot)] == number) continue;
      held_[static_cast<std::size_t>(slot)] = number;
      const std::int64_t within = row - s_.pad_rows;
      std::fill_n(to, length_, 0.0F);
      if (within >= 0 && within < s_.rows)
        copy_floats(x, (sample * s_.rows + within) * s_.columns * s_.channels, s_.columns * s_.channels,
                    to + s_.pad_columns * s_.channels);
    }
    return rows_.data();
  }

 private:
  const ShallowImages& s_;
  std::int64_t length_;
  Scratch memory_;
  float* values_;
  std::array<std::int64_t, most_rows> held_;
  std::array<const float*, most_rows> rows_;
};

}  // namespace

bool SimdKernels::conv_of_few_channels(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                                       FusedActivation activation, Tensor& before, Tensor& out,
                                       const ChannelFinish* next) {
  const bool half = all_half(x, kernel, bias, before, out);
  if (!(half || all_float32(x, kernel, bias, before, out)) || window.rank != 2 || window.groups != 1 ||
      out.size() == 0 || window.dilation[0] != 1 || window.dilation[1] != 1 || window.pad_before[0] < 0 ||
      window.pad_before[1] < 0)
    return false;
  const ShallowImages s(x, kernel, out, window);
  const std::int64_t outs = out.shape()[3], depth = s.kernel_columns * s.channels;
  const std::int64_t taps = s.kernel_rows * depth;
  if (s.channels > most_channels || (half && taps > most_half_taps) || depth > most_depth ||
      s.kernel_rows > most_rows || outs > most_out || outs < 4)
    return false;
  const std::int64_t step = simd::ShallowConv::channels_step, padded = (outs + step - 1) / step * step;
  const Scratch memory(float_bytes((taps + 1) * padded));
  float *const factors = static_cast<float*>(memory.get()), *const shift = factors + taps * padded;
  std::fill_n(factors, (taps + 1) * padded, 0.0F);
  for (std::int64_t i = 0; i < taps; ++i) copy_floats(kernel, i * outs, outs, factors + i * padded);
  if (bias.defined()) copy_floats(bias, 0, outs, shift);

  const bool relu = activation == FusedActivation::relu && !before.defined();
  const bool more = !relu && (activation != FusedActivation::none || before.defined());
  const Tensor& sums = before.defined() ? before : out;
  const std::int64_t row_size = s.out_columns * outs, grain = 400'000 / (row_size * taps) + 1;
  detail::parallel_for(0, x.shape()[0] * s.out_rows, grain, [&](std::int64_t first, std::int64_t last) {
    PaddedRows rows(s);
    const Scratch room(half ? float_bytes(row_size) : 0);
    const simd::ShallowConv sizes{s.kernel_rows, depth, s.stride_columns * s.channels, s.out_columns, outs,
                                  padded,        relu};
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t at = row * row_size;
      float* const to = half ? static_cast<float*>(room.get()) : floats(sums) + at;
      simd::shallow_conv_loops(table_).convolve_row(sizes, rows.see(x, row / s.out_rows, row % s.out_rows), factors,
                                                    shift, to);
      if (half && before.defined()) narrow(to, before, at, row_size);
      float* const result = half ? to : floats(out) + at;
      if (more)
        simd::nn_loops(table_.name)
            ->finish({1, row_size, row_size, row_size, activation}, to, nullptr, nullptr, result);
      if (next != nullptr) (*next)(floats(out), at, row_size);
      if (half) narrow(result, out, at, row_size);
    }
  });
  return true;
}

}  // namespace nyala::backend
