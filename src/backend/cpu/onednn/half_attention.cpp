#include <algorithm>
#include <functional>
#include <iterator>

#include "backend/cpu/amx/bfloat16_blocks.hpp"
#include "backend/cpu/amx/split_product.hpp"
#include "backend/cpu/onednn/half_attention.hpp"
#include "backend/cpu/scratch.hpp"
#include "backend/cpu/simd/simd_support.hpp"
#include "core/half.hpp"
#include "core/parallel.hpp"

namespace nyala::backend::onednn {
namespace {

using amx::block_side;
using amx::blocks_of;
using amx::HalfSource;

std::int64_t panel_bytes(std::int64_t depth) { return blocks_of(depth) * amx::half_block_bytes; }

/// A result in bfloat16, `stride` between its rows.
struct HalfMatrix {
  std::uint16_t* to;
  std::int64_t stride, rows, columns;

  /// The block at (row, column) = sums (32, 32)
  void round(const float* sums, std::int64_t row, std::int64_t column) const {
    amx::round_block(sums, {to + row * stride + column, stride, std::min(block_side, rows - row),
                            std::min(block_side, columns - column), nullptr, false});
  }
};

/// Products of one thread, small enough for its caches. Between open_tiles() and close_tiles().
class Products {
 public:
  /// For factors of up to `most` lines and `most` along the summed axis, up to `least` in one of the two.
  Products(std::int64_t most, std::int64_t least)
      : bytes_(static_cast<std::size_t>(blocks_of(most) * panel_bytes(least))), left_(bytes_), right_(bytes_) {}

  /// The factors, as packed from here on.
  void pack(const HalfSource& left, const HalfSource& right) {
    rows_ = left.lines;
    columns_ = right.lines;
    depth_ = left.depth;
    amx::pack_bfloat16(left, true, static_cast<char*>(left_.get()));
    amx::pack_bfloat16(right, false, static_cast<char*>(right_.get()));
  }

  /// c (rows, columns)
  void to_rows(float* c) const {
    each_block([&](std::int64_t i, std::int64_t j) {
      const std::int64_t rows = std::min(block_side, rows_ - i), columns = std::min(block_side, columns_ - j);
      float* const to = c + i * columns_ + j;
      if (rows == block_side && columns == block_side) return multiply(i, j, to, columns_, false);
      alignas(64) float sums[block_side * block_side];
      multiply(i, j, sums, block_side, false);
      for (std::int64_t row = 0; row < rows; ++row) std::copy_n(sums + row * block_side, columns, to + row * columns_);
    });
  }

  /// Rounded, rows `stride` apart.
  void to_halves(std::uint16_t* c, std::int64_t stride) const {
    each_block([&](std::int64_t i, std::int64_t j) {
      alignas(64) float sums[block_side * block_side];
      multiply(i, j, sums, block_side, false);
      HalfMatrix{c, stride, rows_, columns_}.round(sums, i, j);
    });
  }

  /// As blocks of 32 by 32 one after the other, which BlockSums rounds when all are summed.
  void to_blocks(float* c, bool add) const {
    each_block([&](std::int64_t i, std::int64_t j) {
      multiply(i, j, c, block_side, add);
      c += block_side * block_side;
    });
  }

 private:
  template <class Block>
  void each_block(const Block& block) const {
    for (std::int64_t i = 0; i < rows_; i += block_side)
      for (std::int64_t j = 0; j < columns_; j += block_side) block(i, j);
  }

  void multiply(std::int64_t i, std::int64_t j, float* c, std::int64_t stride, bool add) const {
    const std::int64_t panel = panel_bytes(depth_);
    amx::multiply_bfloat16(static_cast<const char*>(left_.get()) + i / block_side * panel,
                           static_cast<const char*>(right_.get()) + j / block_side * panel, blocks_of(depth_), c,
                           stride, add);
  }

