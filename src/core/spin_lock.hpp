#pragma once

#include <immintrin.h>

#include <atomic>
#include <thread>

namespace nyala::detail {

/// Tells the processor that the thread is waiting in a loop.
inline void spin_pause() noexcept { _mm_pause(); }

/// For sections of a few instructions that hardly ever meet.
class SpinLock {
 public:
  void lock() noexcept {
    while (locked_.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
  }
  void unlock() noexcept { locked_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> locked_{false};
};

}  // namespace nyala::detail
