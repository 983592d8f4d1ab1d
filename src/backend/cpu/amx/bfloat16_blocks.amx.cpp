#include "backend/cpu/amx/bfloat16_blocks.hpp"

#include "backend/cpu/amx/tiles.amx.hpp"

namespace nyala::backend::amx {
namespace {

constexpr std::int64_t row_bytes = 64;

/// Sixteen rows of sixteen pairs, turned.
inline void turn_pairs(const void* from, std::int64_t stride_bytes, char* to) {
  __m512i turned[tile_rows];
  turn(from, stride_bytes, turned);
  for (int i = 0; i < tile_rows; ++i) _mm512_store_si512(to + i * row_bytes, turned[i]);
}

/// Rows 2i and 2i + 1 of 32 numbers as pairs: two tiles of sixteen columns.
inline void pair_rows(const std::uint16_t* from, std::int64_t stride, char* to) {
  alignas(64) constexpr std::uint16_t places[] = {0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
                                                  8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  const __m512i low = _mm512_load_si512(places), high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  for (int i = 0; i < tile_rows; ++i, from += 2 * stride, to += row_bytes) {
    const __m512i even = _mm512_loadu_si512(from), odd = _mm512_loadu_si512(from + stride);
    _mm512_store_si512(to, _mm512_permutex2var_epi16(even, low, odd));
    _mm512_store_si512(to + half_block_bytes / 2, _mm512_permutex2var_epi16(even, high, odd));
  }
}

template <bool left, bool along>
inline void pack_block(const std::uint16_t* from, std::int64_t stride, char* to) {
  constexpr std::int64_t tile = half_block_bytes / 2;
  if constexpr (left && along) {
    for (int i = 0; i < block_side; ++i) _mm512_store_si512(to + i * row_bytes, _mm512_loadu_si512(from + i * stride));
  } else if constexpr (along) {
    turn_pairs(from, stride * 2, to);
    turn_pairs(from + tile_rows * stride, stride * 2, to + tile);
  } else if constexpr (!left) {
    pair_rows(from, stride, to);
  } else {
    alignas(64) char pairs[half_block_bytes];
    pair_rows(from, stride, pairs);
    turn_pairs(pairs, row_bytes, to);
    turn_pairs(pairs + tile, row_bytes, to + tile);
  }
}

template <bool left, bool along>
void pack_any_block(const HalfSource& s, std::int64_t line, std::int64_t k, char* to) {
  const std::uint16_t* const from = s.from + (along ? line * s.stride + k : k * s.stride + line);
  const std::int64_t lines = s.lines - line, depth = s.depth - k;
  if (lines >= block_side && depth >= block_side) return pack_block<left, along>(from, s.stride, to);
  alignas(64) std::uint16_t edge[block_side * block_side] = {};
  const std::int64_t rows = smaller(along ? lines : depth, block_side),
                     columns = smaller(along ? depth : lines, block_side);
  const __mmask32 wanted = columns == block_side ? ~0U : (1U << columns) - 1;
  for (std::int64_t i = 0; i < rows; ++i)
    _mm512_store_si512(edge + i * block_side, _mm512_maskz_loadu_epi16(wanted, from + i * s.stride));
  pack_block<left, along>(edge, block_side, to);
}

/// Memory is read in its own order.
template <bool left, bool along>
void pack_panels(const HalfSource& s, char* to) {
  const std::int64_t panel_bytes = blocks_of(s.depth) * half_block_bytes;
  if constexpr (along) {
    for (std::int64_t line = 0; line < s.lines; line += block_side)
      for (std::int64_t k = 0; k < s.depth; k += block_side, to += half_block_bytes)
        pack_any_block<left, along>(s, line, k, to);
  } else {
    for (std::int64_t k = 0; k < s.depth; k += block_side, to += half_block_bytes)
      for (std::int64_t line = 0; line < s.lines; line += block_side)
        pack_any_block<left, along>(s, line, k, to + line / block_side * panel_bytes);
  }
}

}  // namespace

void pack_bfloat16(const HalfSource& source, bool left, char* memory) {
  if (left)
    source.along ? pack_panels<true, true>(source, memory) : pack_panels<true, false>(source, memory);
  else
    source.along ? pack_panels<false, true>(source, memory) : pack_panels<false, false>(source, memory);
}

void multiply_bfloat16(const char* left, const char* right, std::int64_t steps, float* c, std::int64_t stride,
                       bool add) {
  constexpr std::int64_t tile = half_block_bytes / 2;
  const std::int64_t row = stride * 4;
  float* const below = c + tile_rows * stride;
  order_memory();
  if (add) {
    _tile_loadd(0, c, row);
    _tile_loadd(1, c + tile_rows, row);
    _tile_loadd(2, below, row);
    _tile_loadd(3, below + tile_rows, row);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (std::int64_t step = 0; step < steps; ++step, left += half_block_bytes, right += half_block_bytes) {
    _tile_loadd(4, left, row_bytes);
    _tile_loadd(6, right, row_bytes);
    _tile_loadd(5, left + tile, row_bytes);
    _tile_loadd(7, right + tile, row_bytes);
    multiply_parts();
  }
  _tile_stored(0, c, row);
  _tile_stored(1, c + tile_rows, row);
  _tile_stored(2, below, row);
  _tile_stored(3, below + tile_rows, row);
  order_memory();
}

void round_block(const float* sums, const HalfResult& r) {
  const auto mask = [&](std::int64_t first) {
    const std::int64_t count = r.columns - first;
    return static_cast<__mmask16>(count >= lanes ? 0xffff : count <= 0 ? 0 : (1U << count) - 1);
  };
  const __mmask16 low = mask(0), high = mask(lanes);
  const __mmask32 both = static_cast<__mmask32>(high) << lanes | low;
  const __m512 zero = _mm512_setzero_ps();
  const __m512 bias_low = r.bias == nullptr ? zero : _mm512_maskz_loadu_ps(low, r.bias),
               bias_high = r.bias == nullptr ? zero : _mm512_maskz_loadu_ps(high, r.bias + lanes);
  std::uint16_t* to = r.to;
  for (std::int64_t i = 0; i < r.rows; ++i, sums += block_side, to += r.stride) {
    __m512 a = _mm512_load_ps(sums), b = _mm512_load_ps(sums + lanes);
    if (r.bias != nullptr) a = _mm512_add_ps(a, bias_low), b = _mm512_add_ps(b, bias_high);
    // The second operand where one is NaN: NaN stays.
    if (r.relu) a = _mm512_max_ps(zero, a), b = _mm512_max_ps(zero, b);
    const auto rounded = _mm512_cvtne2ps_pbh(b, a);
    __m512i bits;
    __builtin_memcpy(&bits, &rounded, sizeof bits);
    _mm512_mask_storeu_epi16(to, both, bits);
  }
}

}  // namespace nyala::backend::amx
