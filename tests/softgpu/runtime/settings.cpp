#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "control.h"
#include "runtime/engine.hpp"

namespace softgpu {
namespace {

struct Settings {
  std::mutex mutex;
  std::map<std::string, long> values, counts, faults;
  std::uint64_t random = 1;

  Settings() {
    values = {{"devices", 1}, {"driver", 13000}, {"cudnn", 91900}, {"memory", 8L << 30}, {"capability", 90}};
    for (auto& [name, value] : values) {
      std::string variable = "NYALA_SOFTGPU_" + name;
      for (char& letter : variable) letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 32) : letter;
      if (const char* given = std::getenv(variable.c_str())) value = std::atol(given);
    }
    if (const char* seed = std::getenv("NYALA_SOFTGPU_SEED")) random = std::strtoull(seed, nullptr, 10) * 2 + 1;
    std::string rest = std::getenv("NYALA_SOFTGPU_FAULTS") != nullptr ? std::getenv("NYALA_SOFTGPU_FAULTS") : "";
    while (!rest.empty()) {
      const std::size_t comma = rest.find(','), colon = rest.find(':');
      if (colon < comma) faults[rest.substr(0, colon)] = std::atol(rest.c_str() + colon + 1);
      rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    }
  }
};

Settings& settings() {
  static Settings& all = *new Settings;
  return all;
}

}  // namespace

void count(const char* kind) {
  Settings& all = settings();
  const std::lock_guard lock(all.mutex);
  ++all.counts[kind];
}

bool fault(const char* kind) {
  Settings& all = settings();
  const std::lock_guard lock(all.mutex);
  const auto found = all.faults.find(kind);
  if (found == all.faults.end() || found->second == 0) return false;
  return --found->second == 0;
}

long setting(const char* name) {
  Settings& all = settings();
  const std::lock_guard lock(all.mutex);
  return all.values.at(name);
}

std::uint32_t random_number() {
  Settings& all = settings();
  const std::lock_guard lock(all.mutex);
  all.random = all.random * 6364136223846793005ULL + 1442695040888963407ULL;
  return static_cast<std::uint32_t>(all.random >> 33);
}

}  // namespace softgpu

extern "C" {

void softgpu_fail(const char* kind, long n) {
  const std::lock_guard lock(softgpu::settings().mutex);
  softgpu::settings().faults[kind] = n;
}

void softgpu_set(const char* name, long value) {
  const std::lock_guard lock(softgpu::settings().mutex);
  softgpu::settings().values.at(name) = value;
}

long softgpu_count(const char* kind) {
  const std::lock_guard lock(softgpu::settings().mutex);
  return softgpu::settings().counts[kind];
}

void softgpu_reset_counts() {
  const std::lock_guard lock(softgpu::settings().mutex);
  softgpu::settings().counts.clear();
}
}
