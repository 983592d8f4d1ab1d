#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace nyala::detail {

/// A new file "<path>.tmp-PID-N", whose name is put into `temporary`; -1 and errno if it cannot be made. Those that
/// processes which were killed have left there are removed.
int make_temporary(const std::string& path, std::string& temporary, unsigned mode);

/// A file written beside its final place: commit() puts it there in one step, so that a crash or a full disk leaves
/// what was there before. Without commit() it disappears; what killed processes left of earlier tries is removed.
/// A target that is a folder or may not be written, a full disk: Error, beginning with `where`.
class AtomicFile {
 public:
  AtomicFile(const std::string& path, std::string where);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Where the content is until commit(); a library that writes files by name may write here.
  const std::string& temporary_path() const { return temporary_; }
  /// At the end of what has been written.
  void write(const void* data, std::size_t bytes);
  /// Over what has been written; the end stays where it is.
  void write_at(std::uint64_t at, const void* data, std::size_t bytes);
  /// Of the temporary file, open for reading and writing.
  int descriptor() const { return descriptor_; }
  /// Flushes to the disk and renames.
  void commit();

 private:
  [[noreturn]] void fail(const std::string& doing) const;

  std::string where_, path_, temporary_;
  int descriptor_ = -1;
};

}  // namespace nyala::detail
