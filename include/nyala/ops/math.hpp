#pragma once

#include <nyala/tensor.hpp>

namespace nyala {

// Elementwise operations. https://keras.io/api/ops/numpy/
// Two operands broadcast as in NumPy and are promoted as in Keras (bare numbers give way). Shapes that do not
// broadcast end in an Error naming both. Unary functions of integers compute in floatx where Keras does.

Tensor add(const Tensor& x1, const Tensor& x2);
Tensor subtract(const Tensor& x1, const Tensor& x2);
Tensor multiply(const Tensor& x1, const Tensor& x2);
/// Always in floating point.
Tensor divide(const Tensor& x1, const Tensor& x2);
Tensor divide_no_nan(const Tensor& x1, const Tensor& x2);
Tensor floor_divide(const Tensor& x1, const Tensor& x2);
/// Python's remainder: the sign of the divisor.
Tensor mod(const Tensor& x1, const Tensor& x2);
Tensor power(const Tensor& x1, const Tensor& x2);
/// NaN wins. Equal operands share the gradient evenly, as in JAX.
Tensor maximum(const Tensor& x1, const Tensor& x2);
Tensor minimum(const Tensor& x1, const Tensor& x2);
Tensor arctan2(const Tensor& x1, const Tensor& x2);
Tensor hypot(const Tensor& x1, const Tensor& x2);
Tensor logaddexp(const Tensor& x1, const Tensor& x2);
Tensor squared_difference(const Tensor& x1, const Tensor& x2);

Tensor equal(const Tensor& x1, const Tensor& x2);
Tensor not_equal(const Tensor& x1, const Tensor& x2);
Tensor less(const Tensor& x1, const Tensor& x2);
Tensor less_equal(const Tensor& x1, const Tensor& x2);
Tensor greater(const Tensor& x1, const Tensor& x2);
Tensor greater_equal(const Tensor& x1, const Tensor& x2);
Tensor logical_and(const Tensor& x1, const Tensor& x2);
Tensor logical_or(const Tensor& x1, const Tensor& x2);
Tensor logical_xor(const Tensor& x1, const Tensor& x2);
Tensor logical_not(const Tensor& x);
Tensor isclose(const Tensor& x1, const Tensor& x2, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false);

Tensor negative(const Tensor& x);
Tensor abs(const Tensor& x);
Tensor sign(const Tensor& x);
Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor reciprocal(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor exp2(const Tensor& x);
Tensor expm1(const Tensor& x);
Tensor log(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
Tensor erf(const Tensor& x);
Tensor erfinv(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
Tensor arcsin(const Tensor& x);
Tensor arccos(const Tensor& x);
Tensor arctan(const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor arcsinh(const Tensor& x);
Tensor arccosh(const Tensor& x);
Tensor arctanh(const Tensor& x);
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor trunc(const Tensor& x);
/// Half to even. `decimals` as in NumPy.
Tensor round(const Tensor& x, int decimals = 0);
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);
/// Gradient 1 inside [x_min, x_max] and 0 outside.
Tensor clip(const Tensor& x, const Tensor& x_min, const Tensor& x_max);
Tensor nan_to_num(const Tensor& x, double nan = 0.0);
/// x1 where condition holds, else x2.
Tensor where(const Tensor& condition, const Tensor& x1, const Tensor& x2);
Tensor cast(const Tensor& x, DType dtype);
/// x, through which no gradient flows.
Tensor stop_gradient(const Tensor& x);

Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& a, const Tensor& b);
Tensor operator%(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a);
Tensor operator==(const Tensor& a, const Tensor& b);
Tensor operator!=(const Tensor& a, const Tensor& b);
Tensor operator<(const Tensor& a, const Tensor& b);
Tensor operator<=(const Tensor& a, const Tensor& b);
Tensor operator>(const Tensor& a, const Tensor& b);
Tensor operator>=(const Tensor& a, const Tensor& b);
Tensor operator&&(const Tensor& a, const Tensor& b);
Tensor operator||(const Tensor& a, const Tensor& b);
Tensor operator!(const Tensor& a);
inline Tensor& operator+=(Tensor& a, const Tensor& b) { return a = a + b; }
inline Tensor& operator-=(Tensor& a, const Tensor& b) { return a = a - b; }
inline Tensor& operator*=(Tensor& a, const Tensor& b) { return a = a * b; }
inline Tensor& operator/=(Tensor& a, const Tensor& b) { return a = a / b; }

// xtensor's own operators take anything beside an array, so `array * tensor` would silently be an xtensor expression
// with the Tensor as its scalar. These have the same parameters and a constraint, so they win.
template <class T>
concept ArrayOperand = XtensorExpression<std::remove_cvref_t<T>>;
template <class T>
concept TensorOperand = std::is_class_v<std::remove_cvref_t<T>> && std::convertible_to<T, Tensor> && !ArrayOperand<T>;
template <class A, class B>
concept MixedOperands = (ArrayOperand<A> && TensorOperand<B>) || (TensorOperand<A> && ArrayOperand<B>);
template <class A, class B>
  requires MixedOperands<A, B>
Tensor operator+(A&& a, B&& b) {
  return add(Tensor(a), Tensor(b));
}
template <class A, class B>
  requires MixedOperands<A, B>
Tensor operator-(A&& a, B&& b) {
  return subtract(Tensor(a), Tensor(b));
}
template <class A, class B>
  requires MixedOperands<A, B>
Tensor operator*(A&& a, B&& b) {
  return multiply(Tensor(a), Tensor(b));
}
template <class A, class B>
  requires MixedOperands<A, B>
Tensor operator/(A&& a, B&& b) {
  return divide(Tensor(a), Tensor(b));
}

}  // namespace nyala
