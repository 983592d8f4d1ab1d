#include <nyala/ops/creation.hpp>

#include <cmath>

#include <nyala/ops/math.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/common.hpp"

namespace nyala {

namespace {

Tensor constant(const Shape& shape, DType dtype, double value, const char* op) {
  if (!shape.known()) ops::fail(op, ": the shape must be known, got ", shape);
  if (dtype == DType::string) ops::fail(op, ": takes numbers, got dtype string");
  return ops::filled(shape, dtype, default_device(), value);
}

void require_count(std::int64_t num, const char* op) {
  if (num < 0) ops::fail(op, ": the number of elements must not be negative, got ", num);
}

/// Ones written along a stretch of an otherwise empty matrix.
Tensor diagonal_ones(std::int64_t rows, std::int64_t columns, int k, DType dtype) {
  Tensor y = constant({rows, columns}, dtype, 0.0, "eye");
  const std::int64_t down = k < 0 ? -static_cast<std::int64_t>(k) : 0, right = k > 0 ? k : 0;
  const std::int64_t length = std::min(rows - down, columns - right);
  if (length <= 0) return y;
  const Tensor line = constant({length}, dtype, 1.0, "eye");
  backend::kernels(y).strided_write(line, y, down * columns + right, std::vector<std::int64_t>{columns + 1}, false);
  return y;
}

std::int64_t width(std::int64_t rows, std::int64_t columns, const char* op) {
  const std::int64_t given = columns == None ? rows : columns;
  if (rows < 0 || given < 0) ops::fail(op, ": sizes must not be negative, got (", rows, ", ", given, ")");
  return given;
}

}  // namespace

Tensor zeros(const Shape& shape, DType dtype) { return constant(shape, dtype, 0.0, "zeros"); }
Tensor ones(const Shape& shape, DType dtype) { return constant(shape, dtype, 1.0, "ones"); }

Tensor full(const Shape& shape, const Tensor& fill_value) {
  ops::require_numbers(fill_value, "full");
  return full(shape, fill_value, fill_value.dtype());
}

Tensor full(const Shape& shape, const Tensor& fill_value, DType dtype) {
  ops::require_numbers(fill_value, "full");
  if (!shape.known()) ops::fail("full: the shape must be known, got ", shape);
  const Tensor value = ops::as_dtype(fill_value, dtype, fill_value, "full");
  if (fill_value.weak() && !is_integer(dtype)) return constant(shape, dtype, fill_value.item<double>(), "full");
  Tensor spread = broadcast_to(value, shape).to(default_device());
  // The result has storage of its own, so that it may be changed.
  if (spread.is(fill_value) && !autograd::tracked(fill_value)) spread = spread.clone();
  spread.impl()->weak = false;
  return spread;
}

Tensor zeros_like(const Tensor& x) {
  ops::require_numbers(x, "zeros_like");
  return ops::zeros_for(x, x.shape());
}

Tensor ones_like(const Tensor& x) {
  ops::require_numbers(x, "ones_like");
  return ops::filled(x.shape(), x.dtype(), x.device(), 1.0);
}

Tensor full_like(const Tensor& x, const Tensor& fill_value) {
  ops::require_numbers(x, "full_like");
  return full(x.shape(), fill_value, x.dtype()).to(x.device());
}

Tensor arange(double start, double stop, double step) {
  const auto whole = [](double value) { return value == std::trunc(value) && std::fabs(value) <= 2147483647.0; };
  return arange(start, stop, step, whole(start) && whole(stop) && whole(step) ? DType::int32 : floatx());
}

Tensor arange(double start, double stop, double step, DType dtype) {
  if (!std::isfinite(start) || !std::isfinite(stop) || !std::isfinite(step) || step == 0.0) {
    ops::fail("arange: start and stop must be finite and step not zero, got ", start, ", ", stop, ", ", step);
  }
  if (dtype == DType::string || dtype == DType::boolean) ops::fail("arange: takes a numeric dtype, got ", dtype);
  const double count = std::max(0.0, std::ceil((stop - start) / step));
  if (count > 9e15) ops::fail("arange: ", count, " elements are too many");
  Tensor y = Tensor::empty({static_cast<std::int64_t>(count)}, dtype);
  backend::kernels(y).arange(y, start, step);
  return y;
}

Tensor arange(std::int64_t stop) { return arange(0.0, static_cast<double>(stop), 1.0); }

Tensor linspace(double start, double stop, std::int64_t num, bool endpoint, DType dtype) {
  require_count(num, "linspace");
  const auto gaps = static_cast<double>(endpoint ? num - 1 : num);
  const double step = gaps > 0 ? (stop - start) / gaps : 0.0;
  Tensor y = Tensor::empty({num}, DType::float64);
  backend::kernels(y).arange(y, start, step);
  // n steps of rounded size need not arrive at the end.
  if (endpoint && num > 1) y = concatenate({y.rows(0, num - 1), full({1}, Tensor(stop), DType::float64)}, 0);
  return cast(is_floating(dtype) ? y : floor(y), dtype);
}

Tensor logspace(double start, double stop, std::int64_t num, bool endpoint, double base, DType dtype) {
  require_count(num, "logspace");
  return cast(power(base, linspace(start, stop, num, endpoint, DType::float64)), dtype);
}

Tensor eye(std::int64_t rows, std::int64_t columns, int k, DType dtype) {
  return diagonal_ones(rows, width(rows, columns, "eye"), k, dtype);
}

Tensor identity(std::int64_t n, DType dtype) { return diagonal_ones(n, width(n, n, "identity"), 0, dtype); }

Tensor tri(std::int64_t rows, std::int64_t columns, int k, DType dtype) {
  const std::int64_t across = width(rows, columns, "tri");
  const Tensor row = reshape(arange(0.0, static_cast<double>(rows), 1.0, DType::int64), {rows, 1});
  const Tensor column = arange(0.0, static_cast<double>(across), 1.0, DType::int64);
  return cast(row >= column - k, dtype);
}

Tensor one_hot(const Tensor& x, int num_classes, int axis, DType dtype) {
  ops::require_numbers(x, "one_hot");
  if (is_floating(x.dtype())) ops::fail("one_hot: takes integers, got ", x.dtype(), " of shape ", x.shape());
  if (num_classes < 0) ops::fail("one_hot: num_classes must not be negative, got ", num_classes);
  const auto at = static_cast<std::size_t>(ops::normalized_axis(axis, x.rank() + 1, "one_hot"));
  const bool narrow = x.dtype() == DType::int32 || size_of(x.dtype()) < 4;
  const Tensor classes = cast(x, narrow ? DType::int32 : DType::int64);
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < x.shape().size(); ++i) (i < at ? outer : inner) *= x.shape()[i];
  Shape shape = x.shape();
  shape.insert(at, num_classes);
  Tensor y = Tensor::empty(shape, dtype, x.device());
  backend::kernels(classes).one_hot(detail::alias(classes, {outer, inner}), outer, num_classes, inner, y);
  return y;
}

}  // namespace nyala
