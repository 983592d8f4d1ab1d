#pragma once

#include <cstddef>
#include <cstdint>

namespace nyala::philox {

/// Two normal numbers from two words each time: out[2i] and out[2i + 1] from words[2i] and words[2i + 1]; the same bits
/// on every processor. At most 256 numbers.
void normals(const std::uint32_t* words, float* out, std::size_t count);

/// Two normal numbers from four words each time.
void normals(const std::uint32_t* words, double* out, std::size_t count);

/// 53 bits as a number in [0, 1).
[[gnu::always_inline]] inline double unit_interval(std::uint32_t low, std::uint32_t high) {
  return static_cast<double>((std::uint64_t{high} << 32 | low) >> 11) * 0x1p-53;
}

}  // namespace nyala::philox
