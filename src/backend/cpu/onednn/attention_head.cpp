#include "backend/cpu/onednn/attention_head.hpp"

#include <cmath>

#include "core/random_fill.hpp"

namespace nyala::backend::onednn {

AttentionSizes::AttentionSizes(const Tensor& query, const Tensor& value)
    : batch(query.shape()[0]),
      rows(query.shape()[1]),
      columns(value.shape()[1]),
      heads(query.shape()[2]),
      groups(value.shape()[2]),
      dim(query.shape()[3]),
      width(value.shape()[3]) {
  constexpr std::int64_t most_scores = 65'536;  // of a block: what stays in the caches between the passes
  constexpr std::int64_t fewest = 64;           // rows, however long: for each block all keys and values are read
  const std::int64_t wanted = std::max(most_scores / std::max<std::int64_t>(columns, 1), fewest);
  block = std::min(wanted, std::max<std::int64_t>(rows, 1));
}

AttentionMask::AttentionMask(const Tensor& mask) {
  if (!mask.defined()) return;
  cells = mask.data<bool>();
  std::int64_t stride = 1;
  for (int axis = 3; axis >= 0; --axis) {
    const std::int64_t size = mask.shape().at(axis);
    strides[static_cast<std::size_t>(axis)] = size == 1 ? 0 : stride;
    stride *= size;
  }
}

void AttentionMask::apply(const SimdTable& table, std::int64_t b, std::int64_t head, std::int64_t row, float value,
                          float* x, std::int64_t n) const {
  const bool* from = cells + b * strides[0] + head * strides[1] + row * strides[2];
  if (strides[3] != 0)
    table.where(from, x, &value, Operands::scalar_b, x, n);
  else if (!*from)
    std::fill_n(x, n, value);
}

AttentionHead::AttentionHead(const SimdTable& table, const Attention& how, const AttentionSizes& sizes,
                             const Tensor& mask)
    : table_(table),
      how_(how),
      sizes_(sizes),
      mask_(mask),
      limit_(static_cast<std::uint32_t>(std::ceil(how.dropout_rate * 0x1p24))),
      factor_(static_cast<float>(1 / (1 - how.dropout_rate))) {}

void AttentionHead::weigh(const ScoreRows& at, float* scores) const {
  hide(at, -1e9F, scores);
  table_.softmax(scores, scores, at.count, at.columns, false);
  if (how_.masked_is_zero) hide(at, 0.0F, scores);
}

void AttentionHead::drop(const ScoreRows& at, const float* x, float* out) const {
  std::array<std::uint32_t, 1024> words;
  const bool whole = at.columns == sizes_.columns;
  const std::int64_t runs = whole ? 1 : at.count, length = whole ? at.size() : at.columns;
  for (std::int64_t run = 0; run < runs; ++run, x += length, out += length) {
    const std::int64_t first = sizes_.at_weights(at.b, at.head, at.first + run);
    for (std::int64_t i = 0; i < length; i += 1024) {
      const std::int64_t n = std::min<std::int64_t>(1024, length - i);
      philox::fill_uniform_bits(words.data(), static_cast<std::size_t>(n),
                                {how_.dropout_key.seed, how_.dropout_key.stream},
                                static_cast<std::uint64_t>(first + i));
      table_.dropout(words.data(), limit_, factor_, x + i, out + i, n);
    }
  }
}

void AttentionHead::to_scores(const ScoreRows& at, const float* weights, float* scores) const {
  table_.softmax_backward(weights, scores, scores, at.count, at.columns, false);
  scale(scores, at.size());
  hide(at, 0.0F, scores);
}

void AttentionHead::hide(const ScoreRows& at, float value, float* x) const {
  for (std::int64_t i = 0; i < at.count; ++i, x += at.columns) {
    const std::int64_t row = at.first + i;
    if (mask_.cells != nullptr) mask_.apply(table_, at.b, at.head, row, value, x, at.columns);
    if (how_.causal && row + 1 < at.columns) std::fill(x + row + 1, x + at.columns, value);
  }
}

}  // namespace nyala::backend::onednn
