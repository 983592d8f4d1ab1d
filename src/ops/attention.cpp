#include <cmath>

#include <nyala/ops/activations.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/linalg.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/nn_support.hpp"

namespace nyala {

namespace {

constexpr const char* op = "dot_product_attention";

void check(const Tensor& query, const Tensor& key, const Tensor& value) {
  ops::require_numbers(query, op);
  ops::require_numbers(key, op);
  ops::require_numbers(value, op);
  if (query.rank() != 4 || key.rank() != 4 || value.rank() != 4) {
    ops::fail(op, ": query, key and value must be (batch, time, heads, dim), got ", query.shape(), ", ", key.shape(),
              " and ", value.shape());
  }
  const Shape &q = query.shape(), &k = key.shape(), &v = value.shape();
  if (q[0] != k[0] || q[0] != v[0] || k[1] != v[1] || k[2] != v[2]) {
    ops::fail(op, ": query, key and value must agree in batch, key and value in time and heads, got ", q, ", ", k,
              " and ", v);
  }
  if (q[3] != k[3]) ops::fail(op, ": query and key must have one dim, got ", q, " and ", k);
  if (k[2] == 0 || q[2] % k[2] != 0) {
    ops::fail(op, ": the query's heads must be a multiple of the key's, got ", q, " and ", k);
  }
}

void check_broadcasts(const Tensor& x, const Shape& scores, const char* name) {
  if (x.defined() && !ops::broadcasts_to(x.shape(), scores)) {
    ops::fail(op, ": the ", name, " must broadcast to (batch, heads, query time, key time) = ", scores, ", got ",
              x.shape());
  }
}

/// (batch, time, heads, dim) -> (batch, heads, time, dim), heads repeated where several queries share a key.
Tensor by_head(const Tensor& x, DType dtype, std::int64_t heads) {
  const Tensor moved = transpose(ops::in_dtype(x, dtype), {0, 2, 1, 3});
  return x.shape()[2] == heads ? moved : repeat(moved, heads / x.shape()[2], 1);
}

Tensor allowed(const Tensor& mask, bool is_causal, const Shape& scores) {
  if (!is_causal) return mask.defined() ? ops::in_dtype(mask, DType::boolean) : Tensor();
  const Tensor past = tri(scores[2], scores[3], 0, DType::boolean);
  return mask.defined() ? logical_and(ops::in_dtype(mask, DType::boolean), past) : past;
}

}  // namespace

Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& bias,
                             const Tensor& mask, std::optional<double> scale, bool is_causal) {
  check(query, key, value);
  const DType dtype = ops::floating(ops::promoted_dtype({query, key, value}));
  const std::int64_t heads = query.shape()[2];
  const Shape shape{query.shape()[0], heads, query.shape()[1], key.shape()[1]};
  check_broadcasts(bias, shape, "bias");
  check_broadcasts(mask, shape, "mask");
  const double factor = scale.value_or(1.0 / std::sqrt(static_cast<double>(query.shape()[3])));
  // Scaling the query touches fewer numbers than scaling the scores.
  Tensor scores = matmul(by_head(query, dtype, heads) * factor, by_head(key, dtype, heads), false, true);
  if (ops::is_half(dtype)) scores = cast(scores, DType::float32);
  if (bias.defined()) scores = scores + ops::in_dtype(bias, scores.dtype());
  const Tensor may_attend = allowed(mask, is_causal, shape);
  if (may_attend.defined()) scores = where(may_attend, scores, -1e9);
  const Tensor weights = ops::in_dtype(softmax(scores), dtype);
  return transpose(matmul(weights, by_head(value, dtype, heads)), {0, 2, 1, 3});
}

}  // namespace nyala
