#include "data/png.hpp"

#include <zlib.h>

#include <nyala/error.hpp>

namespace nyala::detail {
namespace {

std::string big_endian(std::size_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

std::string chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(data.size()) + body + big_endian(sum);
}

}  // namespace

std::string png(std::span<const std::uint8_t> pixels, std::size_t width, std::size_t height, std::size_t channels) {
  const char color_type = channels == 1 ? 0 : channels == 3 ? 2 : 6;
  const std::string head = big_endian(width) + big_endian(height) + std::string{8, color_type, 0, 0, 0};
  std::string rows;
  const std::size_t row = width * channels;
  for (std::size_t y = 0; y < height; ++y) {
    rows += '\0';  // no filter
    rows.append(reinterpret_cast<const char*>(pixels.data()) + y * row, row);
  }
  uLongf size = compressBound(static_cast<uLong>(rows.size()));
  std::string packed(size, '\0');
  if (compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(rows.data()),
               static_cast<uLong>(rows.size())) != Z_OK) {
    throw Error("SummaryWriter::image: zlib cannot pack the image");
  }
  packed.resize(size);
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", head) + chunk("IDAT", packed) + chunk("IEND", "");
}

}  // namespace nyala::detail
