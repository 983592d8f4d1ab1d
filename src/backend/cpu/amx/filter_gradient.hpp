#pragma once

#include <cstdint>

namespace nyala::backend::amx {

/// A convolution of images of one or two axes, channels last, without groups.
struct FilterSizes {
  std::int64_t samples, rows, columns, channels, kernel_rows, kernel_columns, filters, out_rows, out_columns;
  std::int64_t pad_rows, pad_columns, dilation_rows, dilation_columns, stride_rows, stride_columns;
};

/// The gradient (kernel_rows, kernel_columns, channels, filters) of a convolution's kernel, of bfloat16 data with
/// float32 sums; `wide`: in float32, else rounded to bfloat16. Cut for the pool by the sizes only. False, with nothing
/// done, where it does not pay or there is no tile unit.
bool filter_gradient(const FilterSizes& sizes, const std::uint16_t* x, const std::uint16_t* gradient, void* dkernel,
                     bool wide);

}  // namespace nyala::backend::amx
