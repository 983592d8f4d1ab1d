#include <nyala/ops/shape.hpp>

#include <algorithm>
#include <numeric>

#include "ops/common.hpp"

namespace nyala {

namespace {

using autograd::Backward;

/// x's elements under another shape, recorded; a bare number becomes an ordinary tensor.
Tensor reshaped(const Tensor& x, const Shape& shape, const char* op) {
  if (x.shape() == shape && !x.weak()) return x;
  Tensor y = detail::alias(x, shape);
  y.impl()->weak = false;
  if (autograd::recording(x)) {
    autograd::attach(y, op, {x}, [from = x.shape(), op](Backward& g) { g.set(0, reshaped(g.grad(), from, op)); });
  }
  return y;
}

Tensor permuted(const Tensor& x, const std::vector<int>& order, const char* op) {
  const std::vector<std::int64_t> strides = ops::row_major_strides(x.shape());
  std::vector<std::int64_t> moved(order.size());
  Shape shape = x.shape();
  bool in_place = true;  // axes of size 1 may wander without any element moving
  int last = -1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto from = static_cast<std::size_t>(order[i]);
    shape[i] = x.shape()[from];
    moved[i] = strides[from];
    if (shape[i] == 1) continue;
    in_place = in_place && order[i] > last;
    last = order[i];
  }
  if (in_place) return reshaped(x, shape, op);
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  if (y.size() > 0) backend::kernels(x).strided_read(x, 0, moved, y);
  if (autograd::recording(x)) {
    std::vector<int> back(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) back[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
    autograd::attach(y, op, {x}, [back, op](Backward& g) { g.set(0, permuted(g.grad(), back, op)); });
  }
  return y;
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& newshape) {
  detail::require_defined(x, "reshape");
  Shape shape = newshape;
  std::int64_t known = 1, unknown = -1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1 && unknown < 0)
      unknown = static_cast<std::int64_t>(i);
    else if (shape[i] < 0)
      ops::fail("reshape: sizes must not be negative, but for one -1, got ", newshape);
    else if (__builtin_mul_overflow(known, shape[i], &known))
      ops::fail("reshape: ", newshape, " is too large");
  }
  const std::int64_t size = x.size();
  if (unknown >= 0 && known > 0) shape[static_cast<std::size_t>(unknown)] = size / known;
  if (unknown >= 0 ? known == 0 || size % known != 0 : known != size) {
    ops::fail("reshape: ", size, " elements of shape ", x.shape(), " do not fit into ", newshape);
  }
  return reshaped(x, shape, "reshape");
}

Tensor ravel(const Tensor& x) {
  detail::require_defined(x, "ravel");
  return reshaped(x, {x.size()}, "ravel");
}

Tensor expand_dims(const Tensor& x, int axis) {
  detail::require_defined(x, "expand_dims");
  Shape shape = x.shape();
  shape.insert(static_cast<std::size_t>(ops::normalized_axis(axis, x.rank() + 1, "expand_dims")), 1);
  return reshaped(x, shape, "expand_dims");
}

Tensor squeeze(const Tensor& x, const Axes& axis) {
  detail::require_defined(x, "squeeze");
  Shape shape;
  if (axis.all()) {
    for (const std::int64_t size : x.shape()) {
      if (size != 1) shape.push_back(size);
    }
    return reshaped(x, shape, "squeeze");
  }
  shape = x.shape();
  const std::vector<int> axes = axis.resolve(x.rank(), "squeeze");
  for (auto gone = axes.rbegin(); gone != axes.rend(); ++gone) {
    const auto i = static_cast<std::size_t>(*gone);
    if (shape[i] != 1) ops::fail("squeeze: axis ", *gone, " of ", x.shape(), " has size ", shape[i], ", not 1");
    shape.erase(i);
  }
  return reshaped(x, shape, "squeeze");
}

Tensor transpose(const Tensor& x, const std::vector<int>& axes) {
  detail::require_defined(x, "transpose");
  const auto rank = static_cast<std::size_t>(x.rank());
  std::vector<int> order(rank);
  if (axes.empty()) {
    std::iota(order.rbegin(), order.rend(), 0);
    return permuted(x, order, "transpose");
  }
  if (axes.size() != rank) {
    ops::fail("transpose: ", axes.size(), " axes were given for a tensor of shape ", x.shape());
  }
  std::vector<bool> seen(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    order[i] = ops::normalized_axis(axes[i], x.rank(), "transpose");
    if (seen[static_cast<std::size_t>(order[i])]) ops::fail("transpose: axis ", axes[i], " is given twice");
    seen[static_cast<std::size_t>(order[i])] = true;
  }
  return permuted(x, order, "transpose");
}

Tensor swapaxes(const Tensor& x, int axis1, int axis2) {
  detail::require_defined(x, "swapaxes");
  std::vector<int> order(static_cast<std::size_t>(x.rank()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<std::size_t>(ops::normalized_axis(axis1, x.rank(), "swapaxes"))],
            order[static_cast<std::size_t>(ops::normalized_axis(axis2, x.rank(), "swapaxes"))]);
  return permuted(x, order, "swapaxes");
}

Tensor moveaxis(const Tensor& x, int source, int destination) {
  detail::require_defined(x, "moveaxis");
  const int from = ops::normalized_axis(source, x.rank(), "moveaxis");
  const int to = ops::normalized_axis(destination, x.rank(), "moveaxis");
  std::vector<int> order(static_cast<std::size_t>(x.rank()));
  std::iota(order.begin(), order.end(), 0);
  order.erase(order.begin() + from);
  order.insert(order.begin() + to, from);
  return permuted(x, order, "moveaxis");
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  detail::require_defined(x, "broadcast_to");
  if (x.shape() == shape) return x;
  if (!ops::broadcasts_to(x.shape(), shape)) ops::fail("broadcast_to: ", x.shape(), " does not broadcast to ", shape);
  if (x.size() == shape.elements()) return reshaped(x, shape, "broadcast_to");
  const std::vector<std::int64_t> from = ops::row_major_strides(x.shape());
  std::vector<std::int64_t> strides(shape.size(), 0);
  const std::size_t shift = shape.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i) strides[shift + i] = x.shape()[i] == 1 ? 0 : from[i];
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  if (y.size() > 0) backend::kernels(x).strided_read(x, 0, strides, y);
  if (autograd::recording(x)) {
    autograd::attach(y, "broadcast_to", {x},
                     [from_shape = x.shape()](Backward& g) { g.set(0, ops::reduce_to(g.grad(), from_shape)); });
  }
  return y;
}

}  // namespace nyala
