#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <nyala/tensor.hpp>

#include "backend/kernels.hpp"

// What the tests of the network kernels share: reproducible numbers, comparison, gradients by differences.

namespace nn_check {

using nyala::DType;
using nyala::Shape;
using nyala::Tensor;

/// Numbers in [-1, 1) that depend on the seed only.
inline std::vector<double> numbers(std::int64_t count, std::uint64_t seed) {
  std::vector<double> values;
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ull + 0x1234567;
  for (std::int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    values.push_back(static_cast<double>(state >> 11) / 4503599627370496.0 - 1.0);
  }
  return values;
}

inline Tensor from_doubles(const std::vector<double>& values, const Shape& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  for (std::int64_t i = 0; i < out.size(); ++i) {
    const double value = values[static_cast<std::size_t>(i)];
    if (dtype == DType::float64)
      out.data<double>()[i] = value;
    else
      out.data<float>()[i] = static_cast<float>(value);
  }
  return out;
}

inline Tensor random(const Shape& shape, std::uint64_t seed, DType dtype = DType::float64) {
  return from_doubles(numbers(shape.elements(), seed), shape, dtype);
}

inline Tensor zeros(const Shape& shape, DType dtype = DType::float64) {
  return from_doubles(std::vector<double>(static_cast<std::size_t>(shape.elements())), shape, dtype);
}

/// The largest difference, relative to the largest value (at least 1).
inline double difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.size() == b.size());
  const auto left = a.to_vector<double>(), right = b.to_vector<double>();
  double largest = 1.0, worst = 0.0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    largest = std::max(largest, std::abs(right[i]));
    const double off = std::abs(left[i] - right[i]);
    worst = std::isnan(off) ? std::numeric_limits<double>::infinity() : std::max(worst, off);
  }
  return worst / largest;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  const auto* left = static_cast<const unsigned char*>(a.raw_data());
  const auto* right = static_cast<const unsigned char*>(b.raw_data());
  return a.bytes() == b.bytes() && std::equal(left, left + a.bytes(), right);
}

inline double dot(const Tensor& a, const Tensor& b) {
  const auto left = a.to_vector<double>(), right = b.to_vector<double>();
  double sum = 0.0;
  for (std::size_t i = 0; i < left.size(); ++i) sum += left[i] * right[i];
  return sum;
}

/// Compares `gradient` of `loss` by x (float64) with central differences, at up to 60 places.
inline void check_gradient(const std::string& of, const std::function<double()>& loss, Tensor& x,
                           const Tensor& gradient) {
  REQUIRE(x.size() == gradient.size());
  const std::int64_t stride = std::max<std::int64_t>(1, x.size() / 60);
  for (std::int64_t i = 0; i < x.size(); i += stride) {
    double& value = x.data<double>()[i];
    const double kept = value, step = 1e-5;
    value = kept + step;
    const double above = loss();
    value = kept - step;
    const double below = loss();
    value = kept;
    const double expected = (above - below) / (2.0 * step), found = gradient.data<double>()[i];
    INFO(of << " at " << i << ": expected " << expected << ", found " << found);
    CHECK(std::abs(expected - found) <= 1e-6 * std::max(1.0, std::abs(expected)));
  }
}

}  // namespace nn_check
