#pragma once

#include "backend/cpu/simd/vector.hpp"

// exp, log, tanh, erf and what follows from them, to within 3 units in the last place; infinities, NaN and subnormal
// numbers as the C library has them.

namespace nyala::backend::NYALA_SIMD_NAMESPACE {

inline constexpr float selu_scale = 1.05070099F, selu_product = 1.75809935F;
inline constexpr float ln2 = 0.693147181F, ln2_high = 0.693359375F, ln2_low = -2.12194440e-4F;

/// 2^n for -126 <= n <= 127
[[gnu::always_inline]] inline Floats power_of_two(Ints n) { return of_bits((n + 127) << 23); }

/// exp(r) - 1 for |r| <= ln(2) / 2: its Taylor series.
[[gnu::always_inline]] inline Floats expm1_small(Floats r) {
  Floats sum = splat(1.0F / 5040);
  sum = fma(sum, r, 1.0F / 720);
  sum = fma(sum, r, 1.0F / 120);
  sum = fma(sum, r, 1.0F / 24);
  sum = fma(sum, r, 1.0F / 6);
  sum = fma(sum, r, 0.5F);
  return fma(sum * r, r, r);
}

/// x = n ln(2) + r
struct Reduced {
  Ints n;
  Floats r;
};
[[gnu::always_inline]] inline Reduced reduce_by_ln2(Floats x) {
  const Floats n = round_even(x * 1.44269504F);
  Floats r = fma(n, splat(-ln2_high), x);
  r = fma(n, splat(-ln2_low), r);
  return {__builtin_convertvector(n, Ints), r};
}

[[gnu::always_inline]] inline Floats exp(Floats x) {
  x = select(x < -104.0F, splat(-104.0F), select(x > 89.0F, splat(89.0F), x));
  const Reduced by = reduce_by_ln2(x);
  // In two steps: 2^n itself leaves the range of float32 where the result does not.
  const Ints half = by.n >> 1;
  return (expm1_small(by.r) + 1.0F) * power_of_two(half) * power_of_two(by.n - half);
}

[[gnu::always_inline]] inline Floats expm1(Floats x) {
  const Floats inside = select(x < -20.0F, splat(-20.0F), select(x > 88.0F, splat(88.0F), x));
  const Reduced by = reduce_by_ln2(inside);
  const Floats scale = power_of_two(by.n);
  const Floats near = fma(scale, expm1_small(by.r), scale - 1.0F);
  return select(x > 88.0F, exp(x), near);
}

[[gnu::always_inline]] inline Floats log(Floats x) {
  const Ints subnormal = (x < 1.17549435e-38F) & (x > 0.0F);
  const Floats scaled = select(subnormal, x * 0x1p25F, x);
  const Ints raw = bits(scaled) - 0x3f3504f3;  // the bits of sqrt(1/2)
  const Floats exponent = __builtin_convertvector((raw >> 23) - (subnormal & 25), Floats);
  const Floats f = of_bits((raw & 0x7fffff) + 0x3f3504f3) - 1.0F;
  // log(1 + f) = 2 artanh(s) with s = f / (2 + f)
  const Floats s = f / (f + 2.0F), z = s * s, half_square = f * f * 0.5F;
  Floats series = splat(2.0F / 9);
  series = fma(series, z, 2.0F / 7);
  series = fma(series, z, 2.0F / 5);
  series = fma(series, z, 2.0F / 3) * z;
  const Floats tail = fma(s, half_square + series, exponent * ln2_low);
  const Floats result = exponent * ln2_high + (f - (half_square - tail));
  const Floats infinity = splat(__builtin_inff()), not_a_number = splat(__builtin_nanf(""));
  const Floats special = select(x == 0.0F, -infinity, select(x < 0.0F, not_a_number, x));
  return select((x > 0.0F) & (x < infinity), result, special);
}

[[gnu::always_inline]] inline Floats log1p(Floats x) {
  const Floats u = x + 1.0F;
  // What rounding took from 1 + x comes back in first order.
  const Floats lost = (x - (u - 1.0F)) / u;
  return log(u) + select((u > 0.0F) & (u < __builtin_inff()), lost, Floats{});
}

[[gnu::always_inline]] inline Floats tanh(Floats x) {
  const Floats size = abs(x);
  const Floats t = expm1(select(size > 10.0F, splat(10.0F), size) * 2.0F);
  return with_sign(select(x == x, t / (t + 2.0F), x), x);
}

[[gnu::always_inline]] inline Floats sigmoid(Floats x) {
  const Floats e = exp(-abs(x));
  return select(x < 0.0F, e, splat(1.0F)) / (e + 1.0F);
}

[[gnu::always_inline]] inline Floats softplus(Floats x) { return select(x < 0.0F, Floats{}, x) + log1p(exp(-abs(x))); }

/// exp(a²) erfc(a) for a >= 0: a polynomial in 1 / (1 + 0.4 a), fitted over [0, 10.2] with relative weights.
[[gnu::always_inline]] inline Floats scaled_erfc(Floats a) {
  const Floats t = splat(1.0F) / fma(a, splat(0.4F), 1.0F);
  Floats sum = splat(-0.0300430972F);
  sum = fma(sum, t, 0.200257361F);
  sum = fma(sum, t, -0.503612816F);
  sum = fma(sum, t, 0.553177059F);
  sum = fma(sum, t, -0.288572878F);
  sum = fma(sum, t, 0.274010777F);
  sum = fma(sum, t, 0.129117072F);
  sum = fma(sum, t, 0.215016156F);
  sum = fma(sum, t, 0.224943116F);
  return fma(sum, t, 0.225707233F) * t;
}

[[gnu::always_inline]] inline Floats erf(Floats x) {
  const Floats size = abs(x), square = x * x;
  Floats near = splat(7.84725926e-05F);
  near = fma(near, square, -0.000800818962F);
  near = fma(near, square, 0.00518809911F);
  near = fma(near, square, -0.0268536918F);
  near = fma(near, square, 0.112835824F);
  near = fma(near, square, -0.37612626F);
  near = fma(near, square, 1.12837911F) * x;
  const Floats inside = select(size > 6.0F, splat(6.0F), size);
  const Floats far = splat(1.0F) - exp(-inside * inside) * scaled_erfc(inside);
  return select(size < 1.0F, near, with_sign(far, x));
}

/// The normal distribution's Φ(x), with the digits of its tails.
[[gnu::always_inline]] inline Floats exact_distribution(Floats x) {
  const Floats a = abs(x) * 0.707106781F;
  const Floats inside = select(a > 10.2F, splat(10.2F), a);
  const Floats tail = exp(x * x * -0.5F) * scaled_erfc(inside) * 0.5F;
  return select(x < 0.0F, tail, splat(1.0F) - tail);
}

/// A polynomial of u by Horner's rule, the highest coefficient first.
template <class... Coefficients>
[[gnu::always_inline]] inline Floats polynomial(Floats u, float highest, Coefficients... others) {
  Floats sum = splat(highest);
  ((sum = fma(sum, u, others)), ...);
  return sum;
}

[[gnu::always_inline]] inline Floats within(Floats x, float size) {
  return select(x > size, splat(size), select(x < -size, splat(-size), x));
}

/// tanh to within 4e-7, at a third of the price: an odd quotient of polynomials, fitted over [-9, 9].
[[gnu::always_inline]] inline Floats quick_tanh(Floats x) {
  const Floats inside = within(x, 9.0F), u = inside * inside;
  const Floats above =
      polynomial(u, -1.20828187e-11F, 3.04005886e-08F, 2.79232265e-05F, 0.00386392575F, 0.136763407F, 0.999999994F);
  const Floats below = polynomial(u, 1.28172404e-06F, 0.000393103386F, 0.0272295304F, 0.470096713F, 1.0F);
  return within(inside * (above / below), 1.0F);
}

[[gnu::always_inline]] inline Floats zero_to_one(Floats x, Floats middle, float reach) {
  return select(x > reach, splat(1.0F), select(x < -reach, Floats{}, middle));
}
/// Φ(x) and the derivative of x Φ(x) to within 4e-7, at a third of the price: one half and an odd quotient of
/// polynomials, fitted over [-5.5, 5.5] and [-5.9, 5.9]; 0 or 1 beyond.
[[gnu::always_inline]] inline Floats distribution(Floats x) {
  const Floats inside = within(x, 5.5F), u = inside * inside;
  const Floats above =
      polynomial(u, 2.27493367e-08F, 6.35211496e-06F, 0.000168826064F, 0.00467726291F, 0.0338526913F, 0.398942235F);
  const Floats below =
      polynomial(u, 1.19750288e-06F, 7.36475982e-05F, 0.00188444705F, 0.028645896F, 0.251522032F, 1.0F);
  return zero_to_one(x, fma(inside, above / below, 0.5F), 5.5F);
}
[[gnu::always_inline]] inline Floats gelu_derivative(Floats x) {
  const Floats inside = within(x, 5.9F), u = inside * inside;
  const Floats above = polynomial(u, 3.04540188e-11F, 1.84790834e-07F, 3.56606354e-05F, 1.66960336e-05F, 0.0142225066F,
                                  -0.0312034622F, 0.79788531F);
  const Floats below =
      polynomial(u, 8.79042657e-06F, 0.000190855695F, 0.0035064183F, 0.0408846683F, 0.294233338F, 1.0F);
  return zero_to_one(x, fma(inside, above / below, 0.5F), 5.9F);
}

/// tanh(softplus(x))
[[gnu::always_inline]] inline Floats tanh_softplus(Floats x) {
  const Floats e = exp(select(x > 20.0F, splat(20.0F), x));
  const Floats n = e * (e + 2.0F);
  return n / (n + 2.0F);
}

/// tanh's argument in the approximate gelu
[[gnu::always_inline]] inline Floats gelu_tanh_argument(Floats x) {
  return x * fma(x * x, splat(0.0356774081F), 0.797884561F);
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
