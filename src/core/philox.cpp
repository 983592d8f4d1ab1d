#include "core/philox.hpp"

#include <immintrin.h>

#include <array>

namespace nyala::philox {

void fill_blocks_scalar(std::uint32_t* out, std::size_t count, Stream stream, std::uint64_t first) {
  for (std::size_t i = 0; i < count; ++i) {
    const Block words = block(stream, first + i);
    for (const std::uint32_t word : words) *out++ = word;
  }
}

namespace {

/// The keys of the ten rounds.
std::array<std::array<std::uint32_t, 2>, 10> round_keys(std::uint64_t key) {
  std::array<std::array<std::uint32_t, 2>, 10> keys;
  for (std::uint32_t round = 0; round < 10; ++round) {
    keys[round][0] = static_cast<std::uint32_t>(key) + round * 0x9E3779B9;
    keys[round][1] = static_cast<std::uint32_t>(key >> 32) + round * 0xBB67AE85;
  }
  return keys;
}

// A 64-bit lane holds one counter word of one block; its upper half may hold anything.
[[gnu::target("avx2")]] void fill_4_blocks_at_once(std::uint32_t* out, std::size_t count, Stream stream,
                                                   std::uint64_t first) {
  const __m256i multiplier_a = _mm256_set1_epi64x(0xD2511F53), multiplier_b = _mm256_set1_epi64x(0xCD9E8D57);
  const __m256i low_half = _mm256_set1_epi64x(0xFFFFFFFF);
  const __m256i number = _mm256_set1_epi64x(static_cast<long long>(stream.number));
  __m256i keys[10][2];
  for (std::size_t round = 0; const auto& [low, high] : round_keys(stream.key)) {
    keys[round][0] = _mm256_set1_epi64x(low);
    keys[round++][1] = _mm256_set1_epi64x(high);
  }
  __m256i index = _mm256_add_epi64(_mm256_set1_epi64x(static_cast<long long>(first)), _mm256_set_epi64x(3, 2, 1, 0));
  for (std::size_t i = 0; i < count; i += 4, out += 16) {
    __m256i c0 = index, c1 = _mm256_srli_epi64(index, 32), c2 = number, c3 = _mm256_srli_epi64(number, 32);
    for (const auto& key : keys) {
      const __m256i a = _mm256_mul_epu32(c0, multiplier_a), b = _mm256_mul_epu32(c2, multiplier_b);
      c0 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(b, 32), c1), key[0]);
      c2 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(a, 32), c3), key[1]);
      c1 = b;
      c3 = a;
    }
    const __m256i front = _mm256_or_si256(_mm256_and_si256(c0, low_half), _mm256_slli_epi64(c1, 32));
    const __m256i back = _mm256_or_si256(_mm256_and_si256(c2, low_half), _mm256_slli_epi64(c3, 32));
    const __m256i even = _mm256_unpacklo_epi64(front, back), odd = _mm256_unpackhi_epi64(front, back);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 8), _mm256_permute2x128_si256(even, odd, 0x31));
    index = _mm256_add_epi64(index, _mm256_set1_epi64x(4));
  }
}

[[gnu::target("avx512f")]] void fill_8_blocks_at_once(std::uint32_t* out, std::size_t count, Stream stream,
                                                      std::uint64_t first) {
  constexpr int exclusive_or = 0x96;  // of all three
  constexpr __mmask8 all = 0xff;      // g++ 12 calls the forms without a mask uninitialized
  const __m512i multiplier_a = _mm512_set1_epi64(0xD2511F53), multiplier_b = _mm512_set1_epi64(0xCD9E8D57);
  const __m512i number = _mm512_set1_epi64(static_cast<long long>(stream.number));
  __m512i keys[10][2];
  for (std::size_t round = 0; const auto& [low, high] : round_keys(stream.key)) {
    keys[round][0] = _mm512_set1_epi64(low);
    keys[round++][1] = _mm512_set1_epi64(high);
  }
  // `even` holds blocks 0, 2, 4 and 6, two lanes each, `odd` the others.
  const __m512i low_blocks = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
  const __m512i high_blocks = _mm512_add_epi64(low_blocks, _mm512_set1_epi64(4));
  __m512i index =
      _mm512_add_epi64(_mm512_set1_epi64(static_cast<long long>(first)), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
  for (std::size_t i = 0; i < count; i += 8, out += 32) {
    __m512i c0 = index, c1 = _mm512_maskz_srli_epi64(all, index, 32), c2 = number,
            c3 = _mm512_maskz_srli_epi64(all, number, 32);
    for (const auto& key : keys) {
      const __m512i a = _mm512_maskz_mul_epu32(all, c0, multiplier_a),
                    b = _mm512_maskz_mul_epu32(all, c2, multiplier_b);
      c0 = _mm512_ternarylogic_epi64(_mm512_maskz_srli_epi64(all, b, 32), c1, key[0], exclusive_or);
      c2 = _mm512_ternarylogic_epi64(_mm512_maskz_srli_epi64(all, a, 32), c3, key[1], exclusive_or);
      c1 = b;
      c3 = a;
    }
    constexpr __mmask16 upper = 0xaaaa;
    const __m512i front = _mm512_mask_shuffle_epi32(c0, upper, c1, _MM_PERM_CCAA);
    const __m512i back = _mm512_mask_shuffle_epi32(c2, upper, c3, _MM_PERM_CCAA);
    const __m512i even = _mm512_maskz_unpacklo_epi64(all, front, back),
                  odd = _mm512_maskz_unpackhi_epi64(all, front, back);
    _mm512_storeu_si512(out, _mm512_permutex2var_epi64(even, low_blocks, odd));
    _mm512_storeu_si512(out + 16, _mm512_permutex2var_epi64(even, high_blocks, odd));
    index = _mm512_add_epi64(index, _mm512_set1_epi64(8));
  }
}

}  // namespace

void fill_blocks(std::uint32_t* out, std::size_t count, Stream stream, std::uint64_t first) {
  std::size_t done = 0;
  const auto fill = [&](auto loop, std::size_t together) {
    const std::size_t some = (count - done) / together * together;
    loop(out + 4 * done, some, stream, first + done);
    done += some;
  };
  static const bool avx512 = __builtin_cpu_supports("avx512f"), avx2 = __builtin_cpu_supports("avx2");
  if (avx512 && count >= 8) fill(fill_8_blocks_at_once, 8);
  if (avx2 && count - done >= 4) fill(fill_4_blocks_at_once, 4);
  fill_blocks_scalar(out + 4 * done, count - done, stream, first + done);
}

}  // namespace nyala::philox
