#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/atomic_file.hpp"
#include "saving/byte_source.hpp"

// ".keras" archives: zip files whose members are stored as they are, or deflated. Written and read here, since only so
// the weights are written from where they lie and read from the file itself; checksums and unpacking by libdeflate.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

namespace nyala::saving {

class ArchiveReader {
 public:
  /// Throws Error for what is no zip file, has members that overlap, one twice, or one whose path leads out of it.
  ArchiveReader(std::shared_ptr<ByteSource> file, std::string where);
  ArchiveReader(const std::string& path, const std::string& where);

  std::vector<std::string> names() const;
  bool contains(const std::string& member) const { return members_.count(member) != 0; }
  /// A short member, whole. Throws Error if it is missing, or larger than `most` bytes.
  std::string text(const std::string& member, std::uint64_t most) const;
  /// A member, read in place if it is stored as it is, else unpacked to memory, if that is no more than `most` bytes.
  /// Its checksum has been compared.
  std::shared_ptr<ByteSource> source(const std::string& member, std::uint64_t most) const;
  std::uint64_t file_bytes() const { return file_->size(); }
  /// Whether there is anything under "assets/".
  bool has_assets() const;

 private:
  struct Member {
    std::uint64_t begin = 0;  // of its local header, then of its content
    std::uint64_t stored_bytes = 0, bytes = 0;
    std::uint32_t checksum = 0;
    std::uint16_t method = 0, flags = 0;
  };
  struct Directory {
    std::uint64_t begin = 0, bytes = 0, count = 0;
  };
  Directory find_directory() const;
  void read_directory(const Directory& directory);
  void find_contents(std::uint64_t end);
  [[noreturn]] void damaged(const std::string& what) const;

  std::shared_ptr<ByteSource> file_;
  std::string where_;
  std::map<std::string, Member> members_;
};

class ArchiveWriter {
 public:
  ArchiveWriter(detail::AtomicFile& file, std::string where) : file_(file), where_(std::move(where)) {}
  void add(const std::string& member, const std::string& text);
  void add(const std::string& member, const ByteSource& content);
  /// Writes the directory.
  void finish();

 private:
  struct Member {
    std::string name;
    std::uint64_t begin = 0, bytes = 0;
    std::uint32_t checksum = 0;
  };
  void begin(const std::string& member, std::uint64_t bytes, std::uint32_t checksum);

  detail::AtomicFile& file_;
  std::string where_;
  std::vector<Member> members_;
  std::uint64_t at_ = 0;
};

}  // namespace nyala::saving
