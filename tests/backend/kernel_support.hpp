#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/tensor.hpp>

#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::test {

inline constexpr double NaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double inf = std::numeric_limits<double>::infinity();

/// Numbers as a tensor of a dtype, by the reference kernels alone.
inline Tensor numbers(const std::vector<double>& values, DType dtype, Shape shape = {}) {
  if (shape.empty()) shape = {static_cast<std::int64_t>(values.size())};
  Tensor wide = Tensor::empty(shape, DType::float64), out = Tensor::empty(shape, dtype);
  for (std::size_t i = 0; i < values.size(); ++i) wide.data<double>()[i] = values[i];
  backend::ReferenceKernels().cast(wide, out);
  return out;
}

inline std::vector<double> values(const Tensor& x) {
  Tensor wide = Tensor::empty(x.shape(), DType::float64);
  backend::ReferenceKernels().cast(x, wide);
  return {wide.data<double>(), wide.data<double>() + wide.size()};
}

/// The largest error relative to 1 + |expected|; infinite where one is NaN and the other is not.
inline double worst(const std::vector<double>& got, const std::vector<double>& expected) {
  if (got.size() != expected.size()) return inf;
  double error = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) && std::isnan(expected[i])) continue;
    if (got[i] == expected[i]) continue;
    const double difference = std::abs(got[i] - expected[i]) / (1 + std::abs(expected[i]));
    error = std::isnan(difference) ? inf : std::max(error, difference);
  }
  return error;
}

}  // namespace nyala::test
