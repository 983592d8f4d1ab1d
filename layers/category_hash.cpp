#include <bit>
#include <cstring>
#include <utility>

#include "category_support.hpp"

namespace nyala::category {

namespace {

using Word = std::uint64_t;
using Pair = std::pair<Word, Word>;

constexpr Word k0 = 0xc3a5c85c97cb3127, k1 = 0xb492b66fbe98f273, k2 = 0x9ae16a3b2f90404f;

Word word(const char* at) {
  Word value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint32_t half_word(const char* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

Word byte(char c) { return static_cast<unsigned char>(c); }
Word folded(Word x) { return x ^ (x >> 47); }

Word mixed(Word u, Word v, Word factor) {
  const Word a = folded((u ^ v) * factor);
  return folded((v ^ a) * factor) * factor;
}

Word up_to_16(std::string_view s) {
  const char* begin = s.data();
  const Word size = s.size(), factor = k2 + size * 2;
  if (size >= 8) {
    const Word a = word(begin) + k2, b = word(begin + size - 8);
    return mixed(std::rotr(b, 37) * factor + a, (std::rotr(a, 25) + b) * factor, factor);
  }
  if (size >= 4) return mixed(size + (Word{half_word(begin)} << 3), half_word(begin + size - 4), factor);
  if (size == 0) return k2;
  const Word first = byte(s[0]) + (byte(s[size >> 1]) << 8), last = size + (byte(s[size - 1]) << 2);
  return folded((first * k2) ^ (last * k0)) * k2;
}

Word up_to_64(std::string_view s) {
  const char *begin = s.data(), *end = begin + s.size();
  const Word factor = k2 + s.size() * 2;
  const bool is_short = s.size() <= 32;
  const Word a = word(begin) * (is_short ? k1 : k2), b = word(begin + 8);
  const Word c = word(end - 8) * factor, d = word(end - 16) * k2;
  const Word y = std::rotr(a + b, 43) + std::rotr(c, 30) + d;
  const Word z = mixed(y, a + std::rotr(b + k2, 18) + c, factor);
  if (is_short) return z;
  const Word e = word(begin + 16) * factor, f = word(begin + 24);
  const Word g = (y + word(end - 32)) * factor, h = (z + word(end - 24)) * factor;
  return mixed(std::rotr(e + f, 43) + std::rotr(g, 30) + h, e + std::rotr(f + a, 18) + g, factor);
}

Pair of_32_bytes(const char* at, Word a, Word b) {
  a += word(at);
  b = std::rotr(b + a + word(at + 24), 21);
  const Word before = a;
  a += word(at + 8) + word(at + 16);
  b += std::rotr(a, 44);
  return {a + word(at + 24), b + before};
}

Word longer(std::string_view s) {
  constexpr Word seed = 81;
  const char* at = s.data();
  const Word rest = (s.size() - 1) & 63;
  const char* end = at + (s.size() - 1) / 64 * 64;
  const char* last = end + rest - 63;
  Word x = seed * k2 + word(at), y = seed * k1 + 113, z = folded(y * k2 + 113) * k2;
  Pair v{0, 0}, w{0, 0};
  // One round over 64 bytes; the last one is weighted otherwise.
  const auto round = [&](const char* block, Word factor, Word weight) {
    x = std::rotr(x + y + v.first + word(block + 8), 37) * factor;
    y = std::rotr(y + v.second + word(block + 48), 42) * factor;
    x ^= w.second * weight;
    y += v.first * weight + word(block + 40);
    z = std::rotr(z + w.first, 33) * factor;
    v = of_32_bytes(block, v.second * factor, x + w.first);
    w = of_32_bytes(block + 32, z + w.second, y + word(block + 16));
    std::swap(z, x);
  };
  for (; at != end; at += 64) round(at, k1, 1);
  const Word factor = k1 + ((z & 0xff) << 1);
  w.first += rest;
  v.first += w.first;
  w.first += v.first;
  round(last, factor, 9);
  return mixed(mixed(v.first, w.first, factor) + folded(y) * k0 + z, mixed(v.second, w.second, factor) + x, factor);
}

}  // namespace

std::uint64_t fingerprint(std::string_view text) {
  if (text.size() <= 16) return up_to_16(text);
  return text.size() <= 64 ? up_to_64(text) : longer(text);
}

std::uint64_t keyed_hash(std::string_view text, const std::array<std::uint64_t, 2>& keys) {
  std::array<Word, 4> v{keys[0] ^ 0x736f6d6570736575, keys[1] ^ 0x646f72616e646f6d, keys[0] ^ 0x6c7967656e657261,
                        keys[1] ^ 0x7465646279746573};
  const auto round = [&](int times) {
    for (; times > 0; --times) {
      v[0] += v[1];
      v[2] += v[3];
      v[1] = std::rotl(v[1], 13) ^ v[0];
      v[3] = std::rotl(v[3], 16) ^ v[2];
      v[0] = std::rotl(v[0], 32);
      v[2] += v[1];
      v[0] += v[3];
      v[1] = std::rotl(v[1], 17) ^ v[2];
      v[3] = std::rotl(v[3], 21) ^ v[0];
      v[2] = std::rotl(v[2], 32);
    }
  };
  const auto take = [&](Word block) {
    v[3] ^= block;
    round(2);
    v[0] ^= block;
  };
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) take(word(text.data() + at));
  Word last = static_cast<Word>(text.size()) << 56;
  for (int shift = 0; at < text.size(); ++at, shift += 8) last |= byte(text[at]) << shift;
  take(last);
  v[2] ^= 0xff;
  round(4);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

std::uint64_t joined(std::uint64_t first, std::uint64_t second) {
  constexpr Word factor = 0xc6a4a7935bd1e995;
  const Word both = (first ^ factor ^ (folded(second * factor) * factor)) * factor;
  return folded(folded(both) * factor);
}

}  // namespace nyala::category
