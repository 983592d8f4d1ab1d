#include "backend/cpu/onednn/onednn_kernels.hpp"

#include "backend/cpu/cpu_kernels.hpp"

namespace nyala::backend {

std::string OneDnnKernels::name() const { return "onednn"; }

std::unique_ptr<Kernels> make_onednn_kernels() { return std::make_unique<OneDnnKernels>(); }

}  // namespace nyala::backend
