#pragma once

#include <memory>

#include "backend/cpu/simd/table.hpp"
#include "backend/kernels.hpp"

namespace nyala::backend {

/// The reference.
std::unique_ptr<Kernels> make_reference_kernels();
/// The fastest that this machine and build have.
std::unique_ptr<Kernels> make_fastest_kernels();
/// oneDNN's kernels over the vectorised ones; null in a build without oneDNN.
std::unique_ptr<Kernels> make_onednn_kernels(const SimdTable& table);

}  // namespace nyala::backend
