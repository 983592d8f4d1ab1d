#pragma once

#include <string>
#include <vector>

#include "backend/device_backend.hpp"

namespace nyala::backend {

/// What became of the search for the GPU module, which happens once, at first use.
struct GpuModule {
  DeviceBackend* backend = nullptr;  // null if no module could be opened; else it may still have no device
  std::string path;                  // of the module that was opened, or that was found and refused
  std::vector<std::string> looked_at;
  std::string why;  // why no GPU can be used; empty if at least one can
};

/// The environment variable NYALA_CUDA_MODULE names the module's file; without it libnyala_cuda.so is looked for beside
/// libnyala and where the system looks for libraries.
const GpuModule& gpu_module();

/// Throws Error saying why if it does not work here.
Kernels& gpu_kernels(const Device& device);

}  // namespace nyala::backend
