#include "ops/window.hpp"

#include <algorithm>

#include <nyala/dtype.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/common.hpp"

namespace nyala::ops {

bool is_channels_first(const std::string& data_format, const char* op) {
  if (data_format == "channels_last") return false;
  if (data_format == "channels_first") return true;
  if (data_format.empty()) return image_data_format() == "channels_first";
  fail(op, ": data_format must be \"channels_last\" or \"channels_first\", got \"", data_format, "\"");
}

Tensor channels_to_last(const Tensor& x) { return moveaxis(x, 1, -1); }
Tensor channels_to_first(const Tensor& x) { return moveaxis(x, -1, 1); }

int spatial_rank(const Tensor& x, const char* op) {
  if (x.rank() < 3 || x.rank() > 5) {
    fail(op, ": x must have 3 to 5 axes: batch, one to three spatial ones, and channels; got ", x.shape());
  }
  return x.rank() - 2;
}

std::array<std::int64_t, 3> per_axis(const std::vector<std::int64_t>& given, int rank, const char* op,
                                     const char* argument) {
  std::array<std::int64_t, 3> result{1, 1, 1};
  const auto count = static_cast<int>(given.size());
  if (count != 1 && count != rank) {
    fail(op, ": ", argument, " must hold one number, or one per spatial axis (", rank, "), got ", count, " numbers");
  }
  for (int axis = 0; axis < rank; ++axis) {
    const std::int64_t value = given[count == 1 ? 0 : static_cast<std::size_t>(axis)];
    if (value < 1) fail(op, ": ", argument, " must be positive, got ", value);
    result[static_cast<std::size_t>(axis)] = value;
  }
  return result;
}

PaddingMode padding_mode(const std::string& padding, bool causal_allowed, const char* op) {
  if (padding == "valid") return PaddingMode::valid;
  if (padding == "same") return PaddingMode::same;
  if (padding == "causal" && causal_allowed) return PaddingMode::causal;
  fail(op, ": padding must be \"valid\"", causal_allowed ? ", \"same\" or \"causal\"" : " or \"same\"", ", got \"",
       padding, padding == "causal" ? "\", which only one-dimensional convolution has" : "\"");
}

Shape place_window(backend::Window& window, PaddingMode mode, const Shape& x, std::int64_t channels, const char* op) {
  Shape result = x;
  result.back() = channels;
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(window.rank); ++axis) {
    const std::int64_t length = x[axis + 1], covered = extent(window, axis), stride = window.strides[axis];
    std::int64_t steps = 0;
    if (mode == PaddingMode::valid) {
      window.pad_before[axis] = window.pad_after[axis] = 0;
      steps = length < covered ? 0 : (length - covered) / stride + 1;
    } else {
      steps = (length + stride - 1) / stride;
      const std::int64_t total = std::max<std::int64_t>((steps - 1) * stride + covered - length, 0);
      window.pad_before[axis] = mode == PaddingMode::causal ? covered - 1 : total / 2;
      window.pad_after[axis] = mode == PaddingMode::causal ? 0 : total - total / 2;
    }
    if (steps <= 0) {
      fail(op, ": the output would be empty: a window of ", covered, " cells does not fit into spatial axis ", axis,
           " of x ", x, " (channels last) with padding \"", mode == PaddingMode::valid ? "valid" : "same", "\"");
    }
    result[axis + 1] = steps;
  }
  return result;
}

}  // namespace nyala::ops
