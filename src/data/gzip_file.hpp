#pragma once

#include <cstddef>
#include <memory>
#include <string>

struct gzFile_s;

namespace nyala::detail {

/// A file of a data set, gzipped or not.
class GzipFile {
 public:
  /// Throws Error if it cannot be opened.
  explicit GzipFile(const std::string& path);

  [[noreturn]] void fail(const std::string& what) const;
  /// How many bytes there were, at most `count`. Throws Error for a damaged file.
  std::size_t read(void* out, std::size_t count);

 private:
  std::string path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile_s*)> file_;
};

}  // namespace nyala::detail
