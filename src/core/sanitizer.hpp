#pragma once

#include <cstddef>

// Present in AddressSanitizer's runtime only; null in other builds.
extern "C" {
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* begin, std::size_t bytes);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* begin, std::size_t bytes);
}

namespace nyala::detail {

/// Under AddressSanitizer an access to these bytes is reported until unpoison(); otherwise nothing.
inline void poison(void* begin, std::size_t bytes) noexcept {
  if (&__asan_poison_memory_region != nullptr) __asan_poison_memory_region(begin, bytes);
}

inline void unpoison(void* begin, std::size_t bytes) noexcept {
  if (&__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(begin, bytes);
}

}  // namespace nyala::detail
