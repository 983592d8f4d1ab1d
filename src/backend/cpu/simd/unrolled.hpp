#pragma once

#include <cstdint>

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {
namespace {

/// fn(0), fn(1) … fn(count - 1) without a loop: arrays of registers stay in registers.
template <int count, class F>
[[gnu::always_inline]] inline void unrolled(F fn) {
#pragma GCC unroll 16
  for (int i = 0; i < count; ++i) fn(i);
}

template <int size, class F>
[[gnu::always_inline]] inline void of_size(std::int64_t wanted, const F& fn, std::int64_t first) {
  if (wanted == size) return fn.template operator()<size>(first);
  if constexpr (size > 1) of_size<size - 1>(wanted, fn, first);
}

/// fn<size>(first) for groups of at most `most` that share `count` out evenly.
template <int most, class F>
[[gnu::always_inline]] inline void in_groups(std::int64_t count, const F& fn) {
  for (std::int64_t first = 0, groups = (count + most - 1) / most; groups > 0; --groups) {
    const std::int64_t size = (count - first + groups - 1) / groups;
    of_size<most>(size, fn, first);
    first += size;
  }
}

}  // namespace
}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
