#include <algorithm>
#include <array>
#include <cmath>

#include "backend/cpu/onednn/gemm.hpp"
#include "backend/cpu/onednn/onednn_kernels.hpp"
#include "backend/cpu/onednn/primitives.hpp"
#include "backend/cpu/reference/nn_support.hpp"
#include "core/parallel.hpp"
#include "core/random_fill.hpp"

namespace nyala::backend {
namespace {

constexpr std::int64_t most_scores = 65'536;  // of a block: what stays in the caches between the passes

struct Sizes {
  std::int64_t batch, rows, columns, heads, groups, dim, width, block;

  Sizes(const Tensor& query, const Tensor& value)
      : batch(query.shape()[0]),
        rows(query.shape()[1]),
        columns(value.shape()[1]),
        heads(query.shape()[2]),
        groups(value.shape()[2]),
        dim(query.shape()[3]),
        width(value.shape()[3]),
        block(std::clamp<std::int64_t>(most_scores / std::max<std::int64_t>(columns, 1), 1,
                                       std::max<std::int64_t>(rows, 1))) {}

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
struct Mask {
  const bool* cells = nullptr;
  std::array<std::int64_t, 4> strides{};

  explicit Mask(const Tensor& mask) {
    if (!mask.defined()) return;
    cells = mask.data<bool>();
    std::int64_t stride = 1;
    for (int axis = 3; axis >= 0; --axis) {
      const std::int64_t size = mask.shape().at(axis);
      strides[static_cast<std::size_t>(axis)] = size == 1 ? 0 : stride;
      stride *= size;
    }
  }

  /// x = `value` wherever the mask is false, for a row.
  void apply(const SimdTable& table, std::int64_t b, std::int64_t head, std::int64_t row, float value, float* x,
             std::int64_t n) const {
    const bool* from = cells + b * strides[0] + head * strides[1] + row * strides[2];
    if (strides[3] != 0)
      table.where(from, x, &value, Operands::scalar_b, x, n);
    else if (!*from)
      std::fill_n(x, n, value);
  }
};

/// ScoreRows of the scores or weights of one head, of which only the first `columns` columns are looked at.
struct ScoreRows {
  std::int64_t b, head, first, count, columns;
  std::int64_t size() const { return count * columns; }
};

/// Blocks of the attention of one head, each by the thread that calls.
class Head {
 public:
  Head(const SimdTable& table, const Attention& how, const Sizes& sizes, const Tensor& mask)
      : table_(table),
        how_(how),
        sizes_(sizes),
        mask_(mask),
        limit_(static_cast<std::uint32_t>(std::ceil(how.dropout_rate * 0x1p24))),
        factor_(static_cast<float>(1 / (1 - how.dropout_rate))) {}

  /// Causality alone hides all columns from some on. (Not beside a mask: a row of which both hide everything has the
  /// same weight everywhere.)
  ScoreRows rows(std::int64_t b, std::int64_t head, std::int64_t first) const {
    const std::int64_t count = std::min(sizes_.block, sizes_.rows - first);
    const bool cut = how_.causal && mask_.cells == nullptr;
    return {b, head, first, count, cut ? std::min(sizes_.columns, first + count) : sizes_.columns};
  }

  /// The weights of some rows; `scaled`: room for these rows of the query.
  void weigh(const ScoreRows& at, const float* query, const float* key, float* scaled, float* weights) const {
    const std::int64_t n = at.columns, dim = sizes_.dim;
    for (std::int64_t i = 0; i < at.count; ++i)
      std::copy_n(query + sizes_.at_query(at.b, at.first + i, at.head), dim, scaled + i * dim);
    table_.scale(static_cast<float>(how_.scale), scaled, at.count * dim);
    onednn::product({false, true, false, at.count, n, dim, dim, sizes_.groups * dim, n}, scaled,
                    key + sizes_.at_key(at.b, group_of(at.head)), weights);
    hide(at, -1e9F, weights);
    table_.softmax(weights, weights, at.count, n, false);
    if (how_.masked_is_zero) hide(at, 0.0F, weights);
  }

