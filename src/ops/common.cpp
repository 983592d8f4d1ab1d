#include "ops/common.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>
#include <vector>

#include <nyala/autograd.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "core/device_memory.hpp"
#include "core/dtype_lattice.hpp"

namespace nyala::ops {

void require_numbers(const Tensor& x, const char* op) {
  detail::require_defined(x, op);
  if (x.dtype() == DType::string) fail(op, ": takes numbers, got a tensor of strings of shape ", x.shape());
}

int normalized_axis(int axis, int rank, const char* op) {
  if (axis < -rank || axis >= rank) fail(op, ": there is no axis ", axis, " in a tensor of rank ", rank);
  return axis < 0 ? axis + rank : axis;
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op) {
  if (a == b) return a;
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  const std::size_t shift = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    std::int64_t& size = result[shift + i];
    if (size == shorter[i]) continue;
    if (size == 1)
      size = shorter[i];
    else if (shorter[i] != 1)
      fail(op, ": shapes do not broadcast: ", a, " and ", b);
  }
  return result;
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  if (from.size() > to.size()) return false;
  const std::size_t shift = to.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] != to[shift + i] && from[i] != 1) return false;
  }
  return true;
}

Tensor reduce_to(const Tensor& gradient, const Shape& shape) {
  const Shape& full = gradient.shape();
  if (full == shape) return gradient;
  const std::size_t shift = full.size() - shape.size();
  std::vector<int> axes;
  for (std::size_t i = 0; i < full.size(); ++i) {
    if (i < shift || (shape[i - shift] == 1 && full[i] != 1)) axes.push_back(static_cast<int>(i));
  }
  const Tensor reduced = sum(gradient, axes);
  return reduced.shape() == shape ? reduced : reshape(reduced, shape);
}

Shape keepdims_shape(const Shape& shape, std::span<const int> axes) {
  Shape kept = shape;
  for (const int axis : axes) kept[static_cast<std::size_t>(axis)] = 1;
  return kept;
}

DType promoted_dtype(const Tensor& a, const Tensor& b) {
  return detail::result_type(a.dtype(), a.weak(), b.dtype(), b.weak());
}

DType promoted_dtype(const std::vector<Tensor>& tensors) {
  detail::Promotion promotion;
  for (const Tensor& tensor : tensors) promotion.include(tensor.dtype(), tensor.weak());
  return promotion.result();
}

DType sum_dtype(DType dtype) {
  switch (dtype) {
    case DType::boolean:
    case DType::int8:
    case DType::int16: return DType::int32;
    case DType::uint8:
    case DType::uint16: return DType::uint32;
    default: return dtype;
  }
}

namespace {

/// The range of an integer dtype in double precision (its upper end is exclusive).
bool fits(double value, DType dtype) {
  const auto bits = static_cast<int>(8 * size_of(dtype));
  const bool is_signed = dtype >= DType::int8;
  const double low = is_signed ? -std::ldexp(1.0, bits - 1) : 0.0;
  return value >= low && value < std::ldexp(1.0, is_signed ? bits - 1 : bits);
}

Tensor number(const Tensor& weak, DType dtype, const Device& device, const char* op) {
  const double value = weak.impl()->weak_value;
  Tensor result = Tensor::empty({}, dtype, device);
  if (is_integer(dtype) && is_integer(weak.dtype())) {
    if (!fits(value, dtype)) fail(op, ": the number ", weak.item<std::int64_t>(), " does not fit into ", dtype);
    backend::kernels(result).fill_integer(result, weak.item<std::int64_t>());
  } else {
    backend::kernels(result).fill(result, value);
  }
  return result;
}

}  // namespace

Tensor as_dtype(const Tensor& x, DType dtype, const Tensor& beside, const char* op) {
  if (x.weak() && x.rank() == 0 && !autograd::tracked(x)) {
    const Device device = beside.device();
    return x.dtype() == dtype && x.device() == device ? x : number(x, dtype, device, op);
  }
  return x.dtype() == dtype ? x : cast(x, dtype);
}

Tensor within(const Tensor& indices, std::int64_t size, const std::string& message) {
  StopRecording stop;
  if (size <= 0 && indices.size() > 0) throw Error(message + std::to_string(size));
  if (size > std::numeric_limits<std::int32_t>::max() && indices.dtype() == DType::int32) {
    return within(cast(indices, DType::int64), size, message);
  }
  const Tensor inside = all(logical_and(indices >= 0, indices < size));
  detail::device_memory(indices.device())
      .require_later(inside.raw_data(), detail::LatePlace::current() + message + std::to_string(size) +
                                            " (found on device \"" + indices.device().name() +
                                            "\" after the operation)");
  return clip(indices, 0, std::max<std::int64_t>(size - 1, 0));
}

