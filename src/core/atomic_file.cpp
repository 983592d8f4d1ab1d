#include "core/atomic_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
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

constexpr char infix[] = ".tmp-";

// Of that open file; it ends with the process, however that ends. flock() would clash with libhdf5's own.
bool lock(int descriptor) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return fcntl(descriptor, F_OFD_SETLK, &whole) == 0;
}

// Whether the process that made a temporary file of that name ("model.h5.tmp-PID-N") is known to be gone.
bool is_orphan(const std::string& file, std::size_t pid_at) {
  long long pid = 0;
  const auto parsed = std::from_chars(file.data() + pid_at, file.data() + file.size(), pid);
  if (parsed.ec != std::errc() || parsed.ptr == file.data() + file.size() || *parsed.ptr != '-' || pid <= 0)
    return false;
  if (kill(static_cast<pid_t>(pid), 0) == 0 || errno != ESRCH) return false;
  // It may also be alive on another machine that shares the folder: then the lock is taken.
  const int descriptor = open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return false;
  const bool free = lock(descriptor);
  close(descriptor);
  return free;
}

// What processes that were killed while they wrote this file have left behind.
void remove_orphans(const std::string& path) {
  const std::string folder = folder_of(path);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir(folder.c_str()), closedir);
  if (listing == nullptr) return;
  const std::string prefix = path.substr(path.rfind('/') + 1) + infix;  // npos + 1 is 0
  while (const dirent* entry = readdir(listing.get())) {
    if (std::strncmp(entry->d_name, prefix.c_str(), prefix.size()) != 0) continue;
    const std::string file = folder + "/" + entry->d_name;
    if (is_orphan(file, folder.size() + 1 + prefix.size())) unlink(file.c_str());
  }
}

}  // namespace

int make_temporary(const std::string& path, std::string& temporary, unsigned mode) {
  static std::atomic<unsigned> number{0};
  remove_orphans(path);
  temporary = path + infix + std::to_string(getpid()) + "-" + std::to_string(number++);
  const int descriptor = open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (descriptor >= 0) static_cast<void>(lock(descriptor));  // where there are no locks the process id must do
  return descriptor;
}

AtomicFile::AtomicFile(const std::string& path, std::string where) : where_(std::move(where)), path_(resolved(path)) {
  struct stat before {};
  const bool exists = stat(path_.c_str(), &before) == 0;
  if (path.empty() || path.back() == '/' || (exists && !S_ISREG(before.st_mode))) {
    errno = path.empty() ? ENOENT : !exists || S_ISDIR(before.st_mode) ? EISDIR : EINVAL;
    fail("write");
  }
  if (exists && access(path_.c_str(), W_OK) != 0) fail("replace");
  descriptor_ = make_temporary(path_, temporary_, 0666);
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

void AtomicFile::write_at(std::uint64_t at, const void* data, std::size_t bytes) {
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::pwrite(descriptor_, next, bytes, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write");
    next += written;
    at += static_cast<std::uint64_t>(written);
    bytes -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit() {
  if (fsync(descriptor_) != 0) fail("write");
  struct stat now {};
  if (stat(path_.c_str(), &now) == 0 && !S_ISREG(now.st_mode)) {  // put there meanwhile
    errno = S_ISDIR(now.st_mode) ? EISDIR : EINVAL;
    fail("replace");
  }
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