  std::size_t bytes_;
  Scratch left_, right_;
  std::int64_t rows_ = 0, columns_ = 0, depth_ = 0;
};

/// Sums (rows, columns) of several products, as Products::to_blocks leaves them.
class BlockSums {
 public:
  BlockSums(std::int64_t rows, std::int64_t columns)
      : rows_(rows),
        columns_(columns),
        size_(blocks_of(rows) * blocks_of(columns) * block_side * block_side),
        memory_(float_bytes(size_)) {}

  float* get() const { return static_cast<float*>(memory_.get()); }
  void clear() const { std::fill_n(get(), size_, 0.0F); }
  void round(std::uint16_t* to, std::int64_t stride) const {
    const float* block = get();
    for (std::int64_t i = 0; i < rows_; i += block_side)
      for (std::int64_t j = 0; j < columns_; j += block_side, block += block_side * block_side)
        HalfMatrix{to, stride, rows_, columns_}.round(block, i, j);
  }

 private:
  std::int64_t rows_, columns_, size_;
  Scratch memory_;
};

/// Lines of an operand of a product: rows of a matrix along the summed axis, or its columns.
HalfSource rows_of(const std::uint16_t* from, std::int64_t stride, std::int64_t lines, std::int64_t depth) {
  return {from, stride, true, lines, depth};
}
HalfSource columns_of(const std::uint16_t* from, std::int64_t stride, std::int64_t lines, std::int64_t depth) {
  return {from, stride, false, lines, depth};
}

void narrow(const float* from, std::uint16_t* to, std::int64_t count) {
  detail::convert(from, reinterpret_cast<nyala::bfloat16*>(to), static_cast<std::size_t>(count));
}

Products products_of(const AttentionSizes& s) {
  const std::int64_t sides[] = {s.block, s.columns, s.dim, s.width};
  std::int64_t sorted[4];
  std::partial_sort_copy(std::begin(sides), std::end(sides), std::begin(sorted), std::end(sorted), std::greater<>());
  return {sorted[0], sorted[1]};
}

}  // namespace

bool has_half_attention(const AttentionOperands& of) {
  constexpr std::int64_t fewest = 8, worth = 4096;  // rows and columns; multiplications of a head
  const Shape &q = of.query.shape(), &k = of.key.shape();
  return q[1] >= fewest && k[1] >= fewest && q[1] * k[1] * q[3] >= worth && amx::has_tiles();
}

void half_attention(const SimdTable& table, const Attention& how, const AttentionOperands& of, Tensor& kept,
                    Tensor& out) {
  const AttentionSizes s(of.query, of.value);
  const AttentionHead each(table, how, s, of.mask);
  const std::uint16_t *const q = halves(of.query), *const k = halves(of.key), *const v = halves(of.value);
  std::uint16_t *const weights = halves(kept), *const to = halves(out);
  const std::int64_t blocks = (s.rows - 1) / s.block + 1;
  const std::int64_t grain = attention_grain(s.block * s.columns * (s.dim + s.width) / 4);
  detail::parallel_for(0, s.batch * s.heads * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    Products products = products_of(s);
    const Scratch room(float_bytes(s.block * s.columns)), rounded(float_bytes(s.block * s.columns) / 2);
    float* const scores = static_cast<float*>(room.get());
    auto* const factors = static_cast<std::uint16_t*>(rounded.get());
    amx::open_tiles();
    for (std::int64_t i = begin; i < end; ++i) {
      const ScoreRows at = each.rows(i / blocks / s.heads, i / blocks % s.heads, i % blocks * s.block);
      const std::int64_t n = at.columns, group = each.group_of(at.head);
      products.pack(rows_of(q + s.at_query(at.b, at.first, at.head), s.heads * s.dim, at.count, s.dim),
                    rows_of(k + s.at_key(at.b, group), s.groups * s.dim, n, s.dim));
      products.to_rows(scores);
      each.scale(scores, at.size());
      each.weigh(at, scores);
      std::uint16_t* const w = weights == nullptr ? factors : weights + s.at_weights(at.b, at.head, at.first);
      if (weights != nullptr || !each.drops()) narrow(scores, w, at.size());
      if (each.drops()) {
        each.drop(at, scores, scores);
        narrow(scores, factors, at.size());
      }
      products.pack(rows_of(each.drops() ? factors : w, n, at.count, n),
                    columns_of(v + s.at_value(at.b, group), s.groups * s.width, s.width, n));
      products.to_halves(to + s.at_output(at.b, at.first, at.head), s.heads * s.width);
    }
    amx::close_tiles();
  });
}

