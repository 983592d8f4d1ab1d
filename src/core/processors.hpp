#pragma once

#include <string>

namespace nyala::detail {

/// Processors that this process may use: the affinity mask, less what the control groups' quota leaves; at least 1.
int available_processors();

/// The threads that a cgroup v2 "cpu.max" ("200000 100000", "max 100000") allows, rounded up; 0 without a limit.
int processors_of_quota(const std::string& cpu_max);

/// Asks the scheduler to give the calling thread its share of a busy processor in short turns, so that it starts soon
/// after it is woken. Linux 6.12 and later; without effect elsewhere.
void prefer_short_turns();

/// A count of threads from 1 to 1024 as text; throws Error naming `where` for anything else.
int parse_thread_count(const std::string& text, const std::string& where);

}  // namespace nyala::detail
