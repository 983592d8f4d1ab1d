#include <algorithm>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/common.hpp"

namespace nyala {

namespace {

using autograd::Backward;

std::size_t at(int axis) { return static_cast<std::size_t>(axis); }

/// The tensors in one dtype; Error for none and for strings.
std::vector<Tensor> promoted(const std::vector<Tensor>& xs, const char* op) {
  if (xs.empty()) ops::fail(op, ": needs at least one tensor, got none");
  for (const Tensor& x : xs) ops::require_numbers(x, op);
  const DType dtype = ops::promoted_dtype(xs);
  std::vector<Tensor> result;
  result.reserve(xs.size());
  for (const Tensor& x : xs) result.push_back(ops::as_dtype(x, dtype, xs.front(), op));
  return result;
}

/// The pieces of x along an axis that begin at `starts` (ascending, the first 0), recorded as one operation.
std::vector<Tensor> pieces(const Tensor& x, const std::vector<std::int64_t>& sizes, int axis, const char* op) {
  const std::vector<std::int64_t> strides = ops::row_major_strides(x.shape());
  const Tensor from = stop_gradient(x);
  std::vector<Tensor> parts;
  parts.reserve(sizes.size());
  std::int64_t start = 0;
  for (const std::int64_t size : sizes) {
    Shape shape = x.shape();
    shape[at(axis)] = size;
    parts.push_back(ops::strided(from, size == 0 ? 0 : start * strides[at(axis)], strides, shape, op));
    start += size;
  }
  if (autograd::recording(x)) {
    std::vector<Shape> shapes;
    for (const Tensor& part : parts) shapes.push_back(part.shape());
    autograd::attach_all(parts, op, {x}, [shapes, axis, dtype = x.dtype(), device = x.device()](Backward& g) {
      std::vector<Tensor> gradients;
      for (std::size_t i = 0; i < shapes.size(); ++i) {
        gradients.push_back(g.grad(i).defined() ? g.grad(i) : ops::filled(shapes[i], dtype, device, 0.0));
      }
      g.set(0, concatenate(gradients, axis));
    });
  }
  return parts;
}

Tensor joined(const std::vector<Tensor>& xs, int axis, const Shape& shape, const char* op) {
  const std::vector<std::int64_t> strides = ops::row_major_strides(shape);
  Tensor y = Tensor::empty(shape, xs.front().dtype(), xs.front().device());
  std::vector<std::int64_t> sizes;
  std::int64_t start = 0;
  for (const Tensor& x : xs) {
    backend::require_same_device(xs.front(), x);
    if (x.size() > 0) backend::kernels(x).strided_write(x, y, start * strides[at(axis)], strides, false);
    sizes.push_back(x.shape()[at(axis)]);
    start += sizes.back();
  }
  if (autograd::recording(xs)) {
    autograd::attach(y, op, xs, [sizes, axis](Backward& g) {
      const std::vector<Tensor> parts = pieces(g.grad(), sizes, axis, "split");
      for (std::size_t i = 0; i < parts.size(); ++i) g.set(i, parts[i]);
    });
  }
  return y;
}

}  // namespace

Tensor concatenate(const std::vector<Tensor>& given, int axis) {
  const std::vector<Tensor> xs = promoted(given, "concatenate");
  Shape shape = xs.front().shape();
  if (shape.empty()) ops::fail("concatenate: scalars have no axis to be joined along; see stack");
  const int along = ops::normalized_axis(axis, shape.rank(), "concatenate");
  if (xs.size() == 1) return xs.front();
  shape[at(along)] = 0;
  for (const Tensor& x : xs) {
    Shape other = x.shape();
    const std::int64_t size = other.rank() == shape.rank() ? other[at(along)] : 0;
    if (other.rank() == shape.rank()) other[at(along)] = shape[at(along)];
    if (other != shape) {
      ops::fail("concatenate: shapes must agree but for axis ", along, ", got ", xs.front().shape(), " and ",
                x.shape());
    }
    shape[at(along)] += size;
  }
  return joined(xs, along, shape, "concatenate");
}

Tensor stack(const std::vector<Tensor>& given, int axis) {
  const std::vector<Tensor> xs = promoted(given, "stack");
  const Shape& one = xs.front().shape();
  const int along = ops::normalized_axis(axis, one.rank() + 1, "stack");
  std::vector<Tensor> layers;
  layers.reserve(xs.size());
  for (const Tensor& x : xs) {
    if (x.shape() != one) ops::fail("stack: shapes must agree, got ", one, " and ", x.shape());
    layers.push_back(expand_dims(x, along));
  }
  return concatenate(layers, along);
}

std::vector<Tensor> unstack(const Tensor& x, int axis) {
  ops::require_numbers(x, "unstack");
  const int along = ops::normalized_axis(axis, x.rank(), "unstack");
  const auto count = static_cast<std::size_t>(x.shape()[at(along)]);
  std::vector<Tensor> parts = pieces(x, std::vector<std::int64_t>(count, 1), along, "unstack");
  for (Tensor& part : parts) part = squeeze(part, along);
  return parts;
}

std::vector<Tensor> split(const Tensor& x, int sections, int axis) {
  ops::require_numbers(x, "split");
  const int along = ops::normalized_axis(axis, x.rank(), "split");
  const std::int64_t size = x.shape()[at(along)];
  if (sections <= 0 || size % sections != 0) {
    ops::fail("split: axis ", along, " of ", x.shape(), " does not divide into ", sections, " equal parts");
  }
  return pieces(x, std::vector<std::int64_t>(at(sections), size / sections), along, "split");
}

std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& indices, int axis) {
  ops::require_numbers(x, "split");
  const int along = ops::normalized_axis(axis, x.rank(), "split");
  const std::int64_t size = x.shape()[at(along)];
  std::vector<std::int64_t> sizes;
  std::int64_t start = 0;
  for (std::size_t i = 0; i <= indices.size(); ++i) {
    std::int64_t stop = i == indices.size() ? size : indices[i] < 0 ? indices[i] + size : indices[i];
    stop = std::clamp<std::int64_t>(stop, 0, size);
    if (stop < start) ops::fail("split: indices must ascend, got ", indices[i], " after ", start);
    sizes.push_back(stop - start);
    start = stop;
  }
  return pieces(x, sizes, along, "split");
}

}  // namespace nyala
