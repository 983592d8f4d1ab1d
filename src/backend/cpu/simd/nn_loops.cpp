#include "backend/cpu/simd/nn_loops.hpp"

namespace nyala::backend::simd {

const NnLoops& nn_loops() {
  static const NnLoops& chosen = [&]() -> const NnLoops& {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
      return avx512::nn_loops;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? avx2::nn_loops : sse42::nn_loops;
  }();
  return chosen;
}

}  // namespace nyala::backend::simd
