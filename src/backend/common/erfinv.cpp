#include <cmath>
#include <limits>
#include <numbers>

#include "backend/common/scalar_math.hpp"

namespace nyala::backend::scalar {
namespace {

/// A few digits of erfinv for 0 <= y < 1, given the complement 1 - y (Winitzki).
double rough(double y, double complement) {
  constexpr double a = 0.147;
  const double log_term = std::log(complement * (1 + y));
  const double first = 2 / (std::numbers::pi * a) + log_term / 2;
  return std::sqrt(std::sqrt(first * first - log_term / a) - first);
}

}  // namespace

double erfinv(double y) {
  const double size = std::abs(y);
  if (!(size <= 1)) return std::numeric_limits<double>::quiet_NaN();
  if (size == 1) return std::copysign(std::numeric_limits<double>::infinity(), y);
  if (size < 1e-8) return y / (2 * std::numbers::inv_sqrtpi);
  const double complement = 1 - size;
  double x = rough(size, complement);
  for (int step = 0; step < 3; ++step) {
    const double error = size < 0.5 ? std::erf(x) - size : complement - std::erfc(x);
    const double newton = error / (2 * std::numbers::inv_sqrtpi * std::exp(-x * x));
    x -= newton / (1 + x * newton);
  }
  return std::copysign(x, y);
}

}  // namespace nyala::backend::scalar
