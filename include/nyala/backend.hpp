#pragma once

#include <string>

namespace nyala {

/// Chooses the CPU's kernels: "auto" (the fastest that this machine and build have) or "reference" (xtensor: readable,
/// slow, what all others are tested against). The environment variable NYALA_CPU_KERNELS does the same at start.
/// Throws Error for another name.
void set_cpu_kernels(const std::string& which);
/// "reference", or what "auto" chose: for instance "onednn+avx512".
std::string cpu_kernels();

}  // namespace nyala
