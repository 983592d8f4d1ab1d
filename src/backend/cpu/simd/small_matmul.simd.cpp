#include "backend/cpu/simd/small_matmul.simd.hpp"

#include "backend/cpu/simd/lanes.simd.hpp"
#include "backend/cpu/simd/unrolled.hpp"

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {
namespace {

/// A tile of `rows` x 2 registers. b's rows are `stride_b` apart and, but for processors with masks, can be read a
/// whole tile wide.
template <int rows, bool whole>
void tile(const SmallProduct& s, const float* a, const float* b, std::int64_t stride_b, float* c,
          std::int64_t columns) {
  Lanes left[rows], right[rows];
  for (int i = 0; i < rows; ++i) left[i] = right[i] = Lanes(0.0f);
  for (std::int64_t j = 0; j < s.k; ++j) {
    const float* row = b + j * stride_b;
    const Lanes b_left = Lanes::load_unaligned(row);
    const Lanes b_right =
        whole || !masks ? Lanes::load_unaligned(row + width) : load_some(row + width, columns - width);
    for (int i = 0; i < rows; ++i) {
      const Lanes value(a[i * s.row_a + j * s.column_a]);
      left[i] = fused(value, b_left, left[i]);
      right[i] = fused(value, b_right, right[i]);
    }
  }
  for (int i = 0; i < rows; ++i) {
    float* out = c + i * s.stride_c;
    if (whole || columns >= 2 * width) {
      if (s.add) left[i] += Lanes::load_unaligned(out), right[i] += Lanes::load_unaligned(out + width);
      left[i].store_unaligned(out);
      right[i].store_unaligned(out + width);
    } else {
      if (s.add) left[i] += Lanes::load_unaligned(out), right[i] += load_some(out + width, columns - width);
      left[i].store_unaligned(out);
      store_some(right[i], out + width, columns - width);
    }
  }
}

/// The same one register wide, for the last columns.
template <int rows, bool whole>
void narrow_tile(const SmallProduct& s, const float* a, const float* b, std::int64_t stride_b, float* c,
                 std::int64_t columns) {
  Lanes sums[rows];
  for (int i = 0; i < rows; ++i) sums[i] = Lanes(0.0f);
  for (std::int64_t j = 0; j < s.k; ++j) {
    const float* row = b + j * stride_b;
    const Lanes value = whole || !masks ? Lanes::load_unaligned(row) : load_some(row, columns);
    for (int i = 0; i < rows; ++i) sums[i] = fused(Lanes(a[i * s.row_a + j * s.column_a]), value, sums[i]);
  }
  for (int i = 0; i < rows; ++i) {
    float* out = c + i * s.stride_c;
    if (whole || columns >= width) {
      if (s.add) sums[i] += Lanes::load_unaligned(out);
      sums[i].store_unaligned(out);
    } else {
      if (s.add) sums[i] += load_some(out, columns);
      store_some(sums[i], out, columns);
    }
  }
}

template <int rows>
void row_block(const SmallProduct& s, const float* a, const float* b, std::int64_t stride_b, float* c,
               std::int64_t columns) {
  if (columns > width) {
    if (columns == 2 * width)
      tile<rows, true>(s, a, b, stride_b, c, columns);
    else
      tile<rows, false>(s, a, b, stride_b, c, columns);
  } else if (columns == width) {
    narrow_tile<rows, true>(s, a, b, stride_b, c, columns);
  } else {
    narrow_tile<rows, false>(s, a, b, stride_b, c, columns);
  }
}

/// One panel of columns, at most 2 registers wide.
void panel(const SmallProduct& s, const float* a, const float* b, std::int64_t stride_b, float* c,
           std::int64_t columns) {
  constexpr int most = sizeof(Lanes) == 64 ? 12 : 6;  // what the registers of the instruction set hold
  std::int64_t row = 0;
  const auto blocks = [&]<int rows>() {
    for (; row + rows <= s.m; row += rows)
      row_block<rows>(s, a + row * s.row_a, b, stride_b, c + row * s.stride_c, columns);
  };
  blocks.template operator()<most>();
  if constexpr (most > 8) blocks.template operator()<8>();
  blocks.template operator()<4>();
  blocks.template operator()<2>();
  blocks.template operator()<1>();
}

/// A few rows times b, reading b once from beginning to end: the memory sets the pace, and it reads ahead. Each sum is
/// formed in the order of the tiles', so that both give the same numbers.
template <int m>
void multiply_rows(const SmallProduct& s, const float* a, const float* b, float* c) {
  constexpr std::int64_t rows = 8;
  for (std::int64_t j = 0; j < s.k; j += rows) {
    const std::int64_t count = s.k - j < rows ? s.k - j : rows;
    for (std::int64_t column = 0; column + width <= s.n; column += width) {
      const float* from = b + j * s.stride_b + column;
      Lanes sums[m];
      for (int r = 0; r < m; ++r) sums[r] = j == 0 ? Lanes(0.0f) : Lanes::load_unaligned(c + r * s.stride_c + column);
      const float* value = a + j * s.column_a;
      const auto add = [&] {
        const Lanes factors = Lanes::load_unaligned(from);
        for (int r = 0; r < m; ++r) sums[r] = fused(Lanes(value[r * s.row_a]), factors, sums[r]);
        from += s.stride_b;
        value += s.column_a;
      };
      if (count == rows)
        unrolled<rows>([&](int) { add(); });
      else
        for (std::int64_t i = 0; i < count; ++i) add();
      for (int r = 0; r < m; ++r) sums[r].store_unaligned(c + r * s.stride_c + column);
    }
  }
}

}  // namespace

void multiply(const SmallProduct& s, const float* a, const float* b, float* c) {
  constexpr std::int64_t most = 4096, few_rows = 4, beyond_first_cache = 16'384;
  if (s.m == 0) return;
  if (s.k == 0 && a != c) {  // empty factors may be null, which no arithmetic is allowed on; nothing of c is read
    SmallProduct none = s;
    none.row_a = none.column_a = none.stride_b = 0;
    return multiply(none, c, c, c);
  }
  std::int64_t first = 0;
  const bool reads_once = s.m == 1 || (s.m <= few_rows && s.k * s.n >= beyond_first_cache);
  if (reads_once && !s.add && s.k > 0 && s.n >= 4 * width) {
    switch (s.m) {
      case 1: multiply_rows<1>(s, a, b, c); break;
      case 2: multiply_rows<2>(s, a, b, c); break;
      case 3: multiply_rows<3>(s, a, b, c); break;
      default: multiply_rows<4>(s, a, b, c);
    }
    first = s.n / width * width;
  }
  for (std::int64_t column = first; column < s.n; column += 2 * width) {
    const std::int64_t columns = s.n - column < 2 * width ? s.n - column : 2 * width;
    const std::int64_t reach = columns > width ? 2 * width : width;
    if (masks || columns == reach) {
      panel(s, a, b + column, s.stride_b, c + column, columns);
      continue;
    }
    // The last columns, where a whole register would read beyond b: some rows of b at a time.
    alignas(64) float packed[most];
    SmallProduct part = s;
    for (std::int64_t begin = 0; begin < s.k || begin == 0; begin += part.k, part.add = true) {
      part.k = s.k - begin < most / reach ? s.k - begin : most / reach;
      for (std::int64_t j = 0; j < part.k; ++j) {
        const float* from = b + (begin + j) * s.stride_b + column;
        float* to = packed + j * reach;
        for (std::int64_t i = 0; i < reach; ++i) to[i] = i < columns ? from[i] : 0.0f;
      }
      panel(part, a + begin * s.column_a, packed, reach, c + column, columns);
      if (part.k == 0) break;
    }
  }
}

}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
