#include "saving/byte_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <nyala/error.hpp>

namespace nyala::saving {
namespace {

[[noreturn]] void beyond_the_end(const std::string& where, std::uint64_t at, std::size_t bytes, std::uint64_t size) {
  throw Error(where + ": the file is truncated or damaged: " + std::to_string(bytes) + " bytes at " +
              std::to_string(at) + " are asked for, there are " + std::to_string(size));
}

class FileSource : public ByteSource {
 public:
  FileSource(const std::string& path, std::string where) : where_(std::move(where)) {
    // A pipe or a terminal would block.
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      throw Error(where_ + ": " + (errno == ENOENT ? "there is no such file" : std::strerror(errno)));
    }
    if (S_ISDIR(status.st_mode)) throw Error(where_ + ": this is a folder, not a file");
    if (!S_ISREG(status.st_mode)) throw Error(where_ + ": this is no regular file");
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw Error(where_ + ": cannot open the file: " + std::strerror(errno));
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~FileSource() override { ::close(descriptor_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  std::uint64_t size() const override { return size_; }

  void read(std::uint64_t at, void* to, std::size_t bytes) const override {
    if (at > size_ || bytes > size_ - at) beyond_the_end(where_, at, bytes, size_);
    if (bytes >= window_bytes / 4) return fill(at, to, bytes);
    // HDF5's bookkeeping is read in pieces of a few bytes that lie together.
    const Window& window = window_of(at, bytes);
    if (bytes > 0) std::memcpy(to, window.bytes.data() + (at - window.at), bytes);
  }

 private:
  static constexpr std::size_t window_bytes = 16384;
  struct Window {
    std::vector<unsigned char> bytes;
    std::uint64_t at = 0;
  };

  /// Several, since an index and what it points to are read in turn.
  const Window& window_of(std::uint64_t at, std::size_t bytes) const {
    for (const Window& window : windows_) {
      if (at >= window.at && at + bytes <= window.at + window.bytes.size()) return window;
    }
    Window& window = windows_[oldest_++ % windows_.size()];
    window.bytes.clear();  // nothing is left in it should the reading fail
    std::vector<unsigned char> fresh(static_cast<std::size_t>(std::min<std::uint64_t>(window_bytes, size_ - at)));
    fill(at, fresh.data(), fresh.size());
    window.bytes = std::move(fresh);
    window.at = at;
    return window;
  }

  void fill(std::uint64_t at, void* to, std::size_t bytes) const {
    auto* next = static_cast<unsigned char*>(to);
    while (bytes > 0) {
      const ssize_t got = ::pread(descriptor_, next, std::min<std::size_t>(bytes, 1U << 30), static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw Error(where_ + ": cannot read the file: " + std::strerror(errno));
      if (got == 0) beyond_the_end(where_, at, bytes, at);
      next += got;
      at += static_cast<std::uint64_t>(got);
      bytes -= static_cast<std::size_t>(got);
    }
  }

  std::string where_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  mutable std::array<Window, 4> windows_;
  mutable std::size_t oldest_ = 0;
};

class PartSource : public ByteSource {
 public:
  PartSource(std::shared_ptr<ByteSource> whole, std::uint64_t begin, std::uint64_t size)
      : whole_(std::move(whole)), begin_(begin), size_(size) {}
  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t at, void* to, std::size_t bytes) const override {
    if (at > size_ || bytes > size_ - at) return whole_->read(whole_->size(), to, bytes + 1);
    whole_->read(begin_ + at, to, bytes);
  }

 private:
  std::shared_ptr<ByteSource> whole_;
  std::uint64_t begin_, size_;
};

class MemorySource : public ByteSource {
 public:
  MemorySource(std::vector<unsigned char> bytes, std::string where)
      : bytes_(std::move(bytes)), where_(std::move(where)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  void read(std::uint64_t at, void* to, std::size_t bytes) const override {
    if (at > bytes_.size() || bytes > bytes_.size() - at) beyond_the_end(where_, at, bytes, bytes_.size());
    if (bytes > 0) std::memcpy(to, bytes_.data() + at, bytes);
  }

 private:
  std::vector<unsigned char> bytes_;
  std::string where_;
};

}  // namespace

void ByteSource::visit(const Visitor& visitor) const {
  std::vector<unsigned char> piece(static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, size())));
  for (std::uint64_t at = 0; at < size(); at += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, size() - at)));
    read(at, piece.data(), piece.size());
    visitor(piece.data(), piece.size());
  }
}

std::shared_ptr<ByteSource> open_file(const std::string& path, const std::string& where) {
  return std::make_shared<FileSource>(path, where);
}

std::shared_ptr<ByteSource> part_of(std::shared_ptr<ByteSource> whole, std::uint64_t begin, std::uint64_t size) {
  return std::make_shared<PartSource>(std::move(whole), begin, size);
}

std::shared_ptr<ByteSource> in_memory(std::vector<unsigned char> bytes, const std::string& where) {
  return std::make_shared<MemorySource>(std::move(bytes), where);
}

}  // namespace nyala::saving
