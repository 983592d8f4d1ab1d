#pragma once

#include <time.h>

#include <algorithm>

#include "support/build_kind.hpp"

namespace hostile {

/// What one hostile input may take.
inline constexpr double seconds_at_most = build_kind::slow ? 10.0 : 1.0;

/// Seconds of this thread's work since it was made, so that a busy machine does not count; ten seconds on the wall are
/// one.
class Stopwatch {
 public:
  double seconds() const { return std::max(now(CLOCK_THREAD_CPUTIME_ID) - work_, (now(CLOCK_MONOTONIC) - wall_) / 10); }

 private:
  static double now(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }
  double work_ = now(CLOCK_THREAD_CPUTIME_ID), wall_ = now(CLOCK_MONOTONIC);
};

}  // namespace hostile
