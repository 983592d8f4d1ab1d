#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/atomic_file.hpp"
#include "saving/byte_source.hpp"

struct zip;

// ".keras" archives: zip files, by libzip.

namespace nyala::saving {

class ArchiveReader {
 public:
  /// Throws Error for what is no zip file, has a member twice, or one whose path leads out of it.
  ArchiveReader(const std::string& path, std::string where);

  bool contains(const std::string& member) const;
  /// A short member, whole. Throws Error if it is missing, or larger than `most` bytes.
  std::string text(const std::string& member, std::uint64_t most) const;
  /// A member, read in place if it is stored as it is, else unpacked to memory, if that is no more than `most` bytes.
  std::shared_ptr<ByteSource> source(const std::string& member, std::uint64_t most) const;
  std::uint64_t file_bytes() const { return file_bytes_; }
  /// Whether there is anything under "assets/".
  bool has_assets() const { return has_assets_; }

 private:
  struct Member;
  Member find(const std::string& member) const;

  std::string path_, where_;
  std::shared_ptr<zip> zip_;
  std::uint64_t file_bytes_ = 0;
  bool has_assets_ = false;
};

class ArchiveWriter {
 public:
  ArchiveWriter(detail::AtomicFile& file, std::string where);
  void add(const std::string& member, const std::string& text);
  /// `content` is read when finish() is called.
  void add(const std::string& member, std::shared_ptr<ByteSource> content);
  void finish();

 private:
  void keep(const std::string& member, void* source);

  std::string where_;
  std::shared_ptr<void> target_;
  std::unique_ptr<zip, void (*)(zip*)> zip_;
};

}  // namespace nyala::saving
