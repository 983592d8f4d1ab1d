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

inline std::optional<DType> dtype_option(const OperationArguments& a) {
  const Config& dtype = a.option("dtype");
  return dtype.is_null() ? std::optional<DType>() : dtype_from_name(dtype.as_string());
}

}  // namespace nyala::detail
