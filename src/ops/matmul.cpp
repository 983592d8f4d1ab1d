#include <algorithm>
#include <numeric>

#include <nyala/ops/linalg.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/product.hpp"

namespace nyala {

namespace ops {

namespace {

using autograd::Backward;

[[noreturn, gnu::cold]] void refuse_inner(const Tensor& a, const Tensor& b, bool ta, bool tb, const char* op) {
  fail(op, ": inner sizes differ: ", a.shape(), ta ? " transposed" : "", " x ", b.shape(), tb ? " transposed" : "");
}

/// All axes but the last two.
Shape batch_of(const Shape& shape) { return Shape(shape.begin(), shape.end() - 2); }

/// aᵀ · b, two matrices.
Tensor gradient_product(const Tensor& a, const Tensor& b, DType dtype) {
  if (dtype == a.dtype()) return matmul(a, b, true);
  Tensor y = Tensor::empty({a.shape()[1], b.shape()[1]}, dtype, a.device());
  const auto stacked = [](const Tensor& x) { return detail::alias(x, {1, x.shape()[0], x.shape()[1]}); };
  Tensor out = stacked(y);
  backend::kernels(a, b).matmul(stacked(a), stacked(b), true, false, false, out);
  return y;
}

/// The gradients are products again; those of an operand that served several others are summed.
void record(Tensor& y, const Tensor& a, const Tensor& b, bool ta, bool tb, const char* op) {
  autograd::attach(
      y, op, {a, b},
      [a = kept_for(b, a), b = kept_for(a, b), a_shape = a.shape(), b_shape = b.shape(), ta, tb](Backward& g) {
        const Tensor& dy = g.grad();
        if (g.needs(0)) {
          const Tensor da = ta ? matmul(b, dy, tb, true) : matmul(dy, b, false, !tb);
          g.set(0, reduce_to(da, a_shape));
        }
        if (!g.needs(1)) return;
        if (!ta && b_shape.size() == 2 && a_shape.back() > 0 && dy.size() > 0) {
          const Tensor rows = reshape(a, {-1, a_shape.back()}), drows = reshape(dy, {-1, dy.shape().back()});
          return g.set(1, gradient_product(tb ? drows : rows, tb ? rows : drows, product_gradient_dtype(g, 1, dy)));
        }
        const Tensor db = tb ? matmul(dy, a, true, ta) : matmul(a, dy, !ta, false);
        g.set(1, reduce_to(db, b_shape));
      });
}

/// As (batch, rows, columns) of its own or, if neither fits, of the common batch.
Tensor stacked(const Tensor& x, const Shape& batch, std::int64_t count) {
  const std::int64_t rows = x.shape().at(-2), columns = x.shape().at(-1);
  const std::int64_t own = batch_of(x.shape()).elements();
  if (own == 1 || batch_of(x.shape()) == batch) return detail::alias(x, {own, rows, columns});
  Shape full = batch;
  full.push_back(rows);
  full.push_back(columns);
  return detail::alias(broadcast_to(stop_gradient(x), full), {count, rows, columns});
}

}  // namespace

DType product_gradient_dtype(const Backward& g, std::size_t input, const Tensor& gradient) {
  const bool wide = is_half(gradient.dtype()) && g.takes_float32(input) &&
                    backend::kernels(gradient).widens_products(gradient.dtype());
  return wide ? DType::float32 : gradient.dtype();
}

Tensor product(const Tensor& a, const Tensor& b, bool ta, bool tb, const char* op) {
  const std::int64_t m = a.shape().at(ta ? -1 : -2), inner = a.shape().at(ta ? -2 : -1);
  const std::int64_t n = b.shape().at(tb ? -2 : -1);
  if (inner != b.shape().at(tb ? -1 : -2)) refuse_inner(a, b, ta, tb, op);
  const bool flat = b.rank() == 2 && !ta;  // then all rows of a are one matrix
  Shape shape = flat ? a.shape() : broadcast_shapes(batch_of(a.shape()), batch_of(b.shape()), op);
  if (flat) {
    shape.back() = n;
  } else {
    shape.push_back(m);
    shape.push_back(n);
  }
  Tensor y = Tensor::empty(shape, a.dtype(), a.device());
  if (y.size() > 0) {
    if (flat) {
      const std::int64_t rows = y.size() / n;
      Tensor out = detail::alias(y, {1, rows, n});
      backend::kernels(a, b).matmul(detail::alias(a, {1, rows, inner}),
                                    detail::alias(b, {1, b.shape()[0], b.shape()[1]}), false, tb, false, out);
    } else {
      const Shape batch = batch_of(shape);
      const std::int64_t count = batch.elements();
      Tensor out = detail::alias(y, {count, m, n});
      backend::kernels(a, b).matmul(stacked(a, batch, count), stacked(b, batch, count), ta, tb, false, out);
    }
  }
  if (autograd::recording(a, b)) record(y, a, b, ta, tb, op);
  return y;
}

}  // namespace ops

namespace {

void require_axes(const Tensor& x, const char* op) {
  ops::require_numbers(x, op);
  if (x.rank() == 0) ops::fail(op, ": a scalar has no axis to be summed over; see multiply");
}

}  // namespace

Tensor matmul(const Tensor& x1, const Tensor& x2, bool transpose_a, bool transpose_b) {
  require_axes(x1, "matmul");
  require_axes(x2, "matmul");
  DType dtype = x1.dtype() == x2.dtype() ? x1.dtype() : ops::promoted_dtype(x1, x2);
  if (dtype == DType::boolean) {
    const Tensor counts = matmul(cast(x1, DType::int32), cast(x2, DType::int32), transpose_a, transpose_b);
    return cast(counts, DType::boolean);
  }
  if (x1.dtype() == DType::int8 && x2.dtype() == DType::int8) dtype = DType::int32;
  Tensor a = cast(x1, dtype), b = cast(x2, dtype);
  if (a.rank() > 1 && b.rank() > 1) return ops::product(a, b, transpose_a, transpose_b, "matmul");
  const bool a_vector = a.rank() == 1, b_vector = b.rank() == 1;
  if (a_vector) a = reshape(a, {1, a.size()});
  if (b_vector) b = reshape(b, {b.size(), 1});
  const bool ta = transpose_a && !a_vector, tb = transpose_b && !b_vector;
  if (a.shape().at(ta ? -2 : -1) != b.shape().at(tb ? -1 : -2)) ops::refuse_inner(x1, x2, ta, tb, "matmul");
  const Tensor y = ops::product(a, b, ta, tb, "matmul");
  Shape shape = y.shape();
  if (b_vector) shape.pop_back();
  if (a_vector) shape.erase(shape.size() - (b_vector ? 1 : 2));
  return reshape(y, shape);
}

Tensor tensordot(const Tensor& x1, const Tensor& x2, int axes) {
  ops::require_numbers(x1, "tensordot");
  ops::require_numbers(x2, "tensordot");
  if (axes < 0 || axes > x1.rank() || axes > x2.rank()) {
    ops::fail("tensordot: cannot sum over ", axes, " axes of ", x1.shape(), " and ", x2.shape());
  }
  std::vector<int> axes1(static_cast<std::size_t>(axes)), axes2(axes1.size());
  std::iota(axes1.begin(), axes1.end(), x1.rank() - axes);
  std::iota(axes2.begin(), axes2.end(), 0);
  return tensordot(x1, x2, axes1, axes2);
}

Tensor tensordot(const Tensor& x1, const Tensor& x2, const std::vector<int>& axes1, const std::vector<int>& axes2) {
  ops::require_numbers(x1, "tensordot");
  ops::require_numbers(x2, "tensordot");
  if (axes1.size() != axes2.size()) {
    ops::fail("tensordot: as many axes must be given for both, got ", axes1.size(), " and ", axes2.size());
  }
  std::vector<int> first, second;
  Shape shape;
  std::int64_t inner = 1;
  for (std::size_t i = 0; i < axes1.size(); ++i) {
    first.push_back(ops::normalized_axis(axes1[i], x1.rank(), "tensordot"));
    second.push_back(ops::normalized_axis(axes2[i], x2.rank(), "tensordot"));
    const std::int64_t size = x1.shape().at(first[i]);
    if (size != x2.shape().at(second[i])) {
      ops::fail("tensordot: axis ", axes1[i], " of ", x1.shape(), " and axis ", axes2[i], " of ", x2.shape(),
                " differ in size");
    }
    inner *= size;
  }
  const auto rest = [](int rank, const std::vector<int>& summed) {
    std::vector<int> others;
    for (int i = 0; i < rank; ++i) {
      if (std::find(summed.begin(), summed.end(), i) == summed.end()) others.push_back(i);
    }
    return others;
  };
  const std::vector<int> free1 = rest(x1.rank(), first), free2 = rest(x2.rank(), second);
  std::int64_t rows = 1, columns = 1;
  for (const int axis : free1) {
    shape.push_back(x1.shape().at(axis));
    rows *= shape.back();
  }
  for (const int axis : free2) {
    shape.push_back(x2.shape().at(axis));
    columns *= shape.back();
  }
  std::vector<int> order1 = free1, order2 = second;
  order1.insert(order1.end(), first.begin(), first.end());
  order2.insert(order2.end(), free2.begin(), free2.end());
  const Tensor a = reshape(x1.rank() > 1 ? transpose(x1, order1) : x1, {rows, inner});
  const Tensor b = reshape(x2.rank() > 1 ? transpose(x2, order2) : x2, {inner, columns});
  return reshape(cast(matmul(a, b), ops::promoted_dtype(x1, x2)), shape);
}

Tensor dot(const Tensor& x1, const Tensor& x2) {
  ops::require_numbers(x1, "dot");
  ops::require_numbers(x2, "dot");
  if (x1.rank() == 0 || x2.rank() == 0) return multiply(x1, x2);
  const int second = x2.rank() == 1 ? 0 : x2.rank() - 2;
  if (x1.shape().back() != x2.shape().at(second)) ops::fail("dot: inner sizes differ: ", x1.shape(), " x ", x2.shape());
  return tensordot(x1, x2, {x1.rank() - 1}, {second});
}

Tensor outer(const Tensor& x1, const Tensor& x2) {
  ops::require_numbers(x1, "outer");
  ops::require_numbers(x2, "outer");
  return multiply(reshape(x1, {x1.size(), 1}), reshape(x2, {1, x2.size()}));
}

Tensor vdot(const Tensor& x1, const Tensor& x2) {
  ops::require_numbers(x1, "vdot");
  ops::require_numbers(x2, "vdot");
  if (x1.size() != x2.size()) ops::fail("vdot: sizes differ: ", x1.shape(), " and ", x2.shape());
  return tensordot(ravel(x1), ravel(x2), 1);
}

Tensor inner(const Tensor& x1, const Tensor& x2) {
  ops::require_numbers(x1, "inner");
  ops::require_numbers(x2, "inner");
  if (x1.rank() == 0 || x2.rank() == 0) return multiply(x1, x2);
  if (x1.shape().back() != x2.shape().back()) {
    ops::fail("inner: last sizes differ: ", x1.shape(), " and ", x2.shape());
  }
  return tensordot(x1, x2, {-1}, {-1});
}

Tensor trace(const Tensor& x, int offset, int axis1, int axis2) {
  ops::require_numbers(x, "trace");
  return sum(diagonal(x, offset, axis1, axis2), -1);
}

Tensor normalize(const Tensor& x, int axis, double order, double epsilon) {
  ops::require_numbers(x, "normalize");
  if (!is_floating(x.dtype())) return normalize(cast(x, floatx()), axis, order, epsilon);
  return x / maximum(norm(x, order, axis, true), epsilon);
}

}  // namespace nyala
