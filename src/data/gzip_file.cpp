#include "data/gzip_file.hpp"

#include <zlib.h>

#include <algorithm>

#include <nyala/error.hpp>

namespace nyala::detail {

GzipFile::GzipFile(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb"), gzclose) {
  if (file_ == nullptr) fail("cannot be opened");
}

void GzipFile::fail(const std::string& what) const { throw Error("datasets: " + path_ + " " + what); }

std::size_t GzipFile::read(void* out, std::size_t count) {
  std::size_t done = 0;
  while (done < count) {
    const auto part = static_cast<unsigned>(std::min<std::size_t>(count - done, 1 << 20));
    const int got = gzread(file_.get(), static_cast<char*>(out) + done, part);
    int code = Z_OK;
    const std::string message = gzerror(file_.get(), &code);
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) fail("is damaged or cut off (" + message + ")");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace nyala::detail
