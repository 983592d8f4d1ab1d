#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "backend/cpu/simd/table.hpp"
#include "backend/kernels.hpp"

namespace nyala::backend::onednn {

/// The axes of attention's operands, where its heads begin in them, and how many rows make a block.
struct AttentionSizes {
  std::int64_t batch, rows, columns, heads, groups, dim, width, block;

  AttentionSizes(const Tensor& query, const Tensor& value);

  std::int64_t at_query(std::int64_t b, std::int64_t row, std::int64_t head) const {
    return ((b * rows + row) * heads + head) * dim;
  }
  std::int64_t at_output(std::int64_t b, std::int64_t row, std::int64_t head) const {
    return ((b * rows + row) * heads + head) * width;
  }
  std::int64_t at_key(std::int64_t b, std::int64_t group) const { return (b * columns * groups + group) * dim; }
  std::int64_t at_value(std::int64_t b, std::int64_t group) const { return (b * columns * groups + group) * width; }
  std::int64_t at_weights(std::int64_t b, std::int64_t head, std::int64_t row) const {
    return ((b * heads + head) * rows + row) * columns;
  }
};

/// The mask's row for (batch, head, row), and how it goes on along the columns.
struct AttentionMask {
  const bool* cells = nullptr;
  std::array<std::int64_t, 4> strides{};

  explicit AttentionMask(const Tensor& mask);
  /// x = `value` wherever the mask is false, for a row.
  void apply(const SimdTable& table, std::int64_t b, std::int64_t head, std::int64_t row, float value, float* x,
             std::int64_t n) const;
};

/// Rows of the scores or weights of one head, of which only the first `columns` columns are looked at.
struct ScoreRows {
  std::int64_t b, head, first, count, columns;
  std::int64_t size() const { return count * columns; }
};

/// What is done to blocks of the scores of one head, each by the thread that calls.
class AttentionHead {
 public:
  AttentionHead(const SimdTable& table, const Attention& how, const AttentionSizes& sizes, const Tensor& mask);

  /// Causality alone hides all columns from some on. (Not beside a mask: a row of which both hide everything has the
  /// same weight everywhere.)
  ScoreRows rows(std::int64_t b, std::int64_t head, std::int64_t first) const {
    const std::int64_t count = std::min(sizes_.block, sizes_.rows - first);
    const bool cut = how_.causal && mask_.cells == nullptr;
    return {b, head, first, count, cut ? std::min(sizes_.columns, first + count) : sizes_.columns};
  }

  void scale(float* x, std::int64_t count) const { table_.scale(static_cast<float>(how_.scale), x, count); }
  /// Scores become weights.
  void weigh(const ScoreRows& at, float* scores) const;
  /// out = the dropout of x, rows of weights or of their gradients; they may be the same.
  void drop(const ScoreRows& at, const float* x, float* out) const;
  /// scores = their gradient, times the scale, from that of the weights.
  void to_scores(const ScoreRows& at, const float* weights, float* scores) const;

  std::int64_t group_of(std::int64_t head) const { return head / (sizes_.heads / sizes_.groups); }
  bool drops() const { return how_.dropout_rate > 0.0; }

 private:
  void hide(const ScoreRows& at, float value, float* x) const;

  const SimdTable& table_;
  const Attention& how_;
  const AttentionSizes& sizes_;
  AttentionMask mask_;
  std::uint32_t limit_;
  float factor_;
};

/// How many of these are worth a thread's while.
inline std::int64_t attention_grain(std::int64_t multiplications) {
  return 1'000'000 / std::max<std::int64_t>(multiplications, 1) + 1;
}

}  // namespace nyala::backend::onednn
