#include "backend/cpu/simd/nn_loops.hpp"

#include <cstring>

#include "backend/cpu/simd/shallow_conv.hpp"
#include "backend/cpu/simd/table.hpp"
#include "backend/cpu/simd/winograd.hpp"

namespace nyala::backend::simd {

const NnLoops* nn_loops(const char* name) {
  if (simd_table(name) == nullptr) return nullptr;
  if (std::strcmp(name, "avx512") == 0) return &avx512::nn_loops;
  return std::strcmp(name, "avx2") == 0 ? &avx2::nn_loops : &sse42::nn_loops;
}

const ShallowConvLoops& shallow_conv_loops(const SimdTable& table) {
  if (std::strcmp(table.name, "avx512") == 0) return avx512::shallow_conv_loops;
  return std::strcmp(table.name, "avx2") == 0 ? avx2::shallow_conv_loops : sse42::shallow_conv_loops;
}

const WinogradLoops& winograd_loops(const SimdTable& table) {
  if (std::strcmp(table.name, "avx512") == 0) return avx512::winograd_loops;
  return std::strcmp(table.name, "avx2") == 0 ? avx2::winograd_loops : sse42::winograd_loops;
}

const NnLoops& nn_loops() {
  static const NnLoops& chosen = *nn_loops(best_simd_table()->name);
  return chosen;
}

}  // namespace nyala::backend::simd
