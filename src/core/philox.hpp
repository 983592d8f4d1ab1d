#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace nyala::philox {

using Block = std::array<std::uint32_t, 4>;

/// Philox 4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011): 128 random
/// bits for every counter and key. Always inlined, so that it may be used in files compiled for any instruction set.
[[gnu::always_inline]] constexpr inline Block philox4x32(Block counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// A sequence of random bits: the key is made from a seed, the number tells apart all that draw under one seed.
struct Stream {
  std::uint64_t key = 0;
  std::uint64_t number = 0;
  bool operator==(const Stream&) const = default;
};

/// The four words at place `index` of a stream.
[[gnu::always_inline]] constexpr inline Block block(Stream stream, std::uint64_t index) {
  return philox4x32({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                     static_cast<std::uint32_t>(stream.number), static_cast<std::uint32_t>(stream.number >> 32)},
                    {static_cast<std::uint32_t>(stream.key), static_cast<std::uint32_t>(stream.key >> 32)});
}

/// Blocks first to first + count - 1, one after the other.
void fill_blocks(std::uint32_t* out, std::size_t count, Stream stream, std::uint64_t first);

/// The same computed without vector instructions; what fill_blocks is tested against.
void fill_blocks_scalar(std::uint32_t* out, std::size_t count, Stream stream, std::uint64_t first);

}  // namespace nyala::philox
