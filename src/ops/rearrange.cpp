#include <algorithm>
#include <numeric>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/common.hpp"

namespace nyala {

Tensor tile(const Tensor& x, const std::vector<std::int64_t>& repeats) {
  detail::require_defined(x, "tile");
  for (const std::int64_t times : repeats) {
    if (times < 0) ops::fail("tile: repeats must not be negative, got ", times);
  }
  Shape sizes = x.shape(), result;
  std::vector<std::int64_t> times = repeats;
  while (sizes.size() < times.size()) sizes.insert(0, 1);
  times.insert(times.begin(), sizes.size() - times.size(), 1);
  // One axis at a time, innermost first, so that no intermediate has more than one axis more than the blocks need.
  Tensor y = reshape(x, sizes);
  for (std::size_t i = sizes.size(); i-- > 0;) {
    if (times[i] == 1) continue;
    std::int64_t outer = 1, inner = 1;
    for (std::size_t k = 0; k < i; ++k) outer *= sizes[k];
    for (std::size_t k = i; k < sizes.size(); ++k) inner *= y.shape()[k];
    result = y.shape();
    result[i] *= times[i];
    y = reshape(broadcast_to(reshape(y, {outer, 1, inner}), {outer, times[i], inner}), result);
  }
  return y;
}

Tensor repeat(const Tensor& x, std::int64_t repeats, std::optional<int> axis) {
  detail::require_defined(x, "repeat");
  if (repeats < 0) ops::fail("repeat: repeats must not be negative, got ", repeats);
  if (!axis) return repeat(ravel(x), repeats, 0);
  const auto along = static_cast<std::size_t>(ops::normalized_axis(*axis, x.rank(), "repeat"));
  std::int64_t outer = 1, inner = 1;
  for (std::size_t k = 0; k <= along; ++k) outer *= x.shape()[k];
  for (std::size_t k = along + 1; k < x.shape().size(); ++k) inner *= x.shape()[k];
  Shape result = x.shape();
  result[along] *= repeats;
  return reshape(broadcast_to(reshape(x, {outer, 1, inner}), {outer, repeats, inner}), result);
}

namespace {

Tensor flipped(const Tensor& x, const std::vector<int>& axes) {
  std::vector<std::int64_t> strides = ops::row_major_strides(x.shape());
  std::int64_t offset = 0;
  for (const int axis : axes) {
    const auto i = static_cast<std::size_t>(axis);
    offset += (x.shape()[i] - 1) * strides[i];
    strides[i] = -strides[i];
  }
  Tensor y = ops::empty_like(x);
  if (x.size() > 0) backend::kernels(x).strided_read(x, offset, strides, y);
  if (autograd::recording(x)) {
    autograd::attach(y, "flip", {x}, [axes](autograd::Backward& g) { g.set(0, flipped(g.grad(), axes)); });
  }
  return y;
}

}  // namespace

Tensor flip(const Tensor& x, const Axes& axis) {
  detail::require_defined(x, "flip");
  return flipped(x, axis.resolve(x.rank(), "flip"));
}

Tensor roll(const Tensor& x, std::int64_t shift, std::optional<int> axis) {
  detail::require_defined(x, "roll");
  if (!axis) return reshape(roll(ravel(x), shift, 0), x.shape());
  const int along = ops::normalized_axis(*axis, x.rank(), "roll");
  const std::int64_t size = x.shape().at(along);
  const std::int64_t moved = size == 0 ? 0 : (shift % size + size) % size;
  if (moved == 0) return x;
  const std::vector<Tensor> parts = split(x, std::vector<std::int64_t>{size - moved}, along);
  return concatenate({parts[1], parts[0]}, along);
}

Tensor diag(const Tensor& x, int k) {
  ops::require_numbers(x, "diag");
  if (x.rank() == 2) return diagonal(x, k);
  if (x.rank() != 1) ops::fail("diag: takes a vector or a matrix, got shape ", x.shape());
  const std::int64_t n = x.size() + std::abs(k);
  const std::int64_t offset = k >= 0 ? k : -static_cast<std::int64_t>(k) * n;
  return ops::strided_scatter(x, offset, std::vector<std::int64_t>{n + 1}, {n, n}, "diag");
}

Tensor diagonal(const Tensor& x, int offset, int axis1, int axis2) {
  detail::require_defined(x, "diagonal");
  if (x.rank() < 2) ops::fail("diagonal: needs at least two axes, got shape ", x.shape());
  const auto rows = static_cast<std::size_t>(ops::normalized_axis(axis1, x.rank(), "diagonal"));
  const auto columns = static_cast<std::size_t>(ops::normalized_axis(axis2, x.rank(), "diagonal"));
  if (rows == columns) ops::fail("diagonal: the two axes must differ, got ", axis1, " and ", axis2);
  const std::vector<std::int64_t> from = ops::row_major_strides(x.shape());
  const std::int64_t down = offset < 0 ? -static_cast<std::int64_t>(offset) : 0, right = offset > 0 ? offset : 0;
  const std::int64_t length = std::max<std::int64_t>(0, std::min(x.shape()[rows] - down, x.shape()[columns] - right));
  Shape shape;
  std::vector<std::int64_t> strides;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (i == rows || i == columns) continue;
    shape.push_back(x.shape()[i]);
    strides.push_back(from[i]);
  }
  shape.push_back(length);
  strides.push_back(from[rows] + from[columns]);
  const std::int64_t first = length == 0 ? 0 : down * from[rows] + right * from[columns];
  return ops::strided(x, first, strides, shape, "diagonal");
}

namespace {

Tensor triangle(const Tensor& x, int k, bool lower, const char* op) {
  ops::require_numbers(x, op);
  if (x.rank() < 2) ops::fail(op, ": needs at least two axes, got shape ", x.shape());
  const Tensor below = tri(x.shape().at(-2), x.shape().at(-1), lower ? k : k - 1, DType::boolean).to(x.device());
  return lower ? where(below, x, zeros_like(x)) : where(below, zeros_like(x), x);
}

}  // namespace

Tensor tril(const Tensor& x, int k) { return triangle(x, k, true, "tril"); }
Tensor triu(const Tensor& x, int k) { return triangle(x, k, false, "triu"); }

}  // namespace nyala
