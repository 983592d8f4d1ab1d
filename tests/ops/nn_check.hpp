#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <nyala/autograd.hpp>
#include <nyala/error.hpp>
#include <nyala/ops.hpp>

// What the tests of the network operations share: inputs that are the same in Python, and gradients by differences.

namespace nn {

using nyala::DType;
using nyala::Shape;
using nyala::Tensor;

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

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

/// The tape's gradients of sum(f(inputs) * weights) against central differences, for every element of every input.
inline void check_gradients(const Function& f, const std::vector<Tensor>& inputs, double tolerance = 1e-6) {
  std::vector<Tensor> sources;
  for (const Tensor& input : inputs) sources.push_back(input.clone());
  std::vector<Tensor> gradients;
  Tensor weights;
  {
    nyala::GradientTape tape;
    for (const Tensor& source : sources) tape.watch(source);
    const Tensor y = f(sources);
    REQUIRE(y.dtype() == DType::float64);
    weights = numbers(y.shape(), 0.3, 1.0, 0.2);
    gradients = tape.gradient(y, sources, weights);
  }
  const std::vector<double> scale = weights.to_vector<double>();
  const auto value = [&] {
    const std::vector<double> y = f(sources).to_vector<double>();
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * scale[i];
    return sum;
  };
  constexpr double step = 1e-5;
  for (std::size_t which = 0; which < sources.size(); ++which) {
    INFO("input ", which);
    REQUIRE(gradients[which].defined());
    REQUIRE(gradients[which].shape() == sources[which].shape());
    REQUIRE(gradients[which].dtype() == sources[which].dtype());
    const std::vector<double> got = gradients[which].to_vector<double>();
    double* elements = sources[which].data<double>();
    double worst = 0.0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double kept = elements[i];
      elements[i] = kept + step;
      const double above = value();
      elements[i] = kept - step;
      const double below = value();
      elements[i] = kept;
      const double wanted = (above - below) / (2.0 * step);
      const double error = std::abs(got[i] - wanted) / std::max(1.0, std::abs(wanted));
      if (!(error <= worst)) worst = error;
    }
    CHECK(worst <= tolerance);
  }
}

/// The same for the gradients themselves: derivatives of the second order.
inline void check_second_gradients(const Function& f, const std::vector<Tensor>& inputs, double tolerance = 1e-6) {
  check_gradients(
      [&](const std::vector<Tensor>& sources) {
        nyala::GradientTape tape;
        for (const Tensor& source : sources) tape.watch(source);
        const Tensor y = f(sources);
        const std::vector<Tensor> gradients = tape.gradient(y, sources, numbers(y.shape(), 0.3, 1.0, 0.2));
        Tensor sum;
        double phase = 1.0;
        for (const Tensor& gradient : gradients) {
          if (!gradient.defined()) continue;
          const Tensor term = nyala::sum(gradient * numbers(gradient.shape(), phase));
          sum = sum.defined() ? sum + term : term;
          phase += 0.7;
        }
        // What the gradients do not depend on has the derivative zero, not none.
        for (const Tensor& source : sources) sum = sum + 0.0 * nyala::sum(source);
        return sum;
      },
      inputs, tolerance);
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
