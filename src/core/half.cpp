#include "core/half.hpp"

#include <immintrin.h>

namespace nyala::detail {
namespace {

template <class From, class To>
[[gnu::always_inline]] inline void convert_each(const From* in, To* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<To>(in[i]);
}

// Every processor with AVX2 has F16C.
const bool avx2 = (__builtin_cpu_init(), __builtin_cpu_supports("avx2"));
const bool avx512 = avx2 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
const bool avx512_bf16 = avx512 && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bf16");

[[gnu::target("avx2,f16c")]] void convert_f16c(const float16* in, float* out, std::size_t count) {
  for (; count >= 8; count -= 8, in += 8, out += 8)
    _mm256_storeu_ps(out, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in))));
  convert_each(in, out, count);
}

[[gnu::target("avx2,f16c")]] void convert_f16c(const float* in, float16* out, std::size_t count) {
  for (; count >= 8; count -= 8, in += 8, out += 8)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                     _mm256_cvtps_ph(_mm256_loadu_ps(in), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  convert_each(in, out, count);
}

[[gnu::target("avx2")]] void convert_avx2(const bfloat16* in, float* out, std::size_t count) {
  for (; count >= 8; count -= 8, in += 8, out += 8) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_slli_epi32(wide, 16));
  }
  convert_each(in, out, count);
}

[[gnu::target("avx2")]] inline __m256i rounded_upper_half(const float* in) {
  const __m256 value = _mm256_loadu_ps(in);
  const __m256i bits = _mm256_castps_si256(value), upper = _mm256_srli_epi32(bits, 16);
  const __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
  const __m256i bias = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF));
  const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, bias), 16);
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
  return _mm256_blendv_epi8(rounded, _mm256_or_si256(upper, _mm256_set1_epi32(0x40)), nan);
}

[[gnu::target("avx2")]] void convert_avx2(const float* in, bfloat16* out, std::size_t count) {
  for (; count >= 16; count -= 16, in += 16, out += 16) {
    const __m256i packed = _mm256_packus_epi32(rounded_upper_half(in), rounded_upper_half(in + 8));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_permute4x64_epi64(packed, 0xD8));
  }
  convert_each(in, out, count);
}

using Words [[gnu::vector_size(64)]] = std::uint32_t;
using Halves [[gnu::vector_size(32)]] = std::uint16_t;
using Floats [[gnu::vector_size(64)]] = float;
constexpr std::uint32_t upper_halves = 0xAAAAAAAA;  // of 16 words, as a mask of 32 halves

[[gnu::target("avx512f,avx512bw,avx512vl")]] void convert_avx512(const bfloat16* in, float* out, std::size_t count) {
  // Half i becomes the upper half of word i; the lower ones are masked out.
  alignas(64) constexpr std::uint16_t places[] = {0, 0, 0, 1, 0, 2,  0, 3,  0, 4,  0, 5,  0, 6,  0, 7,
                                                  0, 8, 0, 9, 0, 10, 0, 11, 0, 12, 0, 13, 0, 14, 0, 15};
  const __m512i low = _mm512_load_si512(places), high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  for (; count >= 32; count -= 32, in += 32, out += 32) {
    const __m512i halves = _mm512_loadu_si512(in);
    _mm512_storeu_si512(out, _mm512_maskz_permutexvar_epi16(upper_halves, low, halves));
    _mm512_storeu_si512(out + 16, _mm512_maskz_permutexvar_epi16(upper_halves, high, halves));
  }
  convert_avx2(in, out, count);
}

[[gnu::target("avx512f,avx512bw,avx512vl")]] void convert_avx512(const float* in, bfloat16* out, std::size_t count) {
  for (; count >= 16; count -= 16, in += 16, out += 16) {
    Floats value;
    __builtin_memcpy(&value, in, sizeof value);
    const Words bits = (Words)value, upper = bits >> 16;
    const Words rounded = (bits + (upper & 1) + 0x7FFF) >> 16;
    const Words result = value != value ? upper | 0x40 : rounded;
    const Halves halves = __builtin_convertvector(result, Halves);
    __builtin_memcpy(static_cast<void*>(out), &halves, sizeof halves);
  }
  convert_avx2(in, out, count);
}

/// Subnormal numbers, which the processor's own instruction takes for zeros, go the other way.
[[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")]] void convert_avx512_bf16(const float* in,
                                                                                          bfloat16* out,
                                                                                          std::size_t count) {
  constexpr int subnormal = 0x20;
  constexpr std::size_t step = 64;
  for (; count >= step; count -= step, in += step, out += step) {
    const __m512 a = _mm512_loadu_ps(in), b = _mm512_loadu_ps(in + 16);
    const __m512 c = _mm512_loadu_ps(in + 32), d = _mm512_loadu_ps(in + 48);
    const unsigned found = _mm512_fpclass_ps_mask(a, subnormal) | _mm512_fpclass_ps_mask(b, subnormal) |
                           _mm512_fpclass_ps_mask(c, subnormal) | _mm512_fpclass_ps_mask(d, subnormal);
    if (found != 0) {
      convert_avx512(in, out, step);
      continue;
    }
    const auto low = _mm512_cvtne2ps_pbh(b, a), high = _mm512_cvtne2ps_pbh(d, c);
    __builtin_memcpy(static_cast<void*>(out), &low, sizeof low);
    __builtin_memcpy(static_cast<void*>(out + 32), &high, sizeof high);
  }
  convert_avx512(in, out, count);
}

}  // namespace

void convert(const float16* in, float* out, std::size_t count) {
  avx2 ? convert_f16c(in, out, count) : convert_each(in, out, count);
}

void convert(const float* in, float16* out, std::size_t count) {
  avx2 ? convert_f16c(in, out, count) : convert_each(in, out, count);
}

void convert(const bfloat16* in, float* out, std::size_t count) {
  if (avx512) return convert_avx512(in, out, count);
  avx2 ? convert_avx2(in, out, count) : convert_each(in, out, count);
}

void convert(const float* in, bfloat16* out, std::size_t count) {
  if (avx512_bf16) return convert_avx512_bf16(in, out, count);
  if (avx512) return convert_avx512(in, out, count);
  avx2 ? convert_avx2(in, out, count) : convert_each(in, out, count);
}

}  // namespace nyala::detail
