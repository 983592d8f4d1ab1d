#include "core/processors.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <thread>

#include <nyala/error.hpp>

namespace nyala::detail {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

int affinity_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::thread::hardware_concurrency());
}

int smaller_limit(int a, int b) { return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b); }

// Every group above the process's own limits it too.
int group_limit() {
  int limit = processors_of_quota(first_line("/sys/fs/cgroup/cpu.max"));
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::/")) continue;
    for (std::string path = line.substr(3); path.size() > 1; path.erase(path.rfind('/')))
      limit = smaller_limit(limit, processors_of_quota(first_line("/sys/fs/cgroup" + path + "/cpu.max")));
  }
  const std::string v1 = "/sys/fs/cgroup/cpu/cpu.cfs_";
  const std::string quota = first_line(v1 + "quota_us");
  if (!quota.empty() && quota[0] != '-')
    limit = smaller_limit(limit, processors_of_quota(quota + " " + first_line(v1 + "period_us")));
  return limit;
}

// What the system call sched_setattr takes; the C library declares neither.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes), policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;
};

}  // namespace

// A thread that waits for work sleeps often. On a busy processor its neighbours, which never sleep, would finish their
// turns of milliseconds first, while a job takes microseconds.
void prefer_short_turns() {
  if (sched_getscheduler(0) != SCHED_OTHER) return;
  SchedulingAttributes attributes;
  attributes.nice = getpriority(PRIO_PROCESS, 0);
  attributes.runtime = 100'000;
  static_cast<void>(syscall(SYS_sched_setattr, 0, &attributes, 0));
}

int processors_of_quota(const std::string& cpu_max) {
  std::istringstream in(cpu_max);
  long long quota = 0, period = 0;
  if (!(in >> quota >> period) || quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min<long long>((quota - 1) / period + 1, 1 << 20));
}

int available_processors() {
  const int affinity = std::max(affinity_processors(), 1);
  const int limit = group_limit();
  return std::clamp(limit == 0 ? affinity : std::min(affinity, limit), 1, 1024);
}

int parse_thread_count(const std::string& text, const std::string& where) {
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 1 || count > 1024)
    throw Error(where + ": the number of threads must be from 1 to 1024, got '" + text + "'");
  return count;
}

}  // namespace nyala::detail
