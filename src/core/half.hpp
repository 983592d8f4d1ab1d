#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace nyala {

namespace detail {

/// IEEE binary16 from float: to nearest, ties to even; too large becomes infinity; a NaN stays a NaN, made quiet, with
/// the upper bits of its payload (as the F16C instructions have it).
[[gnu::always_inline]] constexpr inline std::uint16_t float16_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000U, magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<std::uint16_t>(sign | 0x7E00U | (magnitude >> 13 & 0x3FFU));
  if (magnitude >= 0x477FF000U) return static_cast<std::uint16_t>(sign | 0x7C00U);
  if (magnitude < 0x38800000U) {
    // Below 2^-14 a unit of the result is 2^-24: that of floats in [0.5, 1), so the addition rounds to it.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000U));
  }
  const std::uint32_t rounded = magnitude + 0xFFFU + (magnitude >> 13 & 1U);
  return static_cast<std::uint16_t>(sign | (rounded - 0x38000000U) >> 13);
}

/// Exact; a signalling NaN becomes quiet.
[[gnu::always_inline]] constexpr inline float float_of_float16(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16, magnitude = half & 0x7FFFU;
  if (magnitude > 0x7C00U) return std::bit_cast<float>(sign | 0x7FC00000U | magnitude << 13);
  if (magnitude == 0x7C00U) return std::bit_cast<float>(sign | 0x7F800000U);
  if (magnitude < 0x400U) {
    const float subnormal = static_cast<float>(magnitude) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(subnormal));
  }
  return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000U));
}

/// The upper half of a float: to nearest, ties to even; a NaN stays a NaN, made quiet.
[[gnu::always_inline]] constexpr inline std::uint16_t bfloat16_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>(bits >> 16 | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

[[gnu::always_inline]] constexpr inline float float_of_bfloat16(std::uint16_t half) {
  return std::bit_cast<float>(std::uint32_t{half} << 16);
}

/// An odd-rounded float, from which rounding on to 16 bits gives what rounding the double at once would.
constexpr float float_to_round_again(double value) {
  const auto near = static_cast<float>(value);
  const auto exact = static_cast<double>(near);
  auto bits = std::bit_cast<std::uint32_t>(near);
  if (exact == value || value != value || (bits & 1U) != 0 || (bits & 0x7FFFFFFFU) >= 0x7F800000U) return near;
  bits += (exact < value) == (value > 0) ? 1U : ~0U;
  return std::bit_cast<float>(bits);
}

}  // namespace detail

/// IEEE binary16: 5 bits of exponent, 10 of fraction.
struct float16 {
  std::uint16_t bits = 0;

  float16() = default;
  constexpr explicit float16(float value) : bits(detail::float16_bits(value)) {}
  constexpr explicit float16(double value) : bits(detail::float16_bits(detail::float_to_round_again(value))) {}
  constexpr explicit operator float() const { return detail::float_of_float16(bits); }
  constexpr explicit operator double() const { return static_cast<double>(detail::float_of_float16(bits)); }
  static constexpr float16 from_bits(std::uint16_t bits) {
    float16 value;
    value.bits = bits;
    return value;
  }
};

/// The upper half of a float: 8 bits of exponent, 7 of fraction.
struct bfloat16 {
  std::uint16_t bits = 0;

  bfloat16() = default;
  constexpr explicit bfloat16(float value) : bits(detail::bfloat16_bits(value)) {}
  constexpr explicit bfloat16(double value) : bits(detail::bfloat16_bits(detail::float_to_round_again(value))) {}
  constexpr explicit operator float() const { return detail::float_of_bfloat16(bits); }
  constexpr explicit operator double() const { return static_cast<double>(detail::float_of_bfloat16(bits)); }
  static constexpr bfloat16 from_bits(std::uint16_t bits) {
    bfloat16 value;
    value.bits = bits;
    return value;
  }
};

static_assert(sizeof(float16) == 2 && sizeof(bfloat16) == 2);

namespace detail {

using nyala::bfloat16;
using nyala::float16;

/// Many at a time; `in` and `out` do not overlap.
void convert(const float16* in, float* out, std::size_t count);
void convert(const float* in, float16* out, std::size_t count);
void convert(const bfloat16* in, float* out, std::size_t count);
void convert(const float* in, bfloat16* out, std::size_t count);

}  // namespace detail

}  // namespace nyala
