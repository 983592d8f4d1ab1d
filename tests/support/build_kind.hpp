#pragma once

namespace build_kind {

/// Whether this is a build for a debugger or with sanitizers, many times slower: tests that repeat themselves over
/// random or large cases take fewer of them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(NDEBUG)
inline constexpr bool slow = true;
#else
inline constexpr bool slow = false;
#endif

}  // namespace build_kind
