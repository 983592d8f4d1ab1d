#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace nyala::saving {

/// Bytes from outside, read by place.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  /// Throws Error, naming the file, unless all of them are there.
  virtual void read(std::uint64_t at, void* to, std::size_t bytes) const = 0;
  /// All of it in pieces, from the first byte to the last, each small enough to stay in a processor's cache.
  using Visitor = std::function<void(const void* data, std::size_t bytes)>;
  virtual void visit(const Visitor& visitor) const;

  static constexpr std::size_t piece_bytes = std::size_t{1} << 18;
};

/// A file; errors begin with `where`. Throws Error if it is not there, or no regular file.
std::shared_ptr<ByteSource> open_file(const std::string& path, const std::string& where);
/// A part of another source.
std::shared_ptr<ByteSource> part_of(std::shared_ptr<ByteSource> whole, std::uint64_t begin, std::uint64_t size);
std::shared_ptr<ByteSource> in_memory(std::vector<unsigned char> bytes, const std::string& where);

}  // namespace nyala::saving
