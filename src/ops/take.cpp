#include <algorithm>
#include <limits>
#include <numeric>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "autograd/row_gradient.hpp"
#include "ops/scatter.hpp"

namespace nyala {

namespace ops {

namespace {

template <class I>
std::pair<std::int64_t, std::int64_t> range_of(const Tensor& indices) {
  const I* first = indices.data<I>();
  const auto [low, high] = std::minmax_element(first, first + indices.size());
  return {*low, *high};
}

std::pair<std::int64_t, std::int64_t> range(const Tensor& indices) {
  return indices.dtype() == DType::int32 ? range_of<std::int32_t>(indices) : range_of<std::int64_t>(indices);
}

}  // namespace

Tensor integer_indices(const Tensor& indices, const char* op) {
  require_numbers(indices, op);
  const DType dtype = indices.dtype();
  if (!is_integer(dtype)) fail(op, ": indices must be integers, got ", dtype, " of shape ", indices.shape());
  if (dtype == DType::int32 || dtype == DType::int64) return indices;
  return cast(indices, dtype == DType::uint32 || dtype == DType::uint64 ? DType::int64 : DType::int32);
}

Tensor checked_indices(const Tensor& indices, std::int64_t size, const char* op) {
  const Tensor whole = integer_indices(indices, op);
  if (whole.size() == 0) return whole;
  if (whole.device().kind() != Device::Kind::cpu) {
    const Tensor counted = where(whole < 0, whole + size, whole);
    return within(counted, size, std::string(op) + ": an index is out of range for an axis of size ");
  }
  const auto [low, high] = range(whole);
  if (low < -size || high >= size) {
    fail(op, ": index ", low < -size ? low : high, " is out of range for an axis of size ", size);
  }
  return low < 0 ? where(whole < 0, whole + size, whole) : whole;
}

AxisBlocks::AxisBlocks(const Shape& shape, int axis) {
  for (int i = 0; i < shape.rank(); ++i) {
    std::int64_t& part = i < axis ? outer : i == axis ? size : inner;
    part *= shape[static_cast<std::size_t>(i)];
  }
}

/// The gradient of a variable (size, …) of which rows were taken, in the memory that is kept for it; null if none is.
Tensor gradient_by_rows(autograd::Backward& g, const Tensor& indices, std::int64_t size) {
  autograd::RowGradient* const kept = g.row_gradient(0);
  if (kept == nullptr || g.grad().size() == 0 || g.grad().device().kind() != Device::Kind::cpu) return {};
  Shape shape = g.grad().shape();
  for (int i = 0; i < indices.rank(); ++i) shape.erase(0);
  shape.insert(0, size);
  Tensor table = kept->place(shape, indices);
  if (!table.defined()) return table;
  const std::int64_t count = indices.size();
  const Tensor values = cast(g.grad(), DType::float32);
  Tensor flat = detail::alias(table, {size, table.size() / size});
  backend::kernels(values, indices)
      .scatter_add(detail::alias(indices, {count}), 0, detail::alias(values, {count, values.size() / count}), flat);
  return table;
}

Tensor taken(const Tensor& x, const Tensor& indices, int axis, const char* op) {
  const AxisBlocks blocks(x.shape(), axis);
  Shape shape(x.shape().begin(), x.shape().begin() + axis);
  for (const std::int64_t size : indices.shape()) shape.push_back(size);
  for (int i = axis + 1; i < x.rank(); ++i) shape.push_back(x.shape()[static_cast<std::size_t>(i)]);
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  if (y.size() > 0) {
    backend::Kernels& kernels = backend::kernels(x, indices);
    if (indices.rank() == 1) {
      kernels.gather(x, indices, axis, y);
    } else {
      Tensor flat = detail::alias(y, {blocks.outer, indices.size(), blocks.inner});
      kernels.gather(detail::alias(x, {blocks.outer, blocks.size, blocks.inner}),
                     detail::alias(indices, {indices.size()}), 1, flat);
    }
  }
  if (autograd::recording(x)) {
    autograd::attach(y, op, {x}, [indices, axis, op, size = blocks.size](autograd::Backward& g) {
      const Tensor rows = axis == 0 ? gradient_by_rows(g, indices, size) : Tensor();
      g.set(0, rows.defined() ? rows : added_rows(indices, g.grad(), axis, size, op));
    });
  }
  return y;
}

Tensor added_rows(const Tensor& indices, const Tensor& values, int axis, std::int64_t size, const char* op) {
  Shape shape = values.shape();
  for (int i = 0; i < indices.rank(); ++i) shape.erase(static_cast<std::size_t>(axis));
  shape.insert(static_cast<std::size_t>(axis), size);
  const AxisBlocks blocks(shape, axis);
  Tensor y = zeros_for(values, shape);
  if (values.size() > 0) {
    Tensor flat = detail::alias(y, {blocks.outer, blocks.size, blocks.inner});
    backend::kernels(values, indices)
        .scatter_add(detail::alias(indices, {indices.size()}), 1,
                     detail::alias(values, {blocks.outer, indices.size(), blocks.inner}), flat);
  }
  if (autograd::recording(values)) {
    autograd::attach(y, op, {values},
                     [indices, axis, op](autograd::Backward& g) { g.set(0, taken(g.grad(), indices, axis, op)); });
  }
  return y;
}

Tensor put_along_axis(const Tensor& indices, const Tensor& values, int axis, std::int64_t size) {
  Shape shape = values.shape();
  shape[static_cast<std::size_t>(axis)] = size;
  Tensor y = zeros_for(values, shape);
  if (values.size() > 0) backend::kernels(values, indices).put_along_axis_add(indices, axis, values, y);
  if (autograd::recording(values)) {
    autograd::attach(y, "put_along_axis", {values},
                     [indices, axis](autograd::Backward& g) { g.set(0, take_along_axis(g.grad(), indices, axis)); });
  }
  return y;
}

}  // namespace ops

namespace {

/// Strings are no storage that a kernel could copy.
Tensor rows_of_texts(const Tensor& x, const Tensor& indices) {
  std::vector<std::string> values;
  for (const auto row : indices.to_vector<std::int64_t>()) {
    for (std::string& text : x.rows(row, row + 1).to_strings()) values.push_back(std::move(text));
  }
  Shape shape = indices.shape();
  for (std::size_t i = 1; i < x.shape().size(); ++i) shape.push_back(x.shape()[i]);
  return tensor(values, shape);
}

Tensor take_for(const Tensor& x, const Tensor& indices, int axis, const char* op) {
  const int along = ops::normalized_axis(axis, x.rank(), op);
  if (x.dtype() == DType::string && along == 0) {
    return rows_of_texts(x, ops::checked_indices(indices, x.shape().at(0), op));
  }
  ops::require_numbers(x, op);
  return ops::taken(x, ops::checked_indices(indices, x.shape().at(along), op), along, op);
}

}  // namespace

Tensor take(const Tensor& x, const Tensor& indices, std::optional<int> axis) {
  detail::require_defined(x, "take");
  return axis ? take_for(x, indices, *axis, "take") : take_for(ravel(x), indices, 0, "take");
}

Tensor gather(const Tensor& x, const Tensor& indices, int axis) {
  detail::require_defined(x, "gather");
  detail::require_defined(indices, "gather");
  if (indices.size() > 0 && is_integer(indices.dtype())) {
    if (indices.device().kind() != Device::Kind::cpu)
      return take_for(
          x, ops::within(indices, std::numeric_limits<std::int32_t>::max(), "gather: an index is not in a range of "),
          axis, "gather");
    const auto lowest = min(indices).item<std::int64_t>();
    if (lowest < 0) ops::fail("gather: indices must not be negative, got ", lowest);
  }
  return take_for(x, indices, axis, "gather");
}

Tensor take_along_axis(const Tensor& x, const Tensor& indices, std::optional<int> axis) {
  ops::require_numbers(x, "take_along_axis");
  ops::require_numbers(indices, "take_along_axis");
  if (!axis) return take_along_axis(ravel(x), ravel(indices), 0);
  const int along = ops::normalized_axis(*axis, x.rank(), "take_along_axis");
  const auto at = static_cast<std::size_t>(along);
  if (indices.rank() != x.rank()) {
    ops::fail("take_along_axis: x and indices must have as many axes, got ", x.shape(), " and ", indices.shape());
  }
  Shape x_shape = x.shape(), shape = indices.shape();
  x_shape[at] = shape[at] = 1;
  const Shape common = ops::broadcast_shapes(x_shape, shape, "take_along_axis");
  x_shape = shape = common;
  x_shape[at] = x.shape()[at];
  shape[at] = indices.shape()[at];
  const Tensor places = broadcast_to(ops::checked_indices(indices, x.shape()[at], "take_along_axis"), shape);
  const Tensor from = broadcast_to(x, x_shape);
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  if (y.size() > 0) backend::kernels(from, places).take_along_axis(from, places, along, y);
  if (autograd::recording(from)) {
    autograd::attach(y, "take_along_axis", {from}, [places, along, size = x.shape()[at]](autograd::Backward& g) {
      g.set(0, ops::put_along_axis(places, g.grad(), along, size));
    });
  }
  return y;
}

}  // namespace nyala
