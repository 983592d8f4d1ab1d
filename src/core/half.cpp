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

[[gnu::target("avx512f,avx512bw,avx512vl")]] void convert_avx512(const bfloat16* in, float* out, std::size_t count) {
  for (; count >= 16; count -= 16, in += 16, out += 16) {
    Halves halves;
    __builtin_memcpy(&halves, in, sizeof halves);
    const Words bits = __builtin_convertvector(halves, Words) << 16;
    __builtin_memcpy(out, &bits, sizeof bits);
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
  if (avx512) return convert_avx512(in, out, count);
  avx2 ? convert_avx2(in, out, count) : convert_each(in, out, count);
}

}  // namespace nyala::detail
