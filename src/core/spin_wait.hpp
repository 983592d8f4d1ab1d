#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "core/spin_lock.hpp"

namespace nyala::detail {

/// Waits up to 100 µs without sleeping, where that pays. A wait that takes far longer than its turns can explain
/// was interrupted by the scheduler: then others want the processor, and for a while nobody here spins. Waits in vain
/// make the next one shorter, those that were only too short (`slept_until`) make it long again.
class SpinWait {
 public:
  /// Whether `ready()` came true within the budget. One thread uses an object; all share `busy_until`.
  template <class Ready>
  bool operator()(std::atomic<std::int64_t>& busy_until, Ready&& ready) {
    if (ready()) return true;
    start_ = nanoseconds();
    if (start_ < busy_until.load(std::memory_order_relaxed)) return false;
    for (std::int64_t now = start_, before = start_; now - start_ < budget_; before = now) {
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

  /// A wait in vain was followed by sleep, and `called`, by nanoseconds(), is when that came for which it waited.
  void slept_until(std::int64_t called) {
    if (called - start_ < longest) budget_ = longest;
  }

  static std::int64_t nanoseconds() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

 private:
  static constexpr std::int64_t shortest = 1'000, longest = 100'000;
  static constexpr std::int64_t interrupted = 200'000, busy_time = 50'000'000;

  std::int64_t budget_ = longest, start_ = 0;
};

}  // namespace nyala::detail
