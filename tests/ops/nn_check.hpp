#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <nyala/autograd.hpp>
#include <nyala/error.hpp>
#include <nyala/ops.hpp>

#include "support/gradcheck.hpp"

// What the tests of the network operations share.

namespace nn {

using nyala::DType;
using nyala::Shape;
using nyala::Tensor;

using nyala::testing::Function;

/// Element i: sin(1.7 i + phase) * scale + offset. The script beside makes the same numbers for Keras.
inline Tensor numbers(const Shape& shape, double phase, double scale = 1.0, double offset = 0.0,
                      DType dtype = DType::float64) {
  std::vector<double> values;
  const std::int64_t count = shape.elements();
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(std::sin(1.7 * static_cast<double>(i) + phase) * scale + offset);
  }
  return nyala::cast(nyala::tensor(values, shape), dtype);
}

/// Distinct numbers in mixed order, at least 0.1 apart: safe for maxima, whose gradient jumps where two are equal.
inline Tensor distinct(const Shape& shape) {
  const std::int64_t count = shape.elements();
  std::vector<double> values;
  std::int64_t step = 7;
  while (count % step == 0) step += 4;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(0.1 * static_cast<double>((i * step) % count) - 1.03);
  return nyala::tensor(values, shape);
}

inline void check_close(const Tensor& got, const Tensor& wanted, double tolerance, const std::string& what = "") {
  INFO(what);
  REQUIRE(got.shape() == wanted.shape());
  const std::vector<double> a = got.to_vector<double>(), b = wanted.to_vector<double>();
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(a[i] - b[i]) / std::max(1.0, std::abs(b[i]));
    if (!(error <= worst)) worst = error;
  }
  CHECK(worst <= tolerance);
}

/// The tape's gradients against differences, for every element of every input.
inline void check_gradients(const Function& f, const std::vector<Tensor>& inputs, double tolerance = 1e-6) {
  CHECK(nyala::testing::gradcheck(f, inputs, tolerance) == "");
}

/// The same for derivatives of the second order.
inline void check_second_gradients(const Function& f, const std::vector<Tensor>& inputs, double tolerance = 1e-6) {
  CHECK(nyala::testing::gradgradcheck(f, inputs, tolerance) == "");
}

/// The message of the Error that calling f ends in; "" if it ends in none.
template <class F>
std::string refusal(F f) {
  try {
    f();
  } catch (const nyala::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace nn
