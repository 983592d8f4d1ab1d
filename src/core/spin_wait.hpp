#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "core/spin_lock.hpp"

namespace nyala::detail {

/// Waits a few microseconds without sleeping, where that pays. A wait that takes far longer than its turns can explain
/// was interrupted by the scheduler: then others want the processor, and for a while nobody here spins.
class SpinWait {
 public:
  /// Whether `ready()` came true within the budget. One thread uses an object; all share `busy_until`.
  template <class Ready>
  bool operator()(std::atomic<std::int64_t>& busy_until, Ready&& ready) {
    if (ready()) return true;
    const std::int64_t start = nanoseconds();
    if (start < busy_until.load(std::memory_order_relaxed)) return false;
    for (std::int64_t now = start, before = start; now - start < budget_; before = now) {
      for (int turn = 0; turn < 8; ++turn) {
        if (ready()) {
          budget_ = std::min(budget_ * 2, longest);
          return true;
        }
        spin_pause();
      }
      now = nanoseconds();
      if (now - before > interrupted) {
        busy_until.store(now + busy_time, std::memory_order_relaxed);
        break;
      }
    }
    budget_ = std::max(budget_ / 2, shortest);
    return ready();
  }

 private:
  static constexpr std::int64_t shortest = 1'000, longest = 30'000;
  static constexpr std::int64_t interrupted = 200'000, busy_time = 50'000'000;

  static std::int64_t nanoseconds() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  std::int64_t budget_ = longest;
};

}  // namespace nyala::detail
