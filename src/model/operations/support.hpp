#pragma once

#include <limits>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/ops.hpp>

#include "model/operation.hpp"

namespace nyala::detail {

inline constexpr double infinity = std::numeric_limits<double>::infinity();

template <Tensor (*function)(const Tensor&)>
Tensors unary(const OperationArguments& a) {
  return function(a.tensor(0));
}

template <Tensor (*function)(const Tensor&, const Tensor&)>
Tensors binary(const OperationArguments& a) {
  return function(a.tensor(0), a.tensor(1));
}

template <Tensor (*function)(const Tensor&, const Axes&, bool)>
Tensors reduction(const OperationArguments& a) {
  return function(a.tensor(0), a.axes(), a.flag("keepdims", false));
}

/// Two parts: what is before that place of the axis, and the rest.
inline std::vector<Tensor> cut_at(const Tensor& x, std::int64_t place, int axis) {
  return split(x, std::vector<std::int64_t>{place}, axis);
}

/// Of numbers of any kind; what is not whole is no class.
inline Tensor class_numbers(const Tensor& x) {
  if (!is_floating(x.dtype())) return x;
  return cast(where(equal(x, floor(x)), x, full_like(x, -1.0)), DType::int32);
}

/// Of the first axis' rows those of each segment; a row whose segment is none of `num_segments` counts nowhere.
template <Tensor (*function)(const Tensor&, const Tensor&, std::int64_t)>
Tensor in_segments(const Tensor& data, const OperationArguments& a) {
  const Tensor ids = a.tensor(1);
  const std::int64_t count = a.option("num_segments").as_integer();
  if (count < 0) throw Error("num_segments must not be negative, got " + std::to_string(count));
  const Tensor nowhere = logical_or(less(ids, 0), greater_equal(ids, Tensor(count)));
  const Tensor places = where(nowhere, Tensor(count), cast(ids, DType::int64));
  return cut_at(function(data, places, count + 1), count, 0).front();
}

inline std::optional<DType> dtype_option(const OperationArguments& a) {
  const Config& dtype = a.option("dtype");
  return dtype.is_null() ? std::optional<DType>() : dtype_from_name(dtype.as_string());
}

}  // namespace nyala::detail
