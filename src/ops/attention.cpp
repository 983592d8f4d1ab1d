#include <nyala/ops/attention.hpp>

#include <cmath>

#include <nyala/autograd.hpp>
#include <nyala/ops/activations.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/linalg.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/shape.hpp>

#include "core/seed_stream.hpp"
#include "ops/nn_support.hpp"
#include "ops/random_streams.hpp"
#include "ops/replay.hpp"

namespace nyala {

namespace {

constexpr const char* attention_op = "dot_product_attention";

void check(const Tensor& query, const Tensor& key, const Tensor& value) {
  ops::require_numbers(query, attention_op);
  ops::require_numbers(key, attention_op);
  ops::require_numbers(value, attention_op);
  if (query.rank() != 4 || key.rank() != 4 || value.rank() != 4) {
    ops::fail(attention_op, ": query, key and value must be (batch, time, heads, dim), got ", query.shape(), ", ",
              key.shape(), " and ", value.shape());
  }
  const Shape &q = query.shape(), &k = key.shape(), &v = value.shape();
  if (q[0] != k[0] || q[0] != v[0] || k[1] != v[1] || k[2] != v[2]) {
    ops::fail(attention_op, ": query, key and value must agree in batch, key and value in time and heads, got ", q,
              ", ", k, " and ", v);
  }
  if (q[3] != k[3]) ops::fail(attention_op, ": query and key must have one dim, got ", q, " and ", k);
  if (k[2] == 0 || q[2] % k[2] != 0) {
    ops::fail(attention_op, ": the query's heads must be a multiple of the key's, got ", q, " and ", k);
  }
}

void check_broadcasts(const Tensor& x, const Shape& scores, const char* name) {
  if (x.defined() && !ops::broadcasts_to(x.shape(), scores)) {
    ops::fail(attention_op, ": the ", name, " must broadcast to (batch, heads, query time, key time) = ", scores,
              ", got ", x.shape());
  }
}

/// (batch, time, heads, dim) -> (batch, heads, time, dim), heads repeated where several queries share a key.
Tensor by_head(const Tensor& x, std::int64_t heads) {
  const Tensor moved = transpose(x, {0, 2, 1, 3});
  return x.shape()[2] == heads ? moved : repeat(moved, heads / x.shape()[2], 1);
}

Tensor logical_and_past(const Tensor& mask, const Shape& scores, const Device& device) {
  const Tensor below = tri(scores[2], scores[3], 0, DType::boolean).to(device);
  const Tensor past = reshape(below, {1, 1, scores[2], scores[3]});
  return mask.defined() ? logical_and(mask, past) : past;
}

/// Checked operands of one floating dtype; mask bool with four axes, or null, without what causality hides.
struct AttentionInputs {
  Tensor query, key, value, bias, mask;
  bool causal = false;

