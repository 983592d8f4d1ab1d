#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

// Everything here lives in the instruction set's namespace and nothing of the standard library is called: an inline
// function shared with the rest of the program could reach processors that lack the instructions.

namespace nyala::backend::NYALA_SIMD_NAMESPACE {

/// The width of a register.
#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

/// float32 numbers, their bits, and masks of them: as many as a register holds.
inline constexpr int lanes = vector_bytes / 4;
using Floats [[gnu::vector_size(vector_bytes)]] = float;
using Ints [[gnu::vector_size(vector_bytes)]] = std::int32_t;
/// Half of the lanes in double: sums of float32 are kept in pairs of these.
using HalfFloats [[gnu::vector_size(vector_bytes / 2)]] = float;
using Doubles [[gnu::vector_size(vector_bytes)]] = double;

[[gnu::always_inline]] inline Floats load(const float* from) {
  Floats x;
  __builtin_memcpy(&x, from, sizeof x);
  return x;
}
[[gnu::always_inline]] inline void store(Floats x, float* to) { __builtin_memcpy(to, &x, sizeof x); }

[[gnu::always_inline]] inline Floats splat(float x) { return x - Floats{}; }
[[gnu::always_inline]] inline Ints bits(Floats x) { return (Ints)x; }
[[gnu::always_inline]] inline Floats of_bits(Ints x) { return (Floats)x; }
[[gnu::always_inline]] inline Floats select(Ints mask, Floats yes, Floats no) { return mask ? yes : no; }
[[gnu::always_inline]] inline Floats abs(Floats x) { return of_bits(bits(x) & 0x7fffffff); }
[[gnu::always_inline]] inline Floats with_sign(Floats size, Floats sign) {
  return of_bits((bits(size) & 0x7fffffff) | (bits(sign) & INT32_MIN));
}
/// NaN if either is.
[[gnu::always_inline]] inline Floats maximum(Floats a, Floats b) { return select((a > b) | (a != a), a, b); }
[[gnu::always_inline]] inline Floats minimum(Floats a, Floats b) { return select((a < b) | (a != a), a, b); }

// load_part: the first `count` lanes, the others hold `rest`; store_part writes the first `count`.
#if defined(__AVX512F__)
[[gnu::always_inline]] inline Floats load_part(const float* from, std::int64_t count, float rest = 1.0F) {
  const auto mask = static_cast<__mmask16>((1U << count) - 1U);
  return (Floats)_mm512_mask_loadu_ps((__m512)splat(rest), mask, from);
}
[[gnu::always_inline]] inline void store_part(Floats x, float* to, std::int64_t count) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1U), (__m512)x);
}
[[gnu::always_inline]] inline Floats sqrt(Floats x) { return (Floats)_mm512_sqrt_ps((__m512)x); }
[[gnu::always_inline]] inline Floats fma(Floats a, Floats b, Floats c) {
  return (Floats)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
template <int mode>
[[gnu::always_inline]] inline Floats rounded(Floats x) {
  return (Floats)_mm512_roundscale_ps((__m512)x, mode);
}
#elif defined(__AVX2__)
[[gnu::always_inline]] inline __m256i first_lanes(std::int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
[[gnu::always_inline]] inline Floats load_part(const float* from, std::int64_t count, float rest = 1.0F) {
  const __m256i mask = first_lanes(count);
  const __m256 x = _mm256_maskload_ps(from, mask);
  return (Floats)_mm256_blendv_ps((__m256)splat(rest), x, _mm256_castsi256_ps(mask));
}
[[gnu::always_inline]] inline void store_part(Floats x, float* to, std::int64_t count) {
  _mm256_maskstore_ps(to, first_lanes(count), (__m256)x);
}
[[gnu::always_inline]] inline Floats sqrt(Floats x) { return (Floats)_mm256_sqrt_ps((__m256)x); }
[[gnu::always_inline]] inline Floats fma(Floats a, Floats b, Floats c) {
  return (Floats)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
template <int mode>
[[gnu::always_inline]] inline Floats rounded(Floats x) {
  return (Floats)_mm256_round_ps((__m256)x, mode);
}
#else
[[gnu::always_inline]] inline Floats load_part(const float* from, std::int64_t count, float rest = 1.0F) {
  Floats x;
  for (int i = 0; i < lanes; ++i) x[i] = i < count ? from[i] : rest;
  return x;
}
[[gnu::always_inline]] inline void store_part(Floats x, float* to, std::int64_t count) {
  for (int i = 0; i < lanes; ++i) {
    if (i < count) to[i] = x[i];
  }
}
[[gnu::always_inline]] inline Floats sqrt(Floats x) { return (Floats)_mm_sqrt_ps((__m128)x); }
[[gnu::always_inline]] inline Floats fma(Floats a, Floats b, Floats c) { return a * b + c; }
template <int mode>
[[gnu::always_inline]] inline Floats rounded(Floats x) {
  return (Floats)_mm_round_ps((__m128)x, mode);
}
#endif
[[gnu::always_inline]] inline Floats fma(Floats a, Floats b, float c) { return fma(a, b, splat(c)); }

[[gnu::always_inline]] inline Floats round_even(Floats x) { return rounded<_MM_FROUND_TO_NEAREST_INT>(x); }
[[gnu::always_inline]] inline Floats floor(Floats x) { return rounded<_MM_FROUND_TO_NEG_INF>(x); }
[[gnu::always_inline]] inline Floats ceil(Floats x) { return rounded<_MM_FROUND_TO_POS_INF>(x); }
[[gnu::always_inline]] inline Floats trunc(Floats x) { return rounded<_MM_FROUND_TO_ZERO>(x); }

/// 16 to 4 numbers become two vectors of double.
struct DoublePair {
  Doubles low{}, high{};
  [[gnu::always_inline]] void add(Floats x) {
    low += __builtin_convertvector(lower(x), Doubles);
    high += __builtin_convertvector(upper(x), Doubles);
  }
  [[gnu::always_inline]] void add_square(Floats x) {
    const Doubles a = __builtin_convertvector(lower(x), Doubles), b = __builtin_convertvector(upper(x), Doubles);
    low += a * a;
    high += b * b;
  }
  [[gnu::always_inline]] void add_product(Floats x, Floats y) {
    low += __builtin_convertvector(lower(x), Doubles) * __builtin_convertvector(lower(y), Doubles);
    high += __builtin_convertvector(upper(x), Doubles) * __builtin_convertvector(upper(y), Doubles);
  }
  [[gnu::always_inline]] double sum() const {
    const Doubles both = low + high;
    double parts[lanes / 2];
    __builtin_memcpy(parts, &both, sizeof parts);
    for (int width = lanes / 4; width > 0; width /= 2) {
      for (int i = 0; i < width; ++i) parts[i] += parts[i + width];
    }
    return parts[0];
  }
  /// totals[i] += lane i, for the first `count` lanes.
  [[gnu::always_inline]] void add_to(double* totals, std::int64_t count) const {
    if (count >= lanes) {
      Doubles first, second;
      __builtin_memcpy(&first, totals, sizeof first);
      __builtin_memcpy(&second, totals + lanes / 2, sizeof second);
      first += low;
      second += high;
      __builtin_memcpy(totals, &first, sizeof first);
      __builtin_memcpy(totals + lanes / 2, &second, sizeof second);
    } else {
      double parts[lanes];
      __builtin_memcpy(parts, &low, sizeof low);
      __builtin_memcpy(parts + lanes / 2, &high, sizeof high);
      for (std::int64_t i = 0; i < count; ++i) totals[i] += parts[i];
    }
  }
  [[gnu::always_inline]] static HalfFloats lower(Floats x) {
    HalfFloats half;
    __builtin_memcpy(&half, &x, sizeof half);
    return half;
  }
  [[gnu::always_inline]] static HalfFloats upper(Floats x) {
    HalfFloats half;
    __builtin_memcpy(&half, reinterpret_cast<const char*>(&x) + sizeof half, sizeof half);
    return half;
  }
};

/// The largest lane, NaN if any is NaN.
[[gnu::always_inline]] inline float largest(Floats x) {
  float best[lanes];
  __builtin_memcpy(best, &x, sizeof x);
  for (int width = lanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) {
      best[i] = best[i] > best[i + width] || best[i] != best[i] ? best[i] : best[i + width];
    }
  }
  return best[0];
}
[[gnu::always_inline]] inline float smallest(Floats x) { return -largest(-x); }

/// load and store of as many lanes as count: a whole vector, or the last ones.
[[gnu::always_inline]] inline Floats load_up_to(std::int64_t count, const float* from, float rest = 1.0F) {
  return count >= lanes ? load(from) : load_part(from, count, rest);
}
[[gnu::always_inline]] inline void store_up_to(std::int64_t count, Floats x, float* to) {
  if (count >= lanes)
    store(x, to);
  else
    store_part(x, to, count);
}

/// As many bfloat16 as there are lanes, widened; and those of numbers that are bfloat16 exactly.
using Halves [[gnu::vector_size(vector_bytes / 2)]] = std::uint16_t;
using Words [[gnu::vector_size(vector_bytes)]] = std::uint32_t;
[[gnu::always_inline]] inline Floats load_up_to(std::int64_t count, const std::uint16_t* from) {
  Halves x{};
  if (count >= lanes) {
    __builtin_memcpy(&x, from, sizeof x);
  } else {
    for (std::int64_t i = 0; i < count; ++i) x[i] = from[i];
  }
  return (Floats)(__builtin_convertvector(x, Words) << 16);
}
[[gnu::always_inline]] inline void store_up_to(std::int64_t count, Floats x, std::uint16_t* to) {
  const Halves halves = __builtin_convertvector((Words)x >> 16, Halves);
  if (count >= lanes) {
    __builtin_memcpy(to, &halves, sizeof halves);
  } else {
    for (std::int64_t i = 0; i < count; ++i) to[i] = halves[i];
  }
}

/// out = fn(in); the lanes beyond the end hold 1.
template <class F>
[[gnu::always_inline]] inline void map(const float* in, float* out, std::int64_t n, F fn) {
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) store(fn(load(in + i)), out + i);
  if (i < n) store_part(fn(load_part(in + i, n - i)), out + i, n - i);
}

template <class F>
[[gnu::always_inline]] inline void map(const float* a, const float* b, float* out, std::int64_t n, F fn) {
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) store(fn(load(a + i), load(b + i)), out + i);
  if (i < n) store_part(fn(load_part(a + i, n - i), load_part(b + i, n - i)), out + i, n - i);
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
