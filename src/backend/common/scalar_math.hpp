#pragma once

#include <cmath>
#include <concepts>
#include <limits>
#include <numbers>
#include <type_traits>

namespace nyala::backend::scalar {

// One element at a time, as NumPy and Keras define it, NaN and infinities included. All constexpr, so that nvcc
// compiles them for GPUs too.

inline constexpr double selu_alpha = 1.6732632423543772848170429916717;
inline constexpr double selu_scale = 1.0507009873554804934193349852946;

template <std::floating_point T>
constexpr T sigmoid(T x) {
  const T small = std::exp(-std::abs(x));
  return x >= 0 ? 1 / (1 + small) : small / (1 + small);
}

template <std::floating_point T>
constexpr T softplus(T x) {
  return (x > 0 ? x : T(0)) + std::log1p(std::exp(-std::abs(x)));
}

/// x Φ(x); erfc keeps the digits of the left tail that 1 + erf loses.
template <std::floating_point T>
constexpr T gelu(T x) {
  return x * T(0.5) * std::erfc(-x * (std::numbers::sqrt2_v<T> / 2));
}

/// dΦ/dx
template <std::floating_point T>
constexpr T normal_density(T x) {
  return std::exp(-x * x / 2) * (std::numbers::inv_sqrtpi_v<T> * std::numbers::sqrt2_v<T> / 2);
}

template <std::floating_point T>
constexpr T gelu_tanh_argument(T x) {
  return std::numbers::sqrt2_v<T> * std::numbers::inv_sqrtpi_v<T> * (x + T(0.044715) * x * x * x);
}

template <std::floating_point T>
constexpr T gelu_tanh(T x) {
  return T(0.5) * x * (1 + std::tanh(gelu_tanh_argument(x)));
}

template <std::floating_point T>
constexpr T hard_sigmoid(T x) {
  const T shifted = x + 3;
  return (shifted < 0 ? T(0) : shifted > 6 ? T(6) : shifted) / 6;
}

/// A few digits of erfinv for 0 <= y < 1, given the complement 1 - y (Winitzki).
template <std::same_as<double> T>
constexpr T rough_erfinv(T y, T complement) {
  constexpr T a = 0.147;
  const T log_term = std::log(complement * (1 + y));
  const T first = 2 / (std::numbers::pi * a) + log_term / 2;
  return std::sqrt(std::sqrt(first * first - log_term / a) - first);
}

/// The inverse error function: Winitzki's approximation, made exact by Halley's steps on erf or, in the tails, erfc.
template <std::same_as<double> T>
constexpr T erfinv_double(T y) {
  const T size = std::abs(y);
  if (!(size <= 1)) return std::numeric_limits<T>::quiet_NaN();
  if (size == 1) return std::copysign(std::numeric_limits<T>::infinity(), y);
  if (size < 1e-8) return y / (2 * std::numbers::inv_sqrtpi);
  const T complement = 1 - size;
  T x = rough_erfinv(size, complement);
  for (int step = 0; step < 3; ++step) {
    const T error = size < 0.5 ? std::erf(x) - size : complement - std::erfc(x);
    const T newton = error / (2 * std::numbers::inv_sqrtpi * std::exp(-x * x));
    x -= newton / (1 + x * newton);
  }
  return std::copysign(x, y);
}

template <std::floating_point T>
constexpr T erfinv(T y) {
  return static_cast<T>(erfinv_double(static_cast<double>(y)));
}

/// Sums, differences and products of integers wrap around, as in NumPy; those of bool are or, exclusive or, and.
template <class T>
constexpr T add(T a, T b) {
  if constexpr (std::floating_point<T>)
    return a + b;
  else if constexpr (std::same_as<T, bool>)
    return a || b;
  else
    return static_cast<T>(static_cast<unsigned long long>(a) + static_cast<unsigned long long>(b));
}
template <class T>
constexpr T subtract(T a, T b) {
  if constexpr (std::floating_point<T>)
    return a - b;
  else if constexpr (std::same_as<T, bool>)
    return a != b;
  else
    return static_cast<T>(static_cast<unsigned long long>(a) - static_cast<unsigned long long>(b));
}
template <class T>
constexpr T multiply(T a, T b) {
  if constexpr (std::floating_point<T>)
    return a * b;
  else if constexpr (std::same_as<T, bool>)
    return a && b;
  else
    return static_cast<T>(static_cast<unsigned long long>(a) * static_cast<unsigned long long>(b));
}

template <class T>
constexpr T sign(T x) {
  if (x != x) return x;
  return static_cast<T>((x > T(0)) - (x < T(0)));
}

/// Of floating numbers half to even, as NumPy.
template <std::floating_point T>
constexpr T round(T x) {
  return std::nearbyint(x);
}

template <class T>
constexpr T maximum(T a, T b) {
  return a != a || a > b ? a : b;
}
template <class T>
constexpr T minimum(T a, T b) {
  return a != a || a < b ? a : b;
}

/// The remainder with the divisor's sign; integers modulo 0 are 0.
template <class T>
constexpr T mod(T a, T b) {
  if constexpr (std::floating_point<T>) {
    const T remainder = std::fmod(a, b);
    if (remainder == 0) return std::copysign(T(0), b);
    return (remainder < 0) != (b < 0) ? remainder + b : remainder;
  } else if constexpr (std::is_signed_v<T>) {
    if (b == 0 || b == -1) return 0;
    const T remainder = static_cast<T>(a % b);
    return static_cast<T>(remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder);
  } else {
    return b == 0 ? T(0) : static_cast<T>(a % b);
  }
}

/// The quotient rounded down; integers divided by 0 are 0.
template <class T>
constexpr T floor_divide(T a, T b) {
  if constexpr (std::floating_point<T>) {
    if (b == 0) return a / b;
    const T remainder = std::fmod(a, b);
    const T quotient = (a - remainder) / b - T(remainder != 0 && (remainder < 0) != (b < 0));
    if (quotient == 0) return std::copysign(T(0), a / b);
    const T floored = std::floor(quotient);
    return quotient - floored > T(0.5) ? floored + 1 : floored;
  } else if constexpr (std::is_signed_v<T>) {
    if (b == 0) return 0;
    // The smallest integer divided by -1 overflows: it wraps around, as in NumPy.
    if (b == -1) return static_cast<T>(std::make_unsigned_t<T>(0) - static_cast<std::make_unsigned_t<T>>(a));
    return static_cast<T>(a / b - (a % b != 0 && (a < 0) != (b < 0)));
  } else {
    return b == 0 ? T(0) : static_cast<T>(a / b);
  }
}

/// Integers wrap around; a negative exponent leaves what rounds to an integer: 1, -1 or 0.
template <class T>
constexpr T power(T base, T exponent) {
  if constexpr (std::floating_point<T>) {
    return std::pow(base, exponent);
  } else {
    if constexpr (std::is_signed_v<T>) {
      if (exponent < 0) return base == 1 ? T(1) : base == -1 ? static_cast<T>(exponent % 2 == 0 ? 1 : -1) : T(0);
    }
    using Wide = unsigned long long;
    Wide result = 1, square = static_cast<Wide>(base);
    for (auto rest = static_cast<Wide>(exponent); rest != 0; rest >>= 1, square *= square) {
      if (rest & 1) result *= square;
    }
    return static_cast<T>(result);
  }
}

template <std::floating_point T>
constexpr T logaddexp(T a, T b) {
  if (a == b) return a + std::numbers::ln2_v<T>;
  const T difference = a - b;
  return difference > 0    ? a + std::log1p(std::exp(-difference))
         : difference <= 0 ? b + std::log1p(std::exp(difference))
                           : difference;
}

/// What the rules of step_rules.hpp compute with.
struct StepMath {
  template <std::floating_point T>
  static constexpr T sqrt(T x) {
    return std::sqrt(x);
  }
  template <std::floating_point T>
  static constexpr T abs(T x) {
    return std::abs(x);
  }
  template <std::floating_point T>
  static constexpr T maximum(T a, T b) {
    return scalar::maximum(a, b);
  }
  template <std::floating_point T>
  static constexpr T minimum(T a, T b) {
    return scalar::minimum(a, b);
  }
  template <std::floating_point T>
  static constexpr T sign(T x) {
    return scalar::sign(x);
  }
  template <std::floating_point T>
  static constexpr T power(T x, T by) {
    return std::pow(x, by);
  }
};

}  // namespace nyala::backend::scalar