  /// out = the dropout of x, rows of weights or of their gradients; they may be the same.
  void drop(const ScoreRows& at, const float* x, float* out) const {
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

  /// scores = their gradient, times the scale, from that of the weights.
  void to_scores(const ScoreRows& at, const float* weights, float* scores) const {
    table_.softmax_backward(weights, scores, scores, at.count, at.columns, false);
    table_.scale(static_cast<float>(how_.scale), scores, at.size());
    hide(at, 0.0F, scores);
  }

  std::int64_t group_of(std::int64_t head) const { return head / (sizes_.heads / sizes_.groups); }
  bool drops() const { return how_.dropout_rate > 0.0; }

 private:
  void hide(const ScoreRows& at, float value, float* x) const {
    for (std::int64_t i = 0; i < at.count; ++i, x += at.columns) {
      const std::int64_t row = at.first + i;
      if (mask_.cells != nullptr) mask_.apply(table_, at.b, at.head, row, value, x, at.columns);
      if (how_.causal && row + 1 < at.columns) std::fill(x + row + 1, x + at.columns, value);
    }
  }

  const SimdTable& table_;
  const Attention& how_;
  const Sizes& sizes_;
  Mask mask_;
  std::uint32_t limit_;
  float factor_;
};

/// How many of these are worth a thread's while.
std::int64_t grain_of(std::int64_t multiplications) {
  return 1'000'000 / std::max<std::int64_t>(multiplications, 1) + 1;
}

}  // namespace

bool OneDnnKernels::attention(const Attention& how, const AttentionOperands& of, bool training, Tensor& weights,
                              Tensor& out) {
  const Sizes s(of.query, of.value);
  if (training) weights = Tensor::empty({s.batch, s.heads, s.rows, s.columns}, DType::float32, of.query.device());
  const Head each(table(), how, s, of.mask);
  const float *q = elements_of<float>(of.query), *k = elements_of<float>(of.key), *v = elements_of<float>(of.value);
  float *kept = elements_of<float>(weights), *to = elements_of<float>(out);
  const std::int64_t blocks = (s.rows - 1) / s.block + 1;
  const std::int64_t grain = grain_of(s.block * s.columns * (s.dim + s.width));
  detail::parallel_for(0, s.batch * s.heads * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    const detail::SingleThreadedOmp single;
    const bool needs_room = kept == nullptr || each.drops();
    const Scratch scaled(float_bytes(s.block * s.dim)), room(needs_room ? float_bytes(s.block * s.columns) : 64);
    for (std::int64_t i = begin; i < end; ++i) {
      const ScoreRows at = each.rows(i / blocks / s.heads, i / blocks % s.heads, i % blocks * s.block);
      const std::int64_t n = at.columns;
      float *scratch = static_cast<float*>(room.get()),
            *w = kept == nullptr ? scratch : kept + s.at_weights(at.b, at.head, at.first);
      each.weigh(at, q, k, static_cast<float*>(scaled.get()), w);
      if (each.drops()) each.drop(at, w, scratch);
      onednn::product({false, false, false, at.count, s.width, n, n, s.groups * s.width, s.heads * s.width},
                      each.drops() ? scratch : w, v + s.at_value(at.b, each.group_of(at.head)),
                      to + s.at_output(at.b, at.first, at.head));
    }
  });
  return true;
}

bool OneDnnKernels::attention_backward(const Attention& how, const AttentionOperands& of, const Tensor& weights,
                                       const Tensor&, const Tensor& gradient, Tensor& dquery, Tensor& dkey,
                                       Tensor& dvalue) {
  const Sizes s(of.query, of.value);
  const Head each(table(), how, s, of.mask);
  const float *q = elements_of<float>(of.query), *k = elements_of<float>(of.key), *v = elements_of<float>(of.value);
  const float *kept = elements_of<float>(weights), *incoming = elements_of<float>(gradient);
  float *dq = elements_of<float>(dquery), *dk = elements_of<float>(dkey), *dv = elements_of<float>(dvalue);
  const std::int64_t sharing = s.heads / s.groups;
  const std::int64_t grain = grain_of(sharing * s.rows * s.columns * (2 * s.dim + 2 * s.width));
  detail::parallel_for(0, s.batch * s.groups, grain, [&](std::int64_t begin, std::int64_t end) {
    const detail::SingleThreadedOmp single;
    const Scratch scores(float_bytes(s.block * s.columns)), room(each.drops() ? float_bytes(s.block * s.columns) : 64);
    float *ds = static_cast<float*>(scores.get()), *dropped = static_cast<float*>(room.get());
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t b = i / s.groups, group = i % s.groups;
      const std::int64_t at_key = s.at_key(b, group), at_value = s.at_value(b, group);
      bool more = false;  // the first block sets the gradients of key and value, the others add to them
      if (how.causal) {   // it may not reach all of them
        for (std::int64_t column = 0; column < s.columns; ++column) {
          std::fill_n(dk + at_key + column * s.groups * s.dim, s.dim, 0.0F);
          std::fill_n(dv + at_value + column * s.groups * s.width, s.width, 0.0F);
        }
        more = true;
      }
      for (std::int64_t head = group * sharing; head < (group + 1) * sharing; ++head) {
        for (std::int64_t row = 0; row < s.rows; row += s.block) {
          const ScoreRows at = each.rows(b, head, row);
          const std::int64_t count = at.count, n = at.columns;
          const float *w = kept + s.at_weights(b, head, row), *from = incoming + s.at_output(b, row, head);
          if (each.drops()) each.drop(at, w, dropped);
          onednn::product({true, false, more, n, s.width, count, n, s.heads * s.width, s.groups * s.width},
                          each.drops() ? dropped : w, from, dv + at_value);
          onednn::product({false, true, false, count, n, s.width, s.heads * s.width, s.groups * s.width, n}, from,
                          v + at_value, ds);
          if (each.drops()) each.drop(at, ds, ds);
          each.to_scores(at, w, ds);
          onednn::product({false, false, false, count, s.dim, n, n, s.groups * s.dim, s.heads * s.dim}, ds, k + at_key,
                          dq + s.at_query(b, row, head));
          onednn::product({true, false, more, n, s.dim, count, n, s.heads * s.dim, s.groups * s.dim}, ds,
                          q + s.at_query(b, row, head), dk + at_key);
          more = true;
        }
      }
    }
  });
  return true;
}

}  // namespace nyala::backend
