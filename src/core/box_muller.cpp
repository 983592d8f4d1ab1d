#include "core/box_muller.hpp"

#include <immintrin.h>

#include <bit>
#include <cmath>
#include <numbers>

namespace nyala::philox {
namespace {

// The C library's logarithm and sine are scalar and round differently from one processor to another, so the float path
// has its own: series short enough to vectorise, good to a few units in the last place.

[[gnu::always_inline]] inline float logarithm(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent = (bits - std::bit_cast<std::int32_t>(std::numbers::sqrt2_v<float> / 2)) >> 23;
  const auto mantissa = std::bit_cast<float>(bits - exponent * (1 << 23));
  const float s = (mantissa - 1.0F) / (mantissa + 1.0F), s2 = s * s;
  const float series = 1.0F + s2 * (1.0F / 3 + s2 * (1.0F / 5 + s2 * (1.0F / 7 + s2 * (1.0F / 9))));
  return static_cast<float>(exponent) * std::numbers::ln2_v<float> + 2.0F * s * series;
}

/// For |x| <= pi / 4.
[[gnu::always_inline]] inline float small_sine(float x) {
  const float x2 = x * x;
  return x * (1.0F + x2 * (-1.0F / 6 + x2 * (1.0F / 120 + x2 * (-1.0F / 5040 + x2 * (1.0F / 362880)))));
}

[[gnu::always_inline]] inline float small_cosine(float x) {
  const float x2 = x * x;
  return 1.0F + x2 * (-0.5F + x2 * (1.0F / 24 + x2 * (-1.0F / 720 + x2 * (1.0F / 40320))));
}

[[gnu::always_inline]] inline float flip_sign(float x, std::uint32_t bit_1) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) ^ (bit_1 & 2U) << 30);
}

/// a where the mask's bits are set, else b.
[[gnu::always_inline]] inline float select(std::uint32_t mask, float a, float b) {
  const auto bits_a = std::bit_cast<std::uint32_t>(a), bits_b = std::bit_cast<std::uint32_t>(b);
  return std::bit_cast<float>((bits_a & mask) | (bits_b & ~mask));
}

constexpr std::size_t most_pairs = 128;

/// At most 128 pairs.
void transform(const std::uint32_t* words, float* __restrict out, std::size_t pairs) {
  alignas(16) float radii[most_pairs] = {};
  for (std::size_t i = 0; i < pairs; ++i) {
    const float uniform = (static_cast<float>(static_cast<std::int32_t>(words[2 * i] >> 1)) + 0.5F) * 0x1p-31F;
    radii[i] = -2.0F * logarithm(uniform);
  }
  // std::sqrt may set errno, which keeps compilers from vectorising it.
  for (std::size_t i = 0; i < pairs; i += 4) _mm_store_ps(radii + i, _mm_sqrt_ps(_mm_load_ps(radii + i)));
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::uint32_t word = words[2 * i + 1], quarter = word >> 30, odd = 0U - (quarter & 1U);
    const std::int32_t within = static_cast<std::int32_t>(word & 0x3FFFFFFFU) - (1 << 29);
    const float angle = static_cast<float>(within) * (std::numbers::pi_v<float> * 0x1p-31F);
    const float sine = small_sine(angle), cosine = small_cosine(angle);
    out[2 * i] = radii[i] * flip_sign(select(odd, sine, cosine), quarter + 1);
    out[2 * i + 1] = radii[i] * flip_sign(select(odd, cosine, sine), quarter);
  }
}

}  // namespace

void normals(const std::uint32_t* words, float* out, std::size_t count) { transform(words, out, count / 2); }

void normals(const std::uint32_t* words, double* out, std::size_t count) {
  for (; count >= 2; count -= 2, words += 4, out += 2) {
    const double radius = std::sqrt(-2.0 * std::log(unit_interval(words[0], words[1]) + 0x1p-53));
    const double angle = 2 * std::numbers::pi * unit_interval(words[2], words[3]);
    out[0] = radius * std::cos(angle);
    out[1] = radius * std::sin(angle);
  }
}

}  // namespace nyala::philox
