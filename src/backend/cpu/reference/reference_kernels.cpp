#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {

std::string ReferenceKernels::name() const { return "reference"; }

}  // namespace nyala::backend