void half_attention_backward(const SimdTable& table, const Attention& how, const AttentionOperands& of,
                             const Tensor& kept, const Tensor& gradient, Tensor& dquery, Tensor& dkey, Tensor& dvalue) {
  const AttentionSizes s(of.query, of.value);
  const AttentionHead each(table, how, s, of.mask);
  const std::uint16_t *const q = halves(of.query), *const k = halves(of.key), *const v = halves(of.value);
  const std::uint16_t *const weights = halves(kept), *const incoming = halves(gradient);
  std::uint16_t *const dq = halves(dquery), *const dk = halves(dkey), *const dv = halves(dvalue);
  const std::int64_t sharing = s.heads / s.groups, step_query = s.heads * s.dim, step_output = s.heads * s.width;
  const std::int64_t step_key = s.groups * s.dim, step_value = s.groups * s.width;
  const std::int64_t grain = attention_grain(sharing * s.rows * s.columns * (s.dim + s.width) / 2);
  detail::parallel_for(0, s.batch * s.groups, grain, [&](std::int64_t begin, std::int64_t end) {
    Products products = products_of(s);
    const BlockSums key_sums(s.columns, s.dim), value_sums(s.columns, s.width);
    const std::int64_t size = s.block * s.columns;
    const Scratch wide(float_bytes(size)), room(float_bytes(size)), rounded(float_bytes(size) / 2);
    float *const w = static_cast<float*>(wide.get()), *const ds = static_cast<float*>(room.get());
    auto* const factors = static_cast<std::uint16_t*>(rounded.get());
    amx::open_tiles();
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t b = i / s.groups, group = i % s.groups;
      const std::uint16_t *const key = k + s.at_key(b, group), *const value = v + s.at_value(b, group);
      bool more = how.causal;  // the first block sets the sums, the others add to them; it may not reach all of them
      if (more) {
        key_sums.clear();
        value_sums.clear();
      }
      for (std::int64_t head = group * sharing; head < (group + 1) * sharing; ++head) {
        for (std::int64_t row = 0; row < s.rows; row += s.block) {
          const ScoreRows at = each.rows(b, head, row);
          const std::int64_t count = at.count, n = at.columns;
          const std::uint16_t *const from = incoming + s.at_output(b, row, head),
                                     *const query = q + s.at_query(b, row, head),
                                     *const known = weights + s.at_weights(b, head, row), *applied = known;
          detail::convert(reinterpret_cast<const nyala::bfloat16*>(known), w, static_cast<std::size_t>(at.size()));
          if (each.drops()) {
            each.drop(at, w, ds);
            narrow(ds, factors, at.size());
            applied = factors;
          }
          products.pack(columns_of(applied, n, n, count), columns_of(from, step_output, s.width, count));
          products.to_blocks(value_sums.get(), more);
          products.pack(rows_of(from, step_output, count, s.width), rows_of(value, step_value, n, s.width));
          products.to_rows(ds);
          if (each.drops()) each.drop(at, ds, ds);
          each.to_scores(at, w, ds);
          narrow(ds, factors, at.size());
          products.pack(rows_of(factors, n, count, n), columns_of(key, step_key, s.dim, n));
          products.to_halves(dq + s.at_query(b, row, head), step_query);
          products.pack(columns_of(factors, n, n, count), columns_of(query, step_query, s.dim, count));
          products.to_blocks(key_sums.get(), more);
          more = true;
        }
      }
      key_sums.round(dk + s.at_key(b, group), step_key);
      value_sums.round(dv + s.at_value(b, group), step_value);
    }
    amx::close_tiles();
  });
}

}  // namespace nyala::backend::onednn
