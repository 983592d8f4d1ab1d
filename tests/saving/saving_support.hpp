#pragma once

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>

namespace nyala::saving_test {

/// A folder of this process that goes at the end.
struct Folder {
  Folder() : path(std::filesystem::temp_directory_path() / ("nyala_saving_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name) const { return (path / name).string(); }
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path)) count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
  std::filesystem::path path;
};

/// The path of a file of tests/golden/files.
inline std::string golden_file(const std::string& name) {
  const char* folder = std::getenv("NYALA_GOLDEN_DIR");
  return std::string(folder != nullptr ? folder : NYALA_SOURCE_DIR "/tests/golden") + "/files/" + name;
}

inline bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b, double tolerance = 0.0) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].shape() != b[i].shape()) return false;
    const auto x = a[i].to_vector<double>(), y = b[i].to_vector<double>();
    for (std::size_t j = 0; j < x.size(); ++j) {
      if (!(std::fabs(x[j] - y[j]) <= tolerance)) return false;
    }
  }
  return true;
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace nyala::saving_test
