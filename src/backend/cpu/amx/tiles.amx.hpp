#pragma once

#include <immintrin.h>

#include "backend/cpu/amx/split_blocks.hpp"

// What the files for the tile unit share.

namespace nyala::backend::amx {
namespace {

constexpr std::int64_t part_bytes = block_bytes / 3, tile_bytes = part_bytes / 2, tile_rows = 16, lanes = 16;

/// out[j] = column j of the sixteen rows of sixteen words at `from`, `stride` bytes apart.
inline void turn(const void* from, std::int64_t stride, __m512i* out) {
  const auto part = [](const char* at) {
    __m128 four;
    __builtin_memcpy(&four, at, sizeof four);
    return four;
  };
  for (int group = 0; group < 4; ++group) {
    __m512 rows[4];
    for (int i = 0; i < 4; ++i) {
      const char* const at = static_cast<const char*>(from) + i * stride + group * 16;
      __m512 row = _mm512_castps128_ps512(part(at));
      row = _mm512_mask_broadcast_f32x4(row, 0x00f0, part(at + 4 * stride));
      row = _mm512_mask_broadcast_f32x4(row, 0x0f00, part(at + 8 * stride));
      rows[i] = _mm512_mask_broadcast_f32x4(row, 0xf000, part(at + 12 * stride));
    }
    const __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(rows[0], rows[1])),
                  b = _mm512_castps_pd(_mm512_unpackhi_ps(rows[0], rows[1])),
                  c = _mm512_castps_pd(_mm512_unpacklo_ps(rows[2], rows[3])),
                  d = _mm512_castps_pd(_mm512_unpackhi_ps(rows[2], rows[3]));
    __m512i* const to = out + group * 4;
    to[0] = _mm512_castpd_si512(_mm512_unpacklo_pd(a, c));
    to[1] = _mm512_castpd_si512(_mm512_unpackhi_pd(a, c));
    to[2] = _mm512_castpd_si512(_mm512_unpacklo_pd(b, d));
    to[3] = _mm512_castpd_si512(_mm512_unpackhi_pd(b, d));
  }
}

inline std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

/// The first part of sixteen numbers, in the upper halves; `rest` becomes what is left, exactly. Rounding to 8 digits
/// twice leaves 8 digits at most: the third part is all of the rest.
inline __m512i first_part(__m512i& rest) {
  const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32(static_cast<int>(0xffff0000));
  const __m512i part = _mm512_and_si512(_mm512_add_epi32(rest, half), upper);
  rest = _mm512_castps_si512(_mm512_sub_ps(_mm512_castsi512_ps(rest), _mm512_castsi512_ps(part)));
  return part;
}

/// Sixteen pairs of two vectors' numbers in three parts.
inline void split(__m512i low, __m512i high, char* to, __m512i& top) {
  top = _mm512_max_epu32(top, _mm512_max_epu32(_mm512_add_epi32(low, low), _mm512_add_epi32(high, high)));
  for (int part = 0; part < 3; ++part) {
    const __m512i a = part < 2 ? first_part(low) : low, b = part < 2 ? first_part(high) : high;
    _mm512_store_si512(to + part * part_bytes, _mm512_or_si512(_mm512_srli_epi32(a, 16), b));
  }
}

/// Packs `units` pieces in even portions over `steps` steps.
template <class P>
struct Meanwhile {
  typename P::State* state;
  std::int64_t units, steps, left = units, due = 0;
  __m512i top = _mm512_setzero_si512();

  void step() {
    for (due += units; due >= steps && left > 0; due -= steps, --left) P::pack(*state, top);
  }
};

/// g++ does not know that loading a tile reads memory: what was written before stays before.
inline void order_memory() { __asm__ volatile("" ::: "memory"); }

inline void load_left(const char* at) {
  _tile_loadd(4, at, 64);
  _tile_loadd(5, at + tile_bytes, 64);
}
inline void load_right(const char* at) {
  _tile_loadd(6, at, 64);
  _tile_loadd(7, at + tile_bytes, 64);
}
inline void multiply_parts() {
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(1, 4, 7);
  _tile_dpbf16ps(2, 5, 6);
  _tile_dpbf16ps(3, 5, 7);
}

/// Where 32 by 32 results lie: four tiles, and the step from row to row, in elements.
struct Results {
  float* c;
  std::int64_t stride, right, below;
};

/// Results of two panels, small parts first.
template <class P>
inline void multiply_block(const char* left, const char* right, std::int64_t steps, const Results& to, bool add,
                           Meanwhile<P>& meanwhile) {
  const std::int64_t row = to.stride * 4;
  float *const c = to.c, *const below = c + to.below;
  order_memory();
  if (add) {
    _tile_loadd(0, c, row);
    _tile_loadd(1, c + to.right, row);
    _tile_loadd(2, below, row);
    _tile_loadd(3, below + to.right, row);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (std::int64_t step = 0; step < steps; ++step, left += block_bytes, right += block_bytes) {
    load_left(left);
    load_right(right + 2 * part_bytes);
    multiply_parts();
    load_right(right + part_bytes);
    multiply_parts();
    load_left(left + part_bytes);
    multiply_parts();
    load_right(right);
    multiply_parts();
    load_left(left + 2 * part_bytes);
    multiply_parts();
    load_left(left);
    multiply_parts();
    meanwhile.step();
    order_memory();
  }
  _tile_stored(0, c, row);
  _tile_stored(1, c + to.right, row);
  _tile_stored(2, below, row);
  _tile_stored(3, below + to.right, row);
  order_memory();
}

}  // namespace
}  // namespace nyala::backend::amx