Tensor scalar_like(const Tensor& x, double value) { return filled({}, x.dtype(), x.device(), value); }

Tensor filled(const Shape& shape, DType dtype, const Device& device, double value) {
  Tensor result = Tensor::empty(shape, dtype, device);
  backend::kernels(result).fill(result, value);
  return result;
}

Operands::Operands(const Tensor& x1, const Tensor& x2, const char* op) : a_(&x1), b_(&x2) {
  require_numbers(x1, op);
  require_numbers(x2, op);
  if (x1.dtype() != x2.dtype() || x1.weak() || x2.weak()) promote(promoted_dtype(x1, x2), op);
  shape_ = broadcast_shapes(x1.shape(), x2.shape(), op);
}

Operands::Operands(const Tensor& x1, const Tensor& x2, const char* op, Floating) : a_(&x1), b_(&x2) {
  require_numbers(x1, op);
  require_numbers(x2, op);
  const bool agree = x1.dtype() == x2.dtype() && is_floating(x1.dtype()) && !x1.weak() && !x2.weak();
  if (!agree) promote(floating(promoted_dtype(x1, x2)), op);
  shape_ = broadcast_shapes(x1.shape(), x2.shape(), op);
}

Operands::Operands(const Tensor& x1, const Tensor& x2, const char* op, DType dtype) : a_(&x1), b_(&x2) {
  require_numbers(x1, op);
  require_numbers(x2, op);
  promote(dtype, op);
  shape_ = broadcast_shapes(x1.shape(), x2.shape(), op);
}

void Operands::promote(DType dtype, const char* op) {
  if (a_->dtype() != dtype || a_->weak()) {
    held_a_ = as_dtype(*a_, dtype, *b_, op);
    a_ = &held_a_;
  }
  if (b_->dtype() != dtype || b_->weak()) {
    held_b_ = as_dtype(*b_, dtype, *a_, op);
    b_ = &held_b_;
  }
}

std::vector<std::int64_t> row_major_strides(const Shape& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::uint64_t stride = 1;  // beside an axis of 0 the others may be of any length
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = static_cast<std::int64_t>(stride);
    stride *= static_cast<std::uint64_t>(shape[i]);
  }
  return strides;
}

namespace {

/// Whether the elements follow one another in memory; an empty shape does so anywhere.
bool in_row(std::span<const std::int64_t> strides, const Shape& shape) {
  std::int64_t expected = 1;
  bool contiguous = true;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 0) return true;
    contiguous = contiguous && (shape[i] == 1 || strides[i] == expected);
    expected *= shape[i];
  }
  return contiguous;
}

/// Whether no two elements of that shape are at the same place.
bool lie_apart(std::span<const std::int64_t> strides, const Shape& shape) {
  std::vector<std::pair<std::int64_t, std::int64_t>> axes;  // stride and size
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] > 1) axes.emplace_back(std::abs(strides[i]), shape[i]);
  std::sort(axes.begin(), axes.end());
  std::int64_t reach = 0;
  for (const auto& [stride, size] : axes) {
    if (stride <= reach) return false;
    reach += stride * (size - 1);
  }
  return true;
}

}  // namespace

Tensor strided(const Tensor& x, std::int64_t offset, std::span<const std::int64_t> strides, const Shape& shape,
               const char* op) {
  Tensor y;
  if (in_row(strides, shape)) {
    y = detail::view(x, offset, shape);
    y.impl()->weak = false;
  } else {
    y = Tensor::empty(shape, x.dtype(), x.device());
    backend::kernels(x).strided_read(x, offset, strides, y);
  }
  if (autograd::recording(x)) {
    autograd::attach(y, op, {x},
                     [offset, strides = std::vector(strides.begin(), strides.end()), from = x.shape(),
                      op](autograd::Backward& g) { g.set(0, strided_scatter(g.grad(), offset, strides, from, op)); });
  }
  return y;
}

Tensor strided_scatter(const Tensor& values, std::int64_t offset, std::span<const std::int64_t> strides,
                       const Shape& shape, const char* op) {
  const bool apart = lie_apart(strides, values.shape());
  const bool covers = apart && values.size() == shape.elements();
  Tensor y = covers ? Tensor::empty(shape, values.dtype(), values.device()) : zeros_for(values, shape);
  if (values.size() > 0) backend::kernels(values).strided_write(values, y, offset, strides, !apart);
  if (autograd::recording(values)) {
    autograd::attach(y, op, {values},
                     [offset, strides = std::vector(strides.begin(), strides.end()), from = values.shape(),
                      op](autograd::Backward& g) { g.set(0, strided(g.grad(), offset, strides, from, op)); });
  }
  return y;
}

}  // namespace nyala::ops
