#include "core/box_muller.hpp"

#include <immintrin.h>

#include <cmath>
#include <numbers>

namespace nyala::philox {
namespace {

constexpr std::size_t most_pairs = 128;

/// At most 128 pairs.
void transform(const std::uint32_t* words, float* __restrict out, std::size_t pairs) {
  alignas(16) float radii[most_pairs] = {};
  for (std::size_t i = 0; i < pairs; ++i) {
    radii[i] = series::squared_radius(words[2 * i]);
  }
  // std::sqrt may set errno, which keeps compilers from vectorising it.
  for (std::size_t i = 0; i < pairs; i += 4) _mm_store_ps(radii + i, _mm_sqrt_ps(_mm_load_ps(radii + i)));
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto [cosine, sine] = series::direction(words[2 * i + 1]);
    out[2 * i] = radii[i] * cosine;
    out[2 * i + 1] = radii[i] * sine;
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
