#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace nyala::philox {

/// Two normal numbers from two words each time: out[2i] and out[2i + 1] from words[2i] and words[2i + 1]; the same bits
/// on every processor. At most 256 numbers.
void normals(const std::uint32_t* words, float* out, std::size_t count);

/// Two normal numbers from four words each time.
void normals(const std::uint32_t* words, double* out, std::size_t count);

/// 53 bits as a number in [0, 1).
[[gnu::always_inline]] constexpr inline double unit_interval(std::uint32_t low, std::uint32_t high) {
  return static_cast<double>((std::uint64_t{high} << 32 | low) >> 11) * 0x1p-53;
}

namespace series {

// The C library's logarithm and sine are scalar and round differently from one processor to another, so the float path
// has its own: series short enough to vectorise, good to a few units in the last place.

[[gnu::always_inline]] constexpr inline float logarithm(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent = (bits - std::bit_cast<std::int32_t>(std::numbers::sqrt2_v<float> / 2)) >> 23;
  const auto mantissa = std::bit_cast<float>(bits - exponent * (1 << 23));
  const float s = (mantissa - 1.0F) / (mantissa + 1.0F), s2 = s * s;
  const float series = 1.0F + s2 * (1.0F / 3 + s2 * (1.0F / 5 + s2 * (1.0F / 7 + s2 * (1.0F / 9))));
  return static_cast<float>(exponent) * std::numbers::ln2_v<float> + 2.0F * s * series;
}

/// For |x| <= pi / 4.
[[gnu::always_inline]] constexpr inline float small_sine(float x) {
  const float x2 = x * x;
  return x * (1.0F + x2 * (-1.0F / 6 + x2 * (1.0F / 120 + x2 * (-1.0F / 5040 + x2 * (1.0F / 362880)))));
}

[[gnu::always_inline]] constexpr inline float small_cosine(float x) {
  const float x2 = x * x;
  return 1.0F + x2 * (-0.5F + x2 * (1.0F / 24 + x2 * (-1.0F / 720 + x2 * (1.0F / 40320))));
}

[[gnu::always_inline]] constexpr inline float flip_sign(float x, std::uint32_t bit_1) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) ^ (bit_1 & 2U) << 30);
}

/// a where the mask's bits are set, else b.
[[gnu::always_inline]] constexpr inline float select(std::uint32_t mask, float a, float b) {
  const auto bits_a = std::bit_cast<std::uint32_t>(a), bits_b = std::bit_cast<std::uint32_t>(b);
  return std::bit_cast<float>((bits_a & mask) | (bits_b & ~mask));
}

/// -2 log(u), where u in (0, 1) is made of a word.
[[gnu::always_inline]] constexpr inline float squared_radius(std::uint32_t word) {
  const float uniform = (static_cast<float>(static_cast<std::int32_t>(word >> 1)) + 0.5F) * 0x1p-31F;
  return -2.0F * logarithm(uniform);
}

struct Direction {
  float cosine, sine;
};
/// Of the angle that a word says.
[[gnu::always_inline]] constexpr inline Direction direction(std::uint32_t word) {
  const std::uint32_t quarter = word >> 30, odd = 0U - (quarter & 1U);
  const std::int32_t within = static_cast<std::int32_t>(word & 0x3FFFFFFFU) - (1 << 29);
  const float angle = static_cast<float>(within) * (std::numbers::pi_v<float> * 0x1p-31F);
  const float sine = small_sine(angle), cosine = small_cosine(angle);
  return {flip_sign(select(odd, sine, cosine), quarter + 1), flip_sign(select(odd, cosine, sine), quarter)};
}

}  // namespace series

}  // namespace nyala::philox
