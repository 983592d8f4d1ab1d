#include <algorithm>

#include "backend/cpu/onednn/attention_head.hpp"
#include "backend/cpu/onednn/gemm.hpp"
#include "backend/cpu/onednn/half_attention.hpp"
#include "backend/cpu/onednn/onednn_kernels.hpp"
#include "backend/cpu/onednn/primitives.hpp"
#include "backend/cpu/reference/nn_support.hpp"
#include "core/parallel.hpp"

namespace nyala::backend {

bool OneDnnKernels::has_attention(const Attention&, const AttentionOperands& of, bool) {
  return of.query.dtype() == DType::float32 || (of.query.dtype() == DType::bfloat16 && onednn::has_half_attention(of));
}

bool OneDnnKernels::attention(const Attention& how, const AttentionOperands& of, bool training, Tensor& weights,
                              Tensor& out) {
  const onednn::AttentionSizes s(of.query, of.value);
  if (training) weights = Tensor::empty({s.batch, s.heads, s.rows, s.columns}, of.query.dtype(), of.query.device());
  if (of.query.dtype() == DType::bfloat16) {
    onednn::half_attention(table(), how, of, weights, out);
    return true;
  }
  const onednn::AttentionHead each(table(), how, s, of.mask);
  const float *q = elements_of<float>(of.query), *k = elements_of<float>(of.key), *v = elements_of<float>(of.value);
  float *kept = elements_of<float>(weights), *to = elements_of<float>(out);
  const std::int64_t blocks = (s.rows - 1) / s.block + 1;
  const std::int64_t grain = onednn::attention_grain(s.block * s.columns * (s.dim + s.width));
  detail::parallel_for(0, s.batch * s.heads * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    const detail::SingleThreadedOmp single;
    const bool needs_room = kept == nullptr || each.drops();
    const Scratch scaled(float_bytes(s.block * s.dim)), room(needs_room ? float_bytes(s.block * s.columns) : 64);
    for (std::int64_t i = begin; i < end; ++i) {
      const onednn::ScoreRows at = each.rows(i / blocks / s.heads, i / blocks % s.heads, i % blocks * s.block);
      const std::int64_t n = at.columns;
      float *scratch = static_cast<float*>(room.get()),
            *w = kept == nullptr ? scratch : kept + s.at_weights(at.b, at.head, at.first);
      float* const part = static_cast<float*>(scaled.get());
      for (std::int64_t row = 0; row < at.count; ++row)
        std::copy_n(q + s.at_query(at.b, at.first + row, at.head), s.dim, part + row * s.dim);
      each.scale(part, at.count * s.dim);
      onednn::product({false, true, false, at.count, n, s.dim, s.dim, s.groups * s.dim, n}, part,
                      k + s.at_key(at.b, each.group_of(at.head)), w);
      each.weigh(at, w);
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
  if (of.query.dtype() == DType::bfloat16) {
    onednn::half_attention_backward(table(), how, of, weights, gradient, dquery, dkey, dvalue);
    return true;
  }
  const onednn::AttentionSizes s(of.query, of.value);
  const onednn::AttentionHead each(table(), how, s, of.mask);
  const float *q = elements_of<float>(of.query), *k = elements_of<float>(of.key), *v = elements_of<float>(of.value);
  const float *kept = elements_of<float>(weights), *incoming = elements_of<float>(gradient);
  float *dq = elements_of<float>(dquery), *dk = elements_of<float>(dkey), *dv = elements_of<float>(dvalue);
  const std::int64_t sharing = s.heads / s.groups;
  const std::int64_t grain = onednn::attention_grain(sharing * s.rows * s.columns * (2 * s.dim + 2 * s.width));
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
          const onednn::ScoreRows at = each.rows(b, head, row);
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
