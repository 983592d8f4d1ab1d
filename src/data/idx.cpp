#include "data/idx.hpp"

#include <array>
#include <filesystem>

#include "data/gzip_file.hpp"

namespace nyala::detail {
namespace {

std::uint32_t big_endian(const unsigned char* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

}  // namespace

Tensor read_idx(const std::string& path, int rank) {
  GzipFile file(path);
  std::array<unsigned char, 4> magic{};
  if (file.read(magic.data(), magic.size()) != magic.size() || magic[0] != 0 || magic[1] != 0) {
    file.fail("is no idx file: it does not begin with two zero bytes");
  }
  if (magic[2] != 0x08) {
    file.fail("holds elements of type " + std::to_string(magic[2]) + "; only unsigned bytes (8) are read");
  }
  if (magic[3] != rank) {
    file.fail("has " + std::to_string(magic[3]) + " axes, expected " + std::to_string(rank));
  }
  // Deflate makes a file at most 1032 times smaller.
  std::error_code ignored;
  const std::uintmax_t on_disk = std::filesystem::file_size(path, ignored);
  const double most = static_cast<double>(ignored ? 0 : on_disk) * 1032.0 + 1024.0;
  Shape shape;
  double elements = 1.0;
  for (int axis = 0; axis < rank; ++axis) {
    std::array<unsigned char, 4> size{};
    if (file.read(size.data(), size.size()) != size.size()) file.fail("ends within its head");
    shape.push_back(big_endian(size.data()));
    elements *= static_cast<double>(shape.back());
  }
  if (elements > most) {
    file.fail("says that it holds " + shape.str() + " bytes, more than a file of " + std::to_string(on_disk) +
              " bytes can");
  }
  Tensor result = Tensor::empty(shape, DType::uint8, Device());
  const auto bytes = static_cast<std::size_t>(result.size());
  const std::size_t got = file.read(result.raw_data(), bytes);
  if (got != bytes) {
    file.fail("ends after " + std::to_string(got) + " of the " + std::to_string(bytes) +
              " bytes that it says it holds");
  }
  char surplus = 0;
  if (file.read(&surplus, 1) != 0) file.fail("holds more than the " + shape.str() + " bytes that it says");
  return result;
}

}  // namespace nyala::detail
