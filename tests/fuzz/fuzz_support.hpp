#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include <nyala/error.hpp>

namespace nyala::fuzz {

/// The bytes as a file, in memory; one per process.
inline std::string as_file(const std::uint8_t* data, std::size_t size, const char* ending) {
  const std::string path = "/dev/shm/nyala-fuzz-" + std::to_string(::getpid()) + ending;
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (descriptor < 0 || ::write(descriptor, data, size) != static_cast<ssize_t>(size)) ::abort();
  ::close(descriptor);
  return path;
}

/// Runs it; an Error must name the file, everything else is a finding.
template <class F>
void expect_error_or_success(const std::string& path, F run) {
  try {
    run();
  } catch (const Error& error) {
    if (std::string(error.what()).find(path) == std::string::npos) ::abort();
  }
}

}  // namespace nyala::fuzz
