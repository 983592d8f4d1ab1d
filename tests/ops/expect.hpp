#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <nyala/error.hpp>
#include <nyala/ops.hpp>

namespace nyala::testing {

using Values = std::vector<double>;

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

inline Values values(const Tensor& x) { return x.to_vector<double>(); }

/// Whether x holds these numbers to a relative tolerance; NaN and infinities must be where they are expected.
inline bool near(const Tensor& x, const Values& expected, double tolerance = 1e-12) {
  const Values found = values(x);
  if (found.size() != expected.size()) return false;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (std::isnan(expected[i]) != std::isnan(found[i])) return false;
    if (std::isnan(expected[i]) || expected[i] == found[i]) continue;
    if (!(std::fabs(found[i] - expected[i]) <= tolerance * std::fmax(1.0, std::fabs(expected[i])))) return false;
  }
  return true;
}

inline Tensor doubles(const Values& numbers) { return tensor(numbers); }

}  // namespace nyala::testing
