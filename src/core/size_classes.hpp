#pragma once

#include <bit>
#include <cstddef>

namespace nyala::detail {

/// Block sizes of the caching allocator: multiples of 64 bytes, four classes to a doubling up to 1 MiB and eight above,
/// so that at most a quarter (an eighth) of a block is slack.
struct SizeClasses {
  static constexpr std::size_t unit = 64;
  static constexpr std::size_t small_classes = 52;
  static constexpr std::size_t classes = small_classes + 8 * 27;
  static constexpr std::size_t largest_small = std::size_t{1} << 20;
  static constexpr std::size_t largest = std::size_t{1} << 47;

  /// Class of a request of at most `largest` bytes.
  static constexpr std::size_t index(std::size_t bytes) {
    if (bytes <= 4 * unit) return bytes == 0 ? 0 : (bytes - 1) / unit;
    const std::size_t last_unit = (bytes - 1) / unit;
    const auto width = static_cast<std::size_t>(std::bit_width(last_unit));
    if (bytes <= largest_small) return 4 * (width - 2) + (last_unit >> (width - 3)) - 4;
    return small_classes + 8 * (width - 15) + (last_unit >> (width - 4)) - 8;
  }

  /// Bytes of a block of that class.
  static constexpr std::size_t bytes(std::size_t index) {
    if (index < 4) return (index + 1) * unit;
    if (index < small_classes) return ((index % 4 + 5) << (index / 4 - 1)) * unit;
    const std::size_t large = index - small_classes;
    return ((large % 8 + 9) << (large / 8 + 11)) * unit;
  }
};

}  // namespace nyala::detail
