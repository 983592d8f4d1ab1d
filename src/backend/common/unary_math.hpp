#pragma once

#include <cmath>

#include "backend/common/scalar_math.hpp"
#include "backend/kernels.hpp"

// The elementwise functions as one function of operation and element: for devices, where a table of functions would be
// slower than a branch that all threads take alike.

namespace nyala::backend::scalar {

/// Whether unary_value knows the operation for integers; floating numbers have all but the bitwise and logical ones.
constexpr bool unary_of_integers(Unary op) {
  switch (op) {
    case Unary::negative:
    case Unary::abs:
    case Unary::sign:
    case Unary::square:
    case Unary::floor:
    case Unary::ceil:
    case Unary::trunc:
    case Unary::round:
    case Unary::relu:
    case Unary::relu6:
    case Unary::bitwise_not: return true;
    default: return false;
  }
}

template <std::integral T>
constexpr T unary_value(Unary op, T x, T) {
  if constexpr (std::same_as<T, bool>) {
    return op == Unary::bitwise_not ? !x : x;
  } else {
    switch (op) {
      case Unary::negative: return subtract(T(0), x);
      case Unary::abs: return x < T(0) ? subtract(T(0), x) : x;
      case Unary::sign: return sign(x);
      case Unary::square: return multiply(x, x);
      case Unary::relu: return x < T(0) ? T(0) : x;
      case Unary::relu6: return x < T(0) ? T(0) : x > T(6) ? T(6) : x;
      case Unary::bitwise_not: return static_cast<T>(~x);
      default: return x;
    }
  }
}

template <std::floating_point T>
constexpr T unary_value(Unary op, T x, T a) {
  switch (op) {
    case Unary::negative: return -x;
    case Unary::abs: return std::abs(x);
    case Unary::sign: return sign(x);
    case Unary::square: return x * x;
    case Unary::sqrt: return std::sqrt(x);
    case Unary::rsqrt: return 1 / std::sqrt(x);
    case Unary::reciprocal: return 1 / x;
    case Unary::exp: return std::exp(x);
    case Unary::exp2: return std::exp2(x);
    case Unary::expm1: return std::expm1(x);
    case Unary::log: return std::log(x);
    case Unary::log1p: return std::log1p(x);
    case Unary::log2: return std::log2(x);
    case Unary::log10: return std::log10(x);
    case Unary::erf: return std::erf(x);
    case Unary::erfinv: return erfinv(x);
    case Unary::sin: return std::sin(x);
    case Unary::cos: return std::cos(x);
    case Unary::tan: return std::tan(x);
    case Unary::arcsin: return std::asin(x);
    case Unary::arccos: return std::acos(x);
    case Unary::arctan: return std::atan(x);
    case Unary::sinh: return std::sinh(x);
    case Unary::cosh: return std::cosh(x);
    case Unary::tanh: return std::tanh(x);
    case Unary::arcsinh: return std::asinh(x);
    case Unary::arccosh: return std::acosh(x);
    case Unary::arctanh: return std::atanh(x);
    case Unary::floor: return std::floor(x);
    case Unary::ceil: return std::ceil(x);
    case Unary::trunc: return std::trunc(x);
    case Unary::round: return round(x);
    case Unary::sigmoid: return sigmoid(x);
    case Unary::log_sigmoid: return -softplus(-x);
    case Unary::softplus: return softplus(x);
    case Unary::softsign: return x / (1 + std::abs(x));
    case Unary::relu: return x < 0 ? T(0) : x;
    case Unary::relu6: return x < 0 ? T(0) : x > 6 ? T(6) : x;
    case Unary::leaky_relu: return x < 0 ? a * x : x;
    case Unary::elu: return x > 0 ? x : a * std::expm1(x);
    case Unary::selu: return T(selu_scale) * (x > 0 ? x : T(selu_alpha) * std::expm1(x));
    case Unary::gelu: return gelu(x);
    case Unary::gelu_tanh: return gelu_tanh(x);
    case Unary::silu: return x * sigmoid(x);
    case Unary::hard_sigmoid: return hard_sigmoid(x);
    case Unary::hard_silu: return x * hard_sigmoid(x);
    case Unary::mish: return x * std::tanh(softplus(x));
    default: return x;
  }
}

/// Operations whose derivative is a function of the result alone.
constexpr bool derivative_needs_result(Unary op) {
  switch (op) {
    case Unary::sigmoid:
    case Unary::tanh:
    case Unary::relu:
    case Unary::relu6:
    case Unary::selu:
    case Unary::exp:
    case Unary::sqrt:
    case Unary::rsqrt:
    case Unary::reciprocal:
    case Unary::erfinv: return true;
    default: return false;
  }
}

template <std::floating_point T>
constexpr T derivative_of_result(Unary op, T y, T a) {
  switch (op) {
    case Unary::sigmoid: return y * (1 - y);
    case Unary::tanh: return 1 - y * y;
    case Unary::relu: return T(y > 0);
    case Unary::relu6: return T(y > 0 && y < 6);
    case Unary::leaky_relu: return std::signbit(y) ? a : T(1);
    case Unary::elu: return y > 0 ? T(1) : y + a;
    case Unary::selu: return y > 0 ? T(selu_scale) : y + T(selu_scale * selu_alpha);
    case Unary::exp: return y;
    case Unary::sqrt: return T(0.5) / y;
    case Unary::rsqrt: return T(-0.5) * y * y * y;
    case Unary::reciprocal: return -y * y;
    case Unary::erfinv: return std::exp(y * y) / (2 * std::numbers::inv_sqrtpi_v<T>);
    default: return T(0);
  }
}

template <std::floating_point T>
constexpr T gelu_derivative(T x) {
  return T(0.5) * std::erfc(-x * (std::numbers::sqrt2_v<T> / 2)) + x * normal_density(x);
}

template <std::floating_point T>
constexpr T gelu_tanh_derivative(T x) {
  const T t = std::tanh(gelu_tanh_argument(x));
  const T inner = std::numbers::sqrt2_v<T> * std::numbers::inv_sqrtpi_v<T> * (1 + T(3 * 0.044715) * x * x);
  return T(0.5) * (1 + t) + T(0.5) * x * (1 - t * t) * inner;
}

template <std::floating_point T>
constexpr T silu_derivative(T x) {
  const T s = sigmoid(x);
  return s * (1 + x * (1 - s));
}

template <std::floating_point T>
constexpr T mish_derivative(T x) {
  const T t = std::tanh(softplus(x));
  return t + x * (1 - t * t) * sigmoid(x);
}

/// For the operations that derivative_needs_result does not name.
template <std::floating_point T>
constexpr T derivative_of_argument(Unary op, T x, T a) {
  switch (op) {
    case Unary::negative: return T(-1);
    case Unary::abs: return sign(x);
    case Unary::square: return 2 * x;
    case Unary::exp2: return std::exp2(x) * std::numbers::ln2_v<T>;
    case Unary::expm1: return std::exp(x);
    case Unary::log: return 1 / x;
    case Unary::log1p: return 1 / (1 + x);
    case Unary::log2: return std::numbers::log2e_v<T> / x;
    case Unary::log10: return std::numbers::log10e_v<T> / x;
    case Unary::erf: return 2 * std::numbers::inv_sqrtpi_v<T> * std::exp(-x * x);
    case Unary::sin: return std::cos(x);
    case Unary::cos: return -std::sin(x);
    case Unary::tan: return 1 + std::tan(x) * std::tan(x);
    case Unary::arcsin: return 1 / std::sqrt((1 - x) * (1 + x));
    case Unary::arccos: return -1 / std::sqrt((1 - x) * (1 + x));
    case Unary::arctan: return 1 / (1 + x * x);
    case Unary::sinh: return std::cosh(x);
    case Unary::cosh: return std::sinh(x);
    case Unary::arcsinh: return 1 / std::hypot(x, T(1));
    case Unary::arccosh: return 1 / (std::sqrt(x - 1) * std::sqrt(x + 1));
    case Unary::arctanh: return 1 / ((1 - x) * (1 + x));
    case Unary::leaky_relu: return x < 0 ? a : T(1);
    case Unary::elu: return x > 0 ? T(1) : a * std::exp(x);
    case Unary::log_sigmoid: return sigmoid(-x);
    case Unary::softplus: return sigmoid(x);
    case Unary::softsign: return 1 / ((1 + std::abs(x)) * (1 + std::abs(x)));
    case Unary::gelu: return gelu_derivative(x);
    case Unary::gelu_tanh: return gelu_tanh_derivative(x);
    case Unary::silu: return silu_derivative(x);
    case Unary::hard_sigmoid: return std::abs(x) < 3 ? T(1) / 6 : T(0);
    case Unary::hard_silu: return x <= -3 ? T(0) : x >= 3 ? T(1) : (2 * x + 3) / 6;
    case Unary::mish: return mish_derivative(x);
    default: return T(0);
  }
}

}  // namespace nyala::backend::scalar
