#pragma once

#include "backend/cpu/simd/vector.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {

/// The sum of f over a row, f(rest) being 0. Lanes add up at most 16 numbers in float32; all else is double.
template <class F>
[[gnu::always_inline]] inline double sum_of(const float* x, std::int64_t n, F f, float rest = 0.0F) {
  DoublePair total;
  std::int64_t i = 0;
  while (n - i >= 4 * lanes) {
    const std::int64_t whole = (n - i) / (4 * lanes), steps = whole < 16 ? whole : 16;
    Floats parts[4] = {};
    for (std::int64_t step = 0; step < steps; ++step, i += 4 * lanes) {
      for (int v = 0; v < 4; ++v) parts[v] += f(load(x + i + v * lanes));
    }
    for (int v = 0; v < 4; ++v) total.add(parts[v]);
  }
  for (; i + lanes <= n; i += lanes) total.add(f(load(x + i)));
  if (i < n) total.add(f(load_part(x + i, n - i, rest)));
  return total.sum();
}

[[gnu::always_inline]] inline float max_of(const float* x, std::int64_t n) {
  Floats best = splat(-__builtin_inff());
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) best = maximum(best, load(x + i));
  if (i < n) best = maximum(best, load_part(x + i, n - i, -__builtin_inff()));
  return largest(best);
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
