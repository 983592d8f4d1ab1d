#pragma once

#include <cstdint>

/// Sums over pixels on the tile unit (AMX), of bfloat16 data: what the gradient of a convolution's kernel is made of.
/// Here is the part that is compiled for such machines.
namespace nyala::backend::amx {

inline constexpr std::int64_t pixel_step = 32;    ///< pixels that are summed by one instruction
inline constexpr std::int64_t channel_step = 16;  ///< channels of a tile
inline constexpr std::int64_t pair_tile_bytes = 2 * pixel_step * channel_step;

/// Pixels of 16 channels, `stride` elements apart, turned: channel i lies at to + i · pitch (bytes), pixel by pixel.
void turn_pixels(const std::uint16_t* pixels, std::int64_t stride, std::int64_t steps, char* to, std::int64_t pitch);

/// Pixels of 16 channels as tiles of pairs, one of pair_tile_bytes for each step.
void pair_pixels(const std::uint16_t* pixels, std::int64_t stride, std::int64_t steps, char* to);

/// Sums over `steps` steps: c[j][t] (16, 16) += lines[j] · tiles t, for each of `count` groups of 16 lines (`pitch`
/// bytes apart) and `tiles` groups of 16 channels (tile_bytes apart). c: rows of tiles · 16 numbers, 16 for each j.
/// Between open_tiles() and close_tiles().
struct TapSums {
  const char* const* lines;
  std::int64_t count, pitch;
  const char* pairs;
  std::int64_t tiles, tile_bytes, steps;
  float* c;
};
void add_tap_sums(const TapSums& sums);

}  // namespace nyala::backend::amx
