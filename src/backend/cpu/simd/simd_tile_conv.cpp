#include <optional>

#include "backend/cpu/amx/split_conv.hpp"
#include "backend/cpu/simd/channel_finish.hpp"
#include "backend/cpu/simd/nn_loops.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"

namespace nyala::backend {
namespace {

/// Images of one or two axes, x as the convolution's input and y as its result.
std::optional<amx::ConvSizes> sizes_of(const Tensor& x, const Tensor& kernel, const Tensor& y, const Window& window) {
  if (!all_float32(x, kernel, y) || window.groups != 1 || window.rank < 1 || window.rank > 2 || x.size() == 0 ||
      y.size() == 0)
    return std::nullopt;
  const bool flat = window.rank == 1;
  const auto axis = [&](const Tensor& tensor, std::size_t from_last) {
    return tensor.shape()[static_cast<std::size_t>(tensor.rank()) - from_last];
  };
  const auto of_window = [&](const std::array<std::int64_t, 3>& values, bool rows, std::int64_t none) {
    return rows ? (flat ? none : values[0]) : values[flat ? 0 : 1];
  };
  for (int i = 0; i < window.rank; ++i)
    if (window.strides[static_cast<std::size_t>(i)] != 1) return std::nullopt;
  return amx::ConvSizes{x.shape()[0],
                        flat ? 1 : axis(x, 3),
                        axis(x, 2),
                        axis(x, 1),
                        flat ? 1 : axis(kernel, 4),
                        axis(kernel, 3),
                        axis(y, 1),
                        flat ? 1 : axis(y, 3),
                        axis(y, 2),
                        of_window(window.pad_before, true, 0),
                        of_window(window.pad_before, false, 0),
                        of_window(window.dilation, true, 1),
                        of_window(window.dilation, false, 1)};
}

/// The convolution of y's gradient that gives x's.
amx::ConvSizes turned(const amx::ConvSizes& s) {
  amx::ConvSizes t = s;
  t.rows = s.out_rows, t.columns = s.out_columns, t.channels = s.out_channels;
  t.out_rows = s.rows, t.out_columns = s.columns, t.out_channels = s.channels;
  t.pad_rows = (s.kernel_rows - 1) * s.dilation_rows - s.pad_rows;
  t.pad_columns = (s.kernel_columns - 1) * s.dilation_columns - s.pad_columns;
  return t;
}

}  // namespace

bool SimdKernels::conv_on_tiles(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                                FusedActivation activation, Tensor& before, Tensor& out, const ChannelFinish* next) {
  if (!tiles_ || !all_float32(bias, before)) return false;
  const auto sizes = sizes_of(x, kernel, out, window);
  if (!sizes || !amx::worth_tiles(*sizes)) return false;
  const bool relu = activation == FusedActivation::relu && !before.defined();
  float *const sums = floats(before.defined() ? before : out), *const to = floats(out);
  return amx::convolve(
      *sizes, floats(x), floats(kernel), false, floats(bias), relu, sums, [&](std::int64_t first, std::int64_t count) {
        if (!relu && (activation != FusedActivation::none || before.defined()))
          simd::nn_loops(table().name)
              ->finish({1, count, count, count, activation}, sums + first, nullptr, nullptr, to + first);
        if (next != nullptr) (*next)(to, first, count);
      });
}

bool SimdKernels::conv_backward_data_on_tiles(const Tensor& gradient, const Tensor& kernel, const Window& window,
                                              Tensor& dx) {
  if (!tiles_) return false;
  const auto sizes = sizes_of(dx, kernel, gradient, window);
  if (!sizes) return false;
  const amx::ConvSizes back = turned(*sizes);
  return amx::worth_tiles(back) && amx::convolve(back, floats(gradient), floats(kernel), true, nullptr, false,
                                                 floats(dx), [](std::int64_t, std::int64_t) {});
}

}  // namespace nyala::backend
