#pragma once

#include <string>

namespace nyala {

/// Chooses the CPU's kernels: "auto" (the fastest that this machine and build have) or "reference" (xtensor: readable,
/// slow, what all others are tested against). The environment variable NYALA_CPU_KERNELS does the same at start.
/// Throws Error for another name.
void set_cpu_kernels(const std::string& which);
/// "reference", or what "auto" chose: for instance "onednn+avx512".
std::string cpu_kernels();

/// From now on only algorithms that give the same bits each time; an operation that has none on its device throws
/// Error. (The CPU's, and nearly all of the GPU's, always do.)
/// https://www.tensorflow.org/api_docs/python/tf/config/experimental/enable_op_determinism
void enable_op_determinism();
bool op_determinism_enabled();

/// Whether the GPU may round the operands of float32 matrix products and convolutions to 10 bits of fraction
/// (TensorFloat-32), which is several times as fast. Default: it may not.
void enable_tensor_float_32_execution(bool enabled);
bool tensor_float_32_execution_enabled();

}  // namespace nyala
