#include "backend/cpu/cpu_kernels.hpp"

#include "backend/cpu/amx/split_product.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"

namespace nyala::backend {

std::unique_ptr<Kernels> make_reference_kernels() { return std::make_unique<ReferenceKernels>(); }

std::unique_ptr<Kernels> make_fastest_kernels() {
  const SimdTable* table = best_simd_table();
  if (table == nullptr) return make_reference_kernels();
  if (auto fastest = make_onednn_kernels(*table)) return fastest;
  return std::make_unique<SimdKernels>(*table, amx::has_tiles());
}

}  // namespace nyala::backend
