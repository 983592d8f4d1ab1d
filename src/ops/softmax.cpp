#include <nyala/ops/activations.hpp>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "autograd/node.hpp"
#include "ops/nn_support.hpp"

namespace nyala {

using ops::AxesLast;
using ops::empty_like;

namespace {

/// The tensor seen as (rows, last axis).
Tensor as_rows(const Tensor& x) {
  const std::int64_t columns = x.shape().back();
  return detail::alias(x, Shape{x.size() / columns, columns});
}

using Kernel = void (backend::Kernels::*)(const Tensor&, Tensor&);
using BackwardKernel = void (backend::Kernels::*)(const Tensor&, const Tensor&, Tensor&);

Tensor run(Kernel kernel, const Tensor& x) {
  Tensor y = empty_like(x);
  if (x.size() == 0) return y;
  if (x.rank() == 2) {
    (backend::kernels(x).*kernel)(x, y);
  } else {
    Tensor rows = as_rows(y);
    (backend::kernels(x).*kernel)(as_rows(x), rows);
  }
  return y;
}

Tensor run_backward(BackwardKernel kernel, const Tensor& y, const Tensor& gradient) {
  Tensor dx = empty_like(y);
  if (y.size() == 0) return dx;
  Tensor rows = as_rows(dx);
  (backend::kernels(y).*kernel)(as_rows(y), as_rows(gradient), rows);
  return dx;
}

Tensor softmax_last(const Tensor& x) {
  Tensor y = run(&backend::Kernels::softmax, x);
  if (!autograd::recording(x)) return y;
  autograd::attach(y, "softmax", {x}, [kept = autograd::save_output(y)](autograd::Backward& g) {
    const Tensor p = g.restore(kept);
    if (autograd::recording(p, g.grad()))
      g.set(0, p * (g.grad() - sum(g.grad() * p, -1, true)));
    else
      g.set(0, run_backward(&backend::Kernels::softmax_backward, p, g.grad()));
  });
  return y;
}

Tensor log_softmax_last(const Tensor& x) {
  Tensor y = run(&backend::Kernels::log_softmax, x);
  if (!autograd::recording(x)) return y;
  autograd::attach(y, "log_softmax", {x}, [kept = autograd::save_output(y)](autograd::Backward& g) {
    const Tensor logarithms = g.restore(kept);
    if (autograd::recording(logarithms, g.grad()))
      g.set(0, g.grad() - exp(logarithms) * sum(g.grad(), -1, true));
    else
      g.set(0, run_backward(&backend::Kernels::log_softmax_backward, logarithms, g.grad()));
  });
  return y;
}

/// `last`, a function over the last axis, applied over any axes.
template <class F>
Tensor over_axes(const Tensor& given, const Axes& axis, const char* op, F last) {
  const Tensor x = ops::in_floating(given, op);
  const int rank = x.rank();
  if (rank == 0) ops::fail(op, ": x must have at least one axis, got a scalar");
  if (!axis.all() && axis.values().size() == 1 && (axis.values()[0] == -1 || axis.values()[0] == rank - 1)) {
    return last(x);
  }
  const std::vector<int> axes = axis.resolve(rank, op);
  if (axes.empty()) ops::fail(op, ": axis must name at least one axis");
  const AxesLast order(axes, rank);
  const Tensor moved = order.trivial ? x : transpose(x, order.forth);
  if (axes.size() == 1) return transpose(last(moved), order.back);
  Shape rows(moved.shape().begin(), moved.shape().end() - static_cast<int>(axes.size()));
  std::int64_t columns = 1;
  for (const int each : axes) columns *= x.shape().at(each);
  rows.push_back(columns);
  const Tensor result = reshape(last(reshape(moved, rows)), moved.shape());
  return order.trivial ? result : transpose(result, order.back);
}

/// max(x - tau, 0) along the last axis (Martins & Astudillo 2016), with Keras' tau: where the paper sums the supported
/// entries, Keras sums their running sums, and models trained there count on it.
Tensor sparsemax_last(const Tensor& x) {
  const Tensor descending = flip(sort(x, -1), -1);
  const Tensor sums = cumsum(descending, -1);
  const Tensor ranks = arange(1.0, static_cast<double>(x.shape().back()) + 1.0, 1.0, x.dtype());
  const Tensor supported = cast(descending * ranks > sums - 1.0, x.dtype());
  const Tensor tau = (sum(supported * sums, -1, true) - 1.0) / sum(supported, -1, true);
  return relu(x - tau);
}

}  // namespace

Tensor softmax(const Tensor& x, const Axes& axis) { return over_axes(x, axis, "softmax", softmax_last); }
Tensor log_softmax(const Tensor& x, const Axes& axis) { return over_axes(x, axis, "log_softmax", log_softmax_last); }
Tensor sparsemax(const Tensor& x, int axis) { return over_axes(x, axis, "sparsemax", sparsemax_last); }

}  // namespace nyala
