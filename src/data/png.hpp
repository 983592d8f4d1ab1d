#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace nyala::detail {

/// A PNG file of 8-bit pixels, row after row, of 1 (grey), 3 (RGB) or 4 (RGBA) channels.
std::string png(std::span<const std::uint8_t> pixels, std::size_t width, std::size_t height, std::size_t channels);

}  // namespace nyala::detail