  Shape scores() const { return {query.shape()[0], query.shape()[2], query.shape()[1], key.shape()[1]}; }
  /// With causality in the mask.
  AttentionInputs masked() const {
    AttentionInputs in = *this;
    in.causal = false;
    if (causal) in.mask = logical_and_past(mask, scores(), query.device());
    return in;
  }
};

AttentionInputs attention_inputs(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& bias,
                                 const Tensor& mask, bool is_causal) {
  check(query, key, value);
  const DType dtype = ops::floating(ops::promoted_dtype({query, key, value}));
  AttentionInputs in{
      ops::in_dtype(query, dtype), ops::in_dtype(key, dtype), ops::in_dtype(value, dtype), bias, {}, is_causal};
  const Shape scores = in.scores();
  check_broadcasts(bias, scores, "bias");
  check_broadcasts(mask, scores, "mask");
  if (mask.defined()) in.mask = ops::in_dtype(mask, DType::boolean);
  if (in.mask.defined() && in.mask.rank() < 4) {
    Shape four(std::vector<std::int64_t>(4, 1));
    const Shape& own = in.mask.shape();
    std::copy(own.begin(), own.end(), four.end() - own.rank());
    in.mask = reshape(in.mask, four);
  }
  return in;
}

/// Made of other operations; the weights are those before the dropout.
Attended composed(const AttentionInputs& inputs, const backend::Attention& how,
                  const std::optional<philox::Stream>& dropout) {
  const AttentionInputs in = inputs.masked();
  const DType dtype = in.query.dtype();
  const std::int64_t heads = in.query.shape()[2];
  // Scaling the query touches fewer numbers than scaling the scores.
  Tensor scores = matmul(by_head(in.query, heads) * how.scale, by_head(in.key, heads), false, true);
  if (ops::is_half(dtype)) scores = cast(scores, DType::float32);
  if (in.bias.defined()) scores = scores + ops::in_dtype(in.bias, scores.dtype());
  if (in.mask.defined()) scores = where(in.mask, scores, -1e9);
  scores = softmax(scores);
  if (in.mask.defined() && how.masked_is_zero) scores = where(in.mask, scores, 0.0);
  const Tensor weights = ops::in_dtype(scores, dtype);
  const Tensor kept = dropout ? ops::dropped(weights, how.dropout_rate, *dropout) : weights;
  return {transpose(matmul(kept, by_head(in.value, heads)), {0, 2, 1, 3}), weights};
}

/// First derivatives by recorded operations: where a library that took the forward refuses the backward.
std::vector<Tensor> composed_gradients(const AttentionInputs& in, const backend::Attention& how,
                                       const std::optional<philox::Stream>& dropout, const Tensor& gradient) {
  GradientTape tape({.watch_accessed_variables = false});
  const std::vector<Tensor> sources{detail::alias(in.query), detail::alias(in.key), detail::alias(in.value)};
  for (const Tensor& source : sources) tape.watch(source);
  const Tensor out = composed({sources[0], sources[1], sources[2], {}, in.mask, in.causal}, how, dropout).output;
  return tape.gradient(out, sources, gradient);
}

/// The kernels of the backend, for causality as it is or else within the mask; null where they do not take this.
Tensor fused(AttentionInputs in, backend::Attention how, const std::optional<philox::Stream>& dropout) {
  if (in.bias.defined() || in.query.size() == 0 || in.key.size() == 0 || in.value.size() == 0) return {};
  backend::Kernels& kernels = backend::kernels(in.query, in.key, in.value, in.mask);
  const bool recorded = autograd::recording(in.query, in.key, in.value);
  const auto operands = [&] { return backend::AttentionOperands{in.query, in.key, in.value, in.mask}; };
  how.causal = in.causal;
  if (!kernels.has_attention(how, operands(), recorded)) {
    if (!in.causal) return {};
    how.causal = false;
    in = in.masked();
    if (!kernels.has_attention(how, operands(), recorded)) return {};
  }
  const backend::AttentionOperands of = operands();
  Shape shape = of.query.shape();
  shape.back() = of.value.shape().back();
  Tensor out = ops::empty_beside(of.query, shape), kept;
  if (!kernels.attention(how, of, recorded, kept, out)) return {};
  if (!recorded) return out;
  autograd::attach(
      out, attention_op, {of.query, of.key, of.value},
      [in, how, dropout, of, kept, saved = autograd::save_output(out)](autograd::Backward& g) {
        if (autograd::recording(g.grad(), of.query, of.key, of.value)) {
          ops::differentiate_again(g, {of.query, of.key, of.value},
                                   [&](const std::vector<Tensor>& again) -> std::vector<Tensor> {
                                     const AttentionInputs inputs{again[0], again[1], again[2], {}, in.mask, in.causal};
                                     return {composed(inputs, how, dropout).output};
                                   });
          return;
        }
        Tensor dquery = ops::empty_like(of.query), dkey = ops::empty_like(of.key), dvalue = ops::empty_like(of.value);
        std::vector<Tensor> gradients{dquery, dkey, dvalue};
        if (!backend::kernels(of.query).attention_backward(how, of, kept, saved, g.grad(), dquery, dkey, dvalue)) {
          gradients = composed_gradients(in, how, dropout, g.grad());
        }
        for (std::size_t i = 0; i < gradients.size(); ++i) g.set(i, gradients[i]);
      });
  return out;
}

/// How the weights of layers are computed, and the stream of their dropout.
std::pair<backend::Attention, std::optional<philox::Stream>> described(const AttentionWeights& weights) {
  backend::Attention how{.scale = weights.scale, .masked_is_zero = true};
  std::optional<philox::Stream> dropout;
  if (weights.dropout_rate > 0.0) {
    if (!(weights.dropout_rate <= 1.0)) {
      ops::fail(attention_op, ": dropout_rate must lie between 0 and 1, got ", weights.dropout_rate);
    }
    dropout = ops::next_stream(weights.seed);
    how.dropout_rate = weights.dropout_rate;
    how.dropout_key = {dropout->key, dropout->number};
  }
  return {how, dropout};
}

}  // namespace

Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& bias,
                             const Tensor& mask, std::optional<double> scale, bool is_causal) {
  const AttentionInputs in = attention_inputs(query, key, value, bias, mask, is_causal);
  const backend::Attention how{.scale = scale.value_or(1.0 / std::sqrt(static_cast<double>(query.shape()[3])))};
  const Tensor out = fused(in, how, {});
  return out.defined() ? out : composed(in, how, {}).output;
}

Attended attend_with_weights(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
                             const AttentionWeights& weights) {
  const auto [how, dropout] = described(weights);
  return composed(attention_inputs(query, key, value, {}, mask, weights.is_causal), how, dropout);
}

Tensor attend(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
              const AttentionWeights& weights) {
  const AttentionInputs in = attention_inputs(query, key, value, {}, mask, weights.is_causal);
  const auto [how, dropout] = described(weights);
  const Tensor out = how.dropout_rate < 1.0 ? fused(in, how, dropout) : Tensor();
  return out.defined() ? out : composed(in, how, dropout).output;
}

}  // namespace nyala
