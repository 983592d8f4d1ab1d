#include "backend/cpu/amx/conv_bands.hpp"

#include "backend/cpu/amx/tiles.amx.hpp"

namespace nyala::backend::amx {
namespace {

__mmask16 mask_of(std::int64_t count) {
  return static_cast<__mmask16>(count >= lanes ? 0xffff : count <= 0 ? 0 : (1 << count) - 1);
}

inline void load_pixels(const char* at, std::int64_t pixel) {
  _tile_loadd(4, at, pixel);
  _tile_loadd(5, at + tile_rows * pixel, pixel);
}

/// 32 results of 32 channels into `sums`.
void sum_block(const Band& b, const char* image, const char* filter, float* sums) {
  const std::int64_t row = block_side * 4, pixel = b.pixel;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (std::int64_t step = 0; step < b.steps; ++step, filter += block_bytes) {
    const char *const one = image + b.offsets[step], *const two = one + b.part, *const three = two + b.part;
    load_pixels(one, pixel);
    load_right(filter + 2 * part_bytes);
    multiply_parts();
    load_right(filter + part_bytes);
    multiply_parts();
    load_pixels(two, pixel);
    multiply_parts();
    load_right(filter);
    multiply_parts();
    load_pixels(three, pixel);
    multiply_parts();
    load_pixels(one, pixel);
    multiply_parts();
  }
  _tile_stored(0, sums, row);
  _tile_stored(1, sums + lanes, row);
  _tile_stored(2, sums + tile_rows * block_side, row);
  _tile_stored(3, sums + tile_rows * block_side + lanes, row);
}

/// Puts what `sums` holds of results into y.
void place(const Band& b, std::int64_t first, std::int64_t count, std::int64_t channel, const float* sums) {
  const std::int64_t channels = b.out_channels - channel;
  const __mmask16 left = mask_of(channels), right = mask_of(channels - lanes);
  __m512 shift[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  if (b.bias != nullptr) {
    shift[0] = _mm512_maskz_loadu_ps(left, b.bias + channel);
    shift[1] = _mm512_maskz_loadu_ps(right, b.bias + channel + lanes);
  }
  std::int64_t row = b.first + first / b.pitch, column = first % b.pitch;
  for (std::int64_t i = 0; i < count;) {
    const std::int64_t sample = row / b.period, within = row % b.period;
    const std::int64_t here = b.pitch - column < count - i ? b.pitch - column : count - i;
    const std::int64_t end = column + here < b.out_columns ? column + here : b.out_columns;
    if (within < b.out_rows) {
      float* to = b.y + ((sample * b.out_rows + within) * b.out_columns + column) * b.out_channels + channel;
      const float* from = sums + i * block_side;
      for (std::int64_t c = column; c < end; ++c, to += b.out_channels, from += block_side) {
        __m512 one = _mm512_add_ps(_mm512_load_ps(from), shift[0]),
               two = _mm512_add_ps(_mm512_load_ps(from + lanes), shift[1]);
        if (b.relu) {
          one = _mm512_max_ps(one, _mm512_setzero_ps());
          two = _mm512_max_ps(two, _mm512_setzero_ps());
        }
        _mm512_mask_storeu_ps(to, left, one);
        _mm512_mask_storeu_ps(to + lanes, right, two);
      }
    }
    i += here;
    column = 0;
    ++row;
  }
}

}  // namespace

void split_row(const float* from, std::int64_t count, char* to, std::int64_t part, std::uint32_t& top) {
  __m512i most = _mm512_setzero_si512();
  for (std::int64_t i = 0; i < count; i += lanes, to += 2 * lanes) {
    const __mmask16 mask = mask_of(count - i);
    __m512i rest = _mm512_maskz_loadu_epi32(mask, from + i);
    most = _mm512_max_epu32(most, _mm512_add_epi32(rest, rest));
    for (int p = 0; p < 3; ++p)
      _mm512_mask_cvtepi32_storeu_epi16(to + p * part, mask, _mm512_srli_epi32(p < 2 ? first_part(rest) : rest, 16));
  }
  const std::uint32_t found = _mm512_reduce_max_epu32(most);
  if (found > top) top = found;
}

void split_factors(const float* from, std::int64_t stride, std::int64_t rows, std::int64_t columns, char* to,
                   std::uint32_t& top) {
  __m512i most = _mm512_setzero_si512();
  for (std::int64_t pair = 0; pair < tile_rows; ++pair)
    for (std::int64_t half = 0; half < 2; ++half) {
      const __mmask16 mask = mask_of(columns - half * lanes);
      const float* const at = from + 2 * pair * stride + half * lanes;
      __m512i low = _mm512_setzero_si512(), high = low;
      if (2 * pair < rows) low = _mm512_maskz_loadu_epi32(mask, at);
      if (2 * pair + 1 < rows) high = _mm512_maskz_loadu_epi32(mask, at + stride);
      split(low, high, to + half * tile_bytes + pair * 64, most);
    }
  const std::uint32_t found = _mm512_reduce_max_epu32(most);
  if (found > top) top = found;
}

void convolve_band(const Band& b) {
  alignas(64) float sums[2][block_side * block_side];
  const std::int64_t results = (b.last - b.first - 1) * b.pitch + b.out_columns;
  open_tiles();
  order_memory();
  for (std::int64_t channel = 0; channel < b.out_channels; channel += block_side) {
    const char* const filter = b.filter + channel / block_side * b.steps * block_bytes;
    for (std::int64_t i = 0; i < results + block_side; i += block_side) {
      if (i < results) sum_block(b, b.image + i * b.pixel, filter, sums[i / block_side % 2]);
      order_memory();
      // One block late: the tiles of a block are still being stored while the next one is computed.
      const std::int64_t before = i - block_side;
      if (before >= 0)
        place(b, before, results - before < block_side ? results - before : block_side, channel,
              sums[before / block_side % 2]);
    }
  }
  close_tiles();
}

}  // namespace nyala::backend::amx
