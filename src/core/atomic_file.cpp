#include "core/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <nyala/error.hpp>

namespace nyala::detail {
namespace {

// A link keeps pointing to the file that it names.
std::string resolved(const std::string& path) {
  char* real = realpath(path.c_str(), nullptr);
  if (real == nullptr) return path;
  std::string result(real);
  std::free(real);
  return result;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path, std::string where) : where_(std::move(where)), path_(resolved(path)) {
  static std::atomic<unsigned> number{0};
  struct stat before {};
  const bool exists = stat(path_.c_str(), &before) == 0;
  if (path.empty() || path.back() == '/' || (exists && !S_ISREG(before.st_mode))) {
    errno = path.empty() ? ENOENT : !exists || S_ISDIR(before.st_mode) ? EISDIR : EINVAL;
    fail("write");
  }
  temporary_ = path_ + ".tmp-" + std::to_string(getpid()) + "-" + std::to_string(number++);
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("create");
  if (exists) static_cast<void>(fchmod(descriptor_, before.st_mode & 07777) == 0);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(descriptor_, next, bytes < (1U << 30) ? bytes : (1U << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write");
    next += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit() {
  if (fsync(descriptor_) != 0) fail("write");
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail("replace");
  close(std::exchange(descriptor_, -1));
  // The rename itself must reach the disk too; some file systems cannot be asked, and the file is whole either way.
  const int folder = open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  fsync(folder);
  close(folder);
}

void AtomicFile::fail(const std::string& doing) const {
  throw Error(where_ + ": cannot " + doing + " '" + path_ + "': " + std::strerror(errno));
}

}  // namespace nyala::detail
