// Times of saving and loading a model of that many megabytes, in the format of the file name, beside plain write and
// read of as many bytes; and the most memory that was in use. usage: files_bench save|load|plain FILE [MEGABYTES]
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <nyala/nyala.hpp>

using namespace nyala;

namespace {

double seconds_of(const auto& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

/// Eight dense layers of equal size.
Sequential model_of(double megabytes) {
  const int width = static_cast<int>(std::sqrt(megabytes * 1048576.0 / 4.0 / 8.0));
  std::vector<LayerRef> layers{LayerRef(Input({width}))};
  for (int i = 0; i < 8; ++i) layers.push_back(Dense(width, {.activation = "relu", .kernel_initializer = "zeros"}));
  return Sequential(layers);
}

void plain(const std::string& path, double megabytes) {
  std::vector<char> bytes(static_cast<std::size_t>(megabytes * 1048576.0), 1);
  const double written = seconds_of([&] {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t part = ::write(file, bytes.data() + at, bytes.size() - at);
      if (part <= 0) std::abort();
      at += static_cast<std::size_t>(part);
    }
    ::fsync(file);
    ::close(file);
  });
  bytes = std::vector<char>();
  const double read = seconds_of([&] {
    bytes.resize(static_cast<std::size_t>(megabytes * 1048576.0));
    const int file = ::open(path.c_str(), O_RDONLY);
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t part = ::read(file, bytes.data() + at, bytes.size() - at);
      if (part <= 0) std::abort();
      at += static_cast<std::size_t>(part);
    }
    ::close(file);
  });
  std::printf("plain write %.3f s, read %.3f s\n", written, read);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string what = argv[1], path = argv[2];
  const double megabytes = argc > 3 ? std::atof(argv[3]) : 400.0;
  if (what == "plain") {
    plain(path, megabytes);
  } else if (what == "save") {
    const Sequential model = model_of(megabytes);
    const double before = peak_megabytes();
    const double seconds = seconds_of([&] { model.save(path); });
    std::printf("save %s %.3f s, peak %.0f MB (%.0f before)\n", path.c_str(), seconds, peak_megabytes(), before);
  } else {
    load_model(path);  // libraries, caches
    double best = 1e9;
    for (int i = 0; i < (megabytes < 50.0 ? 20 : 3); ++i)
      best = std::min(best, seconds_of([&] { static_cast<void>(load_model(path)); }));
    std::printf("load %s %.4f s, peak %.0f MB\n", path.c_str(), best, peak_megabytes());
  }
}
