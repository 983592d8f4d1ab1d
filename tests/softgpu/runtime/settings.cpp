#include <algorithm>
#include <array>
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

constexpr std::array fault_kinds{"allocation", "pinned",  "launch", "copy",    "illegal_address", "event", "matmul",
                                 "heuristic",  "engines", "plan",   "execute", "handle",          "rnn",   "softmax"};
constexpr std::array count_kinds{"launches",  "allocations",      "frees",   "copies", "pageable_copies",
                                 "streams",   "synchronisations", "matmuls", "plans",  "executions",
                                 "softmaxes", "mirrored"};

/// A misspelt kind would make a test that cannot fail.
template <std::size_t n>
void require_known(const std::array<const char*, n>& kinds, const std::string& kind, const char* what) {
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) violation(std::string("no ") + what + ": " + kind);
}

struct Settings {
  std::mutex mutex;
  std::map<std::string, long> values, counts, faults;
  std::uint64_t random = 1;

  Settings() {
    values = {{"devices", 1},       {"driver", 13000},  {"cudnn", 91900},
              {"memory", 8L << 30}, {"capability", 90}, {"relu_zero", 0}};
    for (auto& [name, value] : values) {
      std::string variable = "NYALA_SOFTGPU_" + name;
      for (char& letter : variable) letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 32) : letter;
      if (const char* given = std::getenv(variable.c_str())) value = std::atol(given);
    }
    if (const char* seed = std::getenv("NYALA_SOFTGPU_SEED")) random = std::strtoull(seed, nullptr, 10) * 2 + 1;
    std::string rest = std::getenv("NYALA_SOFTGPU_FAULTS") != nullptr ? std::getenv("NYALA_SOFTGPU_FAULTS") : "";
    while (!rest.empty()) {
      const std::size_t comma = rest.find(','), colon = rest.find(':');
      const std::string kind = rest.substr(0, std::min(colon, comma));
      require_known(fault_kinds, kind, "kind of fault");
      if (colon < comma) faults[kind] = std::atol(rest.c_str() + colon + 1);
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
  require_known(count_kinds, kind, "kind of count");
  Settings& all = settings();
  const std::lock_guard lock(all.mutex);
  ++all.counts[kind];
}

bool fault(const char* kind) {
  require_known(fault_kinds, kind, "kind of fault");
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
  softgpu::require_known(softgpu::fault_kinds, kind, "kind of fault");
  const std::lock_guard lock(softgpu::settings().mutex);
  softgpu::settings().faults[kind] = n;
}

void softgpu_set(const char* name, long value) {
  const std::lock_guard lock(softgpu::settings().mutex);
  softgpu::settings().values.at(name) = value;
}

long softgpu_count(const char* kind) {
  softgpu::require_known(softgpu::count_kinds, kind, "kind of count");
  const std::lock_guard lock(softgpu::settings().mutex);
  return softgpu::settings().counts[kind];
}

void softgpu_reset_counts() {
  const std::lock_guard lock(softgpu::settings().mutex);
  softgpu::settings().counts.clear();
}
}
