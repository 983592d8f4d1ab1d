#include "backend/cpu/amx/tap_sums.hpp"

#include "backend/cpu/amx/tiles.amx.hpp"

namespace nyala::backend::amx {
namespace {

constexpr std::int64_t pair_row = 64;

/// Two pixels of sixteen channels as sixteen pairs.
inline __m512i pair(const std::uint16_t* pixels, std::int64_t stride) {
  alignas(64) constexpr std::uint16_t places[] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                  8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  const __m512i both =
      _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(pixels))),
                         _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pixels + stride)), 1);
  return _mm512_permutexvar_epi16(_mm512_load_si512(places), both);
}

inline void pair_step(const std::uint16_t* pixels, std::int64_t stride, char* to) {
  for (int i = 0; i < tile_rows; ++i, pixels += 2 * stride) _mm512_store_si512(to + i * pair_row, pair(pixels, stride));
}

/// Some groups of lines times one or two tiles of pairs.
struct Part {
  const char* const* lines;
  std::int64_t pitch;
  const char* pairs;
  std::int64_t tile_bytes, steps;
  float* c;
  std::int64_t row;  // of c, in bytes
  float* group(int j) const { return c + j * tile_rows * (row / 4); }
};

inline void two_by_two(const Part& p) {
  _tile_loadd(0, p.group(0), p.row);
  _tile_loadd(1, p.group(0) + tile_rows, p.row);
  _tile_loadd(2, p.group(1), p.row);
  _tile_loadd(3, p.group(1) + tile_rows, p.row);
  const char *a = p.lines[0], *b = p.lines[1], *pairs = p.pairs;
  for (std::int64_t step = 0; step < p.steps; ++step, a += 64, b += 64, pairs += pair_tile_bytes) {
    _tile_loadd(4, a, p.pitch);
    _tile_loadd(6, pairs, pair_row);
    _tile_loadd(7, pairs + p.tile_bytes, pair_row);
    _tile_loadd(5, b, p.pitch);
    multiply_parts();
  }
  _tile_stored(0, p.group(0), p.row);
  _tile_stored(1, p.group(0) + tile_rows, p.row);
  _tile_stored(2, p.group(1), p.row);
  _tile_stored(3, p.group(1) + tile_rows, p.row);
}

inline void one_by_two(const Part& p) {
  _tile_loadd(0, p.group(0), p.row);
  _tile_loadd(1, p.group(0) + tile_rows, p.row);
  const char *a = p.lines[0], *pairs = p.pairs;
  for (std::int64_t step = 0; step < p.steps; ++step, a += 64, pairs += pair_tile_bytes) {
    _tile_loadd(4, a, p.pitch);
    _tile_loadd(6, pairs, pair_row);
    _tile_loadd(7, pairs + p.tile_bytes, pair_row);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
  }
  _tile_stored(0, p.group(0), p.row);
  _tile_stored(1, p.group(0) + tile_rows, p.row);
}

inline void four_by_one(const Part& p) {
  _tile_loadd(0, p.group(0), p.row);
  _tile_loadd(1, p.group(1), p.row);
  _tile_loadd(2, p.group(2), p.row);
  _tile_loadd(3, p.group(3), p.row);
  const char* pairs = p.pairs;
  for (std::int64_t at = 0; at < 64 * p.steps; at += 64, pairs += pair_tile_bytes) {
    _tile_loadd(6, pairs, pair_row);
    _tile_loadd(4, p.lines[0] + at, p.pitch);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, p.lines[1] + at, p.pitch);
    _tile_dpbf16ps(1, 5, 6);
    _tile_loadd(4, p.lines[2] + at, p.pitch);
    _tile_dpbf16ps(2, 4, 6);
    _tile_loadd(5, p.lines[3] + at, p.pitch);
    _tile_dpbf16ps(3, 5, 6);
  }
  _tile_stored(0, p.group(0), p.row);
  _tile_stored(1, p.group(1), p.row);
  _tile_stored(2, p.group(2), p.row);
  _tile_stored(3, p.group(3), p.row);
}

inline void one_by_one(const Part& p) {
  _tile_loadd(0, p.c, p.row);
  const char* pairs = p.pairs;
  for (std::int64_t at = 0; at < 64 * p.steps; at += 64, pairs += pair_tile_bytes) {
    _tile_loadd(6, pairs, pair_row);
    _tile_loadd(4, p.lines[0] + at, p.pitch);
    _tile_dpbf16ps(0, 4, 6);
  }
  _tile_stored(0, p.c, p.row);
}

}  // namespace

void turn_pixels(const std::uint16_t* pixels, std::int64_t stride, std::int64_t steps, char* to, std::int64_t pitch) {
  for (std::int64_t step = 0; step < steps; ++step, pixels += pixel_step * stride, to += pair_row) {
    alignas(64) char pairs[pair_tile_bytes];
    pair_step(pixels, stride, pairs);
    __m512i turned[tile_rows];
    turn(pairs, pair_row, turned);
    for (int i = 0; i < tile_rows; ++i) _mm512_store_si512(to + i * pitch, turned[i]);
  }
}

void pair_pixels(const std::uint16_t* pixels, std::int64_t stride, std::int64_t steps, char* to) {
  for (std::int64_t step = 0; step < steps; ++step, pixels += pixel_step * stride, to += pair_tile_bytes)
    pair_step(pixels, stride, to);
}

void add_tap_sums(const TapSums& sums) {
  const std::int64_t width = sums.tiles * channel_step;
  order_memory();
  for (std::int64_t tile = 0; tile < sums.tiles; tile += 2) {
    const bool two = tile + 1 < sums.tiles;
    for (std::int64_t j = 0; j < sums.count;) {
      const Part part{sums.lines + j,  sums.pitch, sums.pairs + tile * sums.tile_bytes,
                      sums.tile_bytes, sums.steps, sums.c + j * tile_rows * width + tile * channel_step,
                      width * 4};
      const std::int64_t left = sums.count - j;
      if (two && left >= 2) {
        two_by_two(part);
        j += 2;
      } else if (two) {
        one_by_two(part);
        j += 1;
      } else if (left >= 4) {
        four_by_one(part);
        j += 4;
      } else {
        one_by_one(part);
        j += 1;
      }
    }
  }
  order_memory();
}

}  // namespace nyala::backend::amx
