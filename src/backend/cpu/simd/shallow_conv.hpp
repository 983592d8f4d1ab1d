#pragma once

#include <cstdint>

// Convolutions of images of few channels, as the first layer of a network has them.

namespace nyala::backend {
struct SimdTable;
}

namespace nyala::backend::simd {

/// One row of results.
struct ShallowConv {
  /// The most registers' lanes that there are, of any instruction set, in pairs: padded_channels is a multiple of it.
  static constexpr std::int64_t channels_step = 32;

  std::int64_t kernel_rows, depth;  // rows that a result sees, and how many numbers that follow each other of each
  std::int64_t step;                // numbers from a result's first one to the next one's
  std::int64_t results, out_channels, padded_channels;
  bool relu;
};

struct ShallowConvLoops {
  /// y (results, out_channels). rows: for each row of the kernel what the first result sees; kernel (kernel_rows,
  /// depth, padded_channels) and bias (padded_channels) end in zeros.
  void (*convolve_row)(const ShallowConv& sizes, const float* const* rows, const float* kernel, const float* bias,
                       float* y);
};

/// The copy for the instruction set of a table.
const ShallowConvLoops& shallow_conv_loops(const SimdTable& table);

namespace sse42 {
extern const ShallowConvLoops shallow_conv_loops;
}
namespace avx2 {
extern const ShallowConvLoops shallow_conv_loops;
}
namespace avx512 {
extern const ShallowConvLoops shallow_conv_loops;
}

}  // namespace nyala::backend::simd
