#include "backend/cpu/onednn/onednn_kernels.hpp"

#include "backend/cpu/amx/split_product.hpp"
#include "backend/cpu/cpu_kernels.hpp"
#include "backend/cpu/onednn/primitives.hpp"

namespace nyala::backend {

std::string OneDnnKernels::name() const { return "onednn+" + SimdKernels::name(); }

std::unique_ptr<Kernels> make_onednn_kernels(const SimdTable& table) {
  onednn::limit_instructions(table.name);
  return std::make_unique<OneDnnKernels>(table, amx::has_tiles());
}

}  // namespace nyala::backend
