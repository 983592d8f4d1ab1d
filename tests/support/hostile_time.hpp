#pragma once

namespace hostile {

/// What one hostile input may take; slower builds get more.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(NDEBUG)
inline constexpr double seconds_at_most = 10.0;
#else
inline constexpr double seconds_at_most = 1.0;
#endif

}  // namespace hostile
