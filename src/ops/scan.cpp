#include <algorithm>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/reduce.hpp"

namespace nyala {

namespace {

using autograd::Backward;
using backend::Scan;

/// x shifted along an axis: entry i holds entry i + by, and `fill` where there is none.
Tensor shifted(const Tensor& x, int axis, std::int64_t by, double fill) {
  const std::int64_t size = x.shape().at(axis), distance = by < 0 ? -by : by;
  Shape block = x.shape(), rest = x.shape();
  block[static_cast<std::size_t>(axis)] = size - distance;
  rest[static_cast<std::size_t>(axis)] = distance;
  std::vector<std::int64_t> start(x.shape().size(), 0);
  if (by > 0) start[static_cast<std::size_t>(axis)] = by;
  const Tensor kept = slice(x, start, block);
  const Tensor edge = ops::filled(rest, x.dtype(), x.device(), fill);
  return by > 0 ? concatenate({kept, edge}, axis) : concatenate({edge, kept}, axis);
}

/// Σ_{j>=i} g_j Π_{i<k<=j} x_k for every i: the recurrence r_i = g_i + x_{i+1} r_{i+1}, solved by doubling and without
/// division, so that zeros do no harm.
Tensor backward_recurrence(const Tensor& x, const Tensor& g, int axis) {
  const std::int64_t size = x.shape().at(axis);
  Tensor result = g, factor = shifted(x, axis, 1, 0.0);
  for (std::int64_t reach = 1; reach < size; reach *= 2) {
    result = result + factor * shifted(result, axis, reach, 0.0);
    if (reach * 2 < size) factor = factor * shifted(factor, axis, reach, 0.0);
  }
  return result;
}

Tensor scan(Scan op, const Tensor& x, int axis, bool reverse) {
  Tensor y = ops::empty_like(x);
  if (x.size() > 0) backend::kernels(x).scan(op, x, axis, reverse, y);
  return y;
}

Tensor cumulative_product(const Tensor& x, int axis, bool reverse) {
  Tensor y = scan(Scan::prod, x, axis, reverse);
  if (!autograd::recording(x)) return y;
  autograd::attach(y, "cumprod", {x}, [x, axis, reverse](Backward& g) {
    if (x.shape().at(axis) < 2) return g.set(0, g.grad());
    const Tensor along = reverse ? flip(x, axis) : x;
    const Tensor gradient = reverse ? flip(g.grad(), axis) : g.grad();
    const Tensor before = shifted(cumulative_product(along, axis, false), axis, -1, 1.0);
    const Tensor result = before * backward_recurrence(along, gradient, axis);
    g.set(0, reverse ? flip(result, axis) : result);
  });
  return y;
}

/// The product of all other entries along the axis.
Tensor product_of_others(const Tensor& x, int axis) {
  if (x.shape().at(axis) < 2) return ones_like(x);
  return shifted(cumulative_product(x, axis, false), axis, -1, 1.0) *
         shifted(cumulative_product(x, axis, true), axis, 1, 1.0);
}

/// x as cumsum and cumprod take it, and the axis to go along.
struct Along {
  Along(const Tensor& from, std::optional<int> along, const char* op) {
    ops::require_numbers(from, op);
    x = from.dtype() == DType::boolean ? cast(from, DType::int32) : from;
    if (!along)
      x = ravel(x);
    else
      axis = ops::normalized_axis(*along, from.rank(), op);
  }
  Tensor x;
  int axis = 0;
};

}  // namespace

namespace ops {

Tensor cumulative_sum(const Tensor& x, int axis, bool reverse) {
  Tensor y = scan(Scan::sum, x, axis, reverse);
  if (autograd::recording(x)) {
    autograd::attach(y, "cumsum", {x},
                     [axis, reverse](Backward& g) { g.set(0, cumulative_sum(g.grad(), axis, !reverse)); });
  }
  return y;
}

}  // namespace ops

Tensor cumsum(const Tensor& x, std::optional<int> axis) {
  const Along along(x, axis, "cumsum");
  return ops::cumulative_sum(along.x, along.axis, false);
}

Tensor cumprod(const Tensor& x, std::optional<int> axis) {
  const Along along(x, axis, "cumprod");
  return cumulative_product(along.x, along.axis, false);
}

Tensor prod(const Tensor& x, const Axes& axis, bool keepdims) {
  ops::require_numbers(x, "prod");
  if (const DType dtype = ops::sum_dtype(x.dtype()); dtype != x.dtype()) return prod(cast(x, dtype), axis, keepdims);
  const ops::Reduction r(x, axis, keepdims, "prod");
  Tensor y = run_reduce(backend::Reduce::prod, x, r, x.dtype());
  if (!autograd::recording(x)) return y;
  autograd::attach(y, "prod", {x}, [x, r](Backward& g) {
    const Tensor gradient = ops::spread(g.grad(), r, x.shape());
    if (r.axes.empty()) return g.set(0, gradient);
    // The reduced axes become the last one.
    std::vector<int> order, back(x.shape().size());
    for (int i = 0; i < x.rank(); ++i) {
      if (std::find(r.axes.begin(), r.axes.end(), i) == r.axes.end()) order.push_back(i);
    }
    order.insert(order.end(), r.axes.begin(), r.axes.end());
    for (std::size_t i = 0; i < order.size(); ++i) back[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
    const Tensor moved = transpose(x, order);
    const std::int64_t count = r.count;
    const Tensor rows = reshape(moved, {count == 0 ? 0 : x.size() / count, count});
    g.set(0, gradient * transpose(reshape(product_of_others(rows, 1), moved.shape()), back));
  });
  return y;
}

}  // namespace nyala
