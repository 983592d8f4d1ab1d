#include <nyala/ops/creation.hpp>
#include <nyala/ops/linalg.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "ops/linear.hpp"

namespace nyala {

namespace ops {

Tensor floating_matrices(const Tensor& x, const char* op) {
  require_numbers(x, op);
  if (x.rank() < 2) fail(op, ": takes matrices (…, m, n), got shape ", x.shape());
  return is_floating(x.dtype()) ? x : cast(x, floatx());
}

namespace {

Tensor square_matrices(const Tensor& x, const char* op) {
  if (x.rank() < 2 || x.shape().at(-1) != x.shape().at(-2)) {
    fail(op, ": takes square matrices (…, n, n), got shape ", x.shape());
  }
  return floating_matrices(x, op);
}

Shape batch_of(const Tensor& x) { return Shape(x.shape().begin(), x.shape().end() - 2); }

/// a x = b for matrices (…, n, n) and (…, n, m) of one dtype whose batches agree.
Tensor solved(const Tensor& a, const Tensor& b, const char* op) {
  Tensor y = empty_like(b);
  if (y.size() > 0) {
    const std::int64_t n = b.shape().at(-2), m = b.shape().at(-1), count = batch_of(b).elements();
    Tensor flat = detail::alias(y, {count, n, m});
    backend::kernels(a, b).solve(detail::alias(a, {count, n, n}), detail::alias(b, {count, n, m}), flat);
  }
  if (autograd::recording(a, b)) {
    autograd::attach(y, op, {a, b}, [a, op, saved = autograd::save_output(y)](autograd::Backward& g) {
      const Tensor db = solved(adjoint(a), g.grad(), op);
      g.set(1, db);
      if (g.needs(0)) g.set(0, -matmul(db, g.restore(saved), false, true));
    });
  }
  return y;
}

Tensor with_batch(const Tensor& x, Shape batch) {
  batch.push_back(x.shape().at(-2));
  batch.push_back(x.shape().at(-1));
  return broadcast_to(x, batch);
}

/// d det(x) / d x, for singular matrices too: det(u) det(v) u diag(products of the other singular values) vᵀ.
Tensor cofactors(const Tensor& x) {
  const SVD parts = svd(x);
  const std::int64_t n = x.shape().back();
  const Tensor table = where(eye(n, n, 0, DType::boolean), 1.0, expand_dims(parts.s, -2));
  const Tensor scale = prod(table, -1) * expand_dims(det(parts.u) * det(parts.vh), -1);
  return matmul(parts.u * expand_dims(scale, -2), parts.vh);
}

}  // namespace

}  // namespace ops

Tensor solve(const Tensor& a, const Tensor& b) {
  ops::require_numbers(a, "solve");
  ops::require_numbers(b, "solve");
  ops::square_matrices(a, "solve");
  const DType dtype = ops::floating(ops::promoted_dtype(a, b));
  const bool vector = b.rank() == 1;
  const Tensor left = cast(a, dtype), right = vector ? expand_dims(cast(b, dtype), -1) : cast(b, dtype);
  if (right.rank() < 2 || right.shape().at(-2) != left.shape().at(-1)) {
    ops::fail("solve: ", a.shape(), " x = b needs b (n,) or (…, n, m), got ", b.shape());
  }
  const Shape batch = ops::broadcast_shapes(ops::batch_of(left), ops::batch_of(right), "solve");
  const Tensor x = ops::solved(ops::with_batch(left, batch), ops::with_batch(right, batch), "solve");
  return vector ? squeeze(x, -1) : x;
}

Tensor inv(const Tensor& x) {
  ops::require_numbers(x, "inv");
  const Tensor matrices = ops::square_matrices(x, "inv");
  const std::int64_t n = x.shape().back();
  const Tensor unit = identity(n, matrices.dtype()).to(x.device());
  return ops::solved(matrices, ops::with_batch(unit, ops::batch_of(matrices)), "inv");
}

Tensor det(const Tensor& x) {
  ops::require_numbers(x, "det");
  const Tensor matrices = ops::square_matrices(x, "det");
  const Shape batch = ops::batch_of(matrices);
  Tensor y = Tensor::empty(batch, matrices.dtype(), x.device());
  const std::int64_t n = x.shape().back();
  Tensor flat = detail::alias(y, {y.size()});
  if (y.size() > 0) backend::kernels(matrices).determinant(detail::alias(matrices, {y.size(), n, n}), flat);
  if (autograd::recording(matrices)) {
    autograd::attach(y, "det", {matrices}, [matrices, saved = autograd::save_output(y)](autograd::Backward& g) {
      const Tensor value = g.restore(saved);
      const auto slope = [](const Tensor& t) { return expand_dims(expand_dims(t, -1), -1); };
      if (any(equal(value, 0.0)).item<bool>()) return g.set(0, slope(g.grad()) * ops::cofactors(matrices));
      g.set(0, slope(g.grad() * value) * ops::adjoint(inv(matrices)));
    });
  }
  return y;
}

}  // namespace nyala
