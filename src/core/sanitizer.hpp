#pragma once

#include <cstddef>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define NYALA_ADDRESS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define NYALA_ADDRESS_SANITIZER
#endif

#ifdef NYALA_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace nyala::detail {

/// In AddressSanitizer builds an access to these bytes is reported until unpoison(); otherwise nothing.
inline void poison([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef NYALA_ADDRESS_SANITIZER
  __asan_poison_memory_region(begin, bytes);
#endif
}

inline void unpoison([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef NYALA_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(begin, bytes);
#endif
}

}  // namespace nyala::detail
