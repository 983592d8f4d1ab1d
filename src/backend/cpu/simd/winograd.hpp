#pragma once

#include <cstdint>

#include "backend/cpu/simd/channel_steps.hpp"

// Convolution of 3 x 3 by F(2 x 2, 3 x 3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks"
// (2015): 16 multiplications where the definition has 36, for each tile of 2 x 2 results. Tiles lie row by row, samples
// one behind the other. A number that is not finite spoils its tile.

namespace nyala::backend {
struct SimdTable;
}

namespace nyala::backend::simd {

/// Images (rows, columns, channels) in float32, seen by windows of 3 x 3 at a stride of 1; outside lie zeros.
struct WinogradImages {
  std::int64_t in_rows, in_columns, in_channels;
  std::int64_t out_rows, out_columns, out_channels;
  std::int64_t pad_rows, pad_columns;  // zeros before the first row and column

  std::int64_t tile_rows() const { return (out_rows + 1) / 2; }
  std::int64_t tile_columns() const { return (out_columns + 1) / 2; }
};

/// What follows the sums of a convolution: a bias, ReLU, and more steps.
struct WinogradOutput {
  const float* bias = nullptr;  // null: none
  bool relu = false;
  const ChannelSteps* next = nullptr;  // null: none
};

/// Products on the tile unit, in place of the loops'.
struct TileProducts {
  static constexpr std::int64_t block = 32;  // tiles transformed together

  /// sums (16, out / lanes, block, lanes) of values (16, in / lanes, block, lanes) for the first `count` tiles; the
  /// steps lead from product to product. False, with sums undefined, where these numbers are for the loops.
  bool (*multiply)(const TileProducts& self, std::int64_t count, const float* values, std::int64_t value_step,
                   float* sums, std::int64_t sum_step, float* scratch);
  std::int64_t scratch;  // in float32
};

struct WinogradLoops {
  /// Both numbers of channels are multiples of it.
  std::int64_t channels_step;
  /// Tiles that are transformed and multiplied together.
  std::int64_t (*block)(const WinogradImages& images, const TileProducts* tiles);
  /// What convolve (with the tile unit, if not null) and filter_gradient need of scratch, in float32.
  std::int64_t (*scratch)(const WinogradImages& images, const TileProducts* tiles);
  /// kernel (3, 3, in, out) becomes 16 products' factors (16, in, out), in the order that convolve reads; `turned`: for
  /// the gradient of the input, (16, out, in) of the kernel turned by half a turn. in, out: the kernel's. Columns
  /// [first, last) of the result, multiples of channels_step.
  void (*transform_filter)(std::int64_t in, std::int64_t out, bool turned, std::int64_t first, std::int64_t last,
                           const float* kernel, float* filter);
  /// The rows of tiles [first, last) of y = x * kernel, and what follows it.
  void (*convolve)(const WinogradImages& images, std::int64_t first, std::int64_t last, const float* x,
                   const float* filter, const TileProducts* tiles, const WinogradOutput& output, float* y,
                   float* scratch);
  /// sums (16, in, out) += what these rows of tiles add to the kernel's gradient, transformed.
  void (*filter_gradient)(const WinogradImages& images, std::int64_t first, std::int64_t last, const float* x,
                          const float* gradient, float* sums, float* scratch);
  /// sums become the gradient of the kernel (3, 3, in, out).
  void (*finish_filter)(std::int64_t in, std::int64_t out, const float* sums, float* dkernel);
};

/// The copy for the instruction set of a table.
const WinogradLoops& winograd_loops(const SimdTable& table);

namespace sse42 {
extern const WinogradLoops winograd_loops;
}
namespace avx2 {
extern const WinogradLoops winograd_loops;
}
namespace avx512 {
extern const WinogradLoops winograd_loops;
}

}  // namespace nyala::backend::simd
