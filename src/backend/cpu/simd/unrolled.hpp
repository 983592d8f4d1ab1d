#pragma once

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {
namespace {

/// fn(0), fn(1) … fn(count - 1) without a loop: arrays of registers stay in registers.
template <int count, class F>
[[gnu::always_inline]] inline void unrolled(F fn) {
#pragma GCC unroll 16
  for (int i = 0; i < count; ++i) fn(i);
}

}  // namespace
}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
