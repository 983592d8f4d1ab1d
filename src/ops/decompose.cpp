#include <algorithm>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/linalg.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/linear.hpp"

namespace nyala {

namespace {

using autograd::Backward;
using ops::adjoint;

/// x (batch, rows, columns) and how to undo that.
struct Stack {
  Stack(const Tensor& given, const char* op)
      : x(ops::floating_matrices(given, op)),
        batch(x.shape().begin(), x.shape().end() - 2),
        rows(x.shape().at(-2)),
        columns(x.shape().at(-1)) {}
  Tensor flat() const { return detail::alias(x, {batch.elements(), rows, columns}); }
  Tensor output(std::int64_t m, std::int64_t n) const {
    Shape shape = batch;
    shape.push_back(m);
    shape.push_back(n);
    return Tensor::empty(shape, x.dtype(), x.device());
  }
  Tensor x;
  Shape batch;
  std::int64_t rows, columns;
};

Tensor flattened(const Tensor& y, const Stack& stack) {
  Shape shape{stack.batch.elements()};
  for (int i = static_cast<int>(stack.batch.size()); i < y.rank(); ++i) shape.push_back(y.shape().at(i));
  return detail::alias(y, shape);
}

/// The lower triangle mirrored over the diagonal.
Tensor mirrored_lower(const Tensor& x) { return tril(x) + adjoint(tril(x, -1)); }

Tensor or_zeros(const Tensor& gradient, const Tensor& like) { return gradient.defined() ? gradient : zeros_like(like); }

/// Walter and Lehmann, "Algorithmic differentiation of linear algebra functions with application in optimum
/// experimental design" (2012): the gradient through q r = x for x with at least as many rows as columns.
Tensor tall_gradient(const Tensor& q, const Tensor& r, const Tensor& dq, const Tensor& dr) {
  const Tensor m = matmul(r, dr, false, true) - matmul(dq, q, true);
  const Tensor right = dq + matmul(q, mirrored_lower(m));
  return adjoint(solve(r, adjoint(right)));
}

Tensor qr_gradient(const Tensor& x, const Tensor& q, const Tensor& r, const Tensor& dq, const Tensor& dr) {
  const std::int64_t m = x.shape().at(-2), n = x.shape().at(-1);
  if (m >= n) return tall_gradient(q, r, dq, dr);
  // x = (a b): q and the square left part of r come from a alone, the rest of r is qᵀ b.
  const auto parts = [m](const Tensor& wide) { return split(wide, std::vector<std::int64_t>{m}, -1); };
  const std::vector<Tensor> of_r = parts(r), of_dr = parts(dr), of_x = parts(x);
  const Tensor da = tall_gradient(q, of_r[0], dq + matmul(of_x[1], of_dr[1], false, true), of_dr[0]);
  return concatenate({da, matmul(q, of_dr[1])}, -1);
}

/// Townsend, "Differentiating the singular value decomposition" (2016), for distinct singular values.
Tensor svd_gradient(const Tensor& u, const Tensor& s, const Tensor& vh, const Tensor& du, const Tensor& ds,
                    const Tensor& dvh) {
  const std::int64_t m = u.shape().at(-2), n = vh.shape().at(-1), k = s.shape().back();
  const Tensor row = expand_dims(s, -2), column = expand_dims(s, -1);
  Tensor middle = ds.defined() ? expand_dims(ds, -1) * identity(k, s.dtype()) : Tensor();
  const auto include = [&](const Tensor& part) { middle = middle.defined() ? middle + part : part; };
  const Tensor gaps = (row - column) * (row + column) + identity(k, s.dtype());
  const auto turned = [&](const Tensor& basis, const Tensor& gradient) {
    const Tensor product = matmul(basis, gradient, true);
    return (product - adjoint(product)) / gaps;
  };
  const Tensor v = adjoint(vh);
  if (du.defined()) include(turned(u, du) * row);
  const Tensor dv = dvh.defined() ? adjoint(dvh) : Tensor();
  if (dv.defined()) include(column * turned(v, dv));
  Tensor result = matmul(matmul(u, middle), vh);
  if (du.defined() && m > k) {
    const Tensor outside = du - matmul(u, matmul(u, du, true));
    result = result + matmul(outside / row, vh);
  }
  if (dv.defined() && n > k) {
    const Tensor outside = dv - matmul(v, matmul(v, dv, true));
    result = result + matmul(u, adjoint(outside / row));
  }
  return result;
}

}  // namespace

QR qr(const Tensor& x, const std::string& mode) {
  if (mode != "reduced" && mode != "complete") {
    ops::fail("qr: the mode must be \"reduced\" or \"complete\", got \"", mode, '"');
  }
  const Stack stack(x, "qr");
  const std::int64_t m = stack.rows, n = stack.columns;
  const bool complete = mode == "complete" && m > n;
  const std::int64_t k = complete ? m : std::min(m, n);
  Tensor q = stack.output(m, k), r = stack.output(k, n);
  Tensor flat_q = flattened(q, stack), flat_r = flattened(r, stack);
  if (stack.batch.elements() > 0) backend::kernels(stack.x).qr(stack.flat(), complete, flat_q, flat_r);
  if (autograd::recording(stack.x)) {
    autograd::attach_all(
        {&q, &r}, "qr", {stack.x},
        [x = stack.x, complete, saved_q = autograd::save_output(q), saved_r = autograd::save_output(r)](Backward& g) {
          if (complete) ops::fail("qr: mode \"complete\" of a tall matrix has no gradient");
          const Tensor of_q = g.restore(saved_q, 0), of_r = g.restore(saved_r, 1);
          g.set(0, qr_gradient(x, of_q, of_r, or_zeros(g.grad(0), of_q), or_zeros(g.grad(1), of_r)));
        });
  }
  return {q, r};
}

SVD svd(const Tensor& x, bool full_matrices) {
  const Stack stack(x, "svd");
  const std::int64_t m = stack.rows, n = stack.columns, k = std::min(m, n);
  if (full_matrices && m != n && autograd::recording(stack.x)) {
    // The additional columns are arbitrary, so that only s has a gradient; it comes from the reduced decomposition.
    SVD full = svd(stop_gradient(stack.x), true);
    full.s = svd(stack.x).s;
    autograd::attach_all({&full.u, &full.vh}, "svd", {stack.x}, [](Backward&) {
      ops::fail("svd: with full_matrices only s of a matrix that is not square has a gradient");
    });
    return full;
  }
  Tensor u = stack.output(m, full_matrices ? m : k), vh = stack.output(full_matrices ? n : k, n);
  Shape values = stack.batch;
  values.push_back(k);
  Tensor s = Tensor::empty(values, stack.x.dtype(), stack.x.device());
  Tensor flat_u = flattened(u, stack), flat_s = flattened(s, stack), flat_vh = flattened(vh, stack);
  if (stack.batch.elements() > 0) backend::kernels(stack.x).svd(stack.flat(), full_matrices, flat_u, flat_s, flat_vh);
  if (autograd::recording(stack.x)) {
    autograd::attach_all({&u, &s, &vh}, "svd", {stack.x},
                         [saved_u = autograd::save_output(u), saved_s = autograd::save_output(s),
                          saved_vh = autograd::save_output(vh)](Backward& g) {
                           g.set(0, svd_gradient(g.restore(saved_u, 0), g.restore(saved_s, 1), g.restore(saved_vh, 2),
                                                 g.grad(0), g.grad(1), g.grad(2)));
                         });
  }
  return {u, s, vh};
}

Tensor cholesky(const Tensor& x) {
  const Stack stack(x, "cholesky");
  if (stack.rows != stack.columns) ops::fail("cholesky: the matrix must be square, got shape ", x.shape());
  Tensor y = stack.output(stack.rows, stack.rows), flat = flattened(y, stack);
  if (y.size() > 0) backend::kernels(stack.x).cholesky(stack.flat(), flat);
  if (autograd::recording(stack.x)) {
    // Murray, "Differentiation of the Cholesky decomposition" (2016).
    autograd::attach(y, "cholesky", {stack.x}, [saved = autograd::save_output(y)](Backward& g) {
      const Tensor lower = g.restore(saved);
      const Tensor inner = matmul(lower, g.grad(), true);
      const Tensor half = tril(inner) - 0.5 * (inner * identity(inner.shape().back(), inner.dtype()));
      const Tensor turned = adjoint(lower);
      const Tensor whole = solve(turned, adjoint(solve(turned, half)));
      g.set(0, (whole + adjoint(whole)) * 0.5);
    });
  }
  return y;
}

}  // namespace nyala
