#pragma once

#include <cstdint>

#include "core/function_ref.hpp"

namespace nyala::backend::amx {

/// Images (samples, rows, columns, channels), seen by a kernel (kernel_rows, kernel_columns, channels, out_channels) at
/// a stride of 1; outside lie zeros.
struct ConvSizes {
  std::int64_t samples, rows, columns, channels, kernel_rows, kernel_columns, out_channels, out_rows, out_columns;
  std::int64_t pad_rows, pad_columns;  // zeros before the first row and column
  std::int64_t dilation_rows, dilation_columns;
};

/// Whether the tile unit can and should compute it.
bool worth_tiles(const ConvSizes& sizes);

/// y = x * kernel + bias (may be null), with ReLU where asked for; `turned`: for the gradient of an input, `kernel` is
/// (kernel_rows, kernel_columns, out_channels, channels) and is read turned by half a turn. As precise as float32
/// arithmetic (split_blocks.hpp). finish(first, count) is called for elements of y when they are done. False, with y
/// undefined, where the numbers are not for the tile unit (see multiply_split).
bool convolve(const ConvSizes& sizes, const float* x, const float* kernel, bool turned, const float* bias, bool relu,
              float* y, detail::FunctionRef<void(std::int64_t, std::int64_t)> finish);

}  // namespace nyala::backend::amx
