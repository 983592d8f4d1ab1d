#include "backend/cpu/simd/nn_loops.hpp"

#include <cstring>

#include "backend/cpu/simd/table.hpp"

namespace nyala::backend::simd {

const NnLoops* nn_loops(const char* name) {
  if (simd_table(name) == nullptr) return nullptr;
  if (std::strcmp(name, "avx512") == 0) return &avx512::nn_loops;
  return std::strcmp(name, "avx2") == 0 ? &avx2::nn_loops : &sse42::nn_loops;
}

const NnLoops& nn_loops() {
  static const NnLoops& chosen = *nn_loops(best_simd_table()->name);
  return chosen;
}

}  // namespace nyala::backend::simd
