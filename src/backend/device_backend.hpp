#pragma once

#include <string>

#include "backend/kernels.hpp"
#include "core/device_memory.hpp"

namespace nyala::backend {

/// What a GPU module (libnyala_cuda.so) offers to libnyala.
class DeviceBackend {
 public:
  virtual ~DeviceBackend() = default;

  /// "cuda"
  virtual std::string name() const = 0;
  /// Why no device can be used ("no NVIDIA driver is installed", …); empty if at least one works.
  virtual std::string why_unusable() const = 0;
  /// 0 where none can be used.
  virtual int device_count() const = 0;
  /// For people: "NVIDIA A100-SXM4-80GB, compute capability 8.0, 79.2 GiB".
  virtual std::string describe_device(int index) const = 0;
  /// For people: the versions of the driver and of the libraries, one a line.
  virtual std::string versions() const = 0;

  /// Made at first use and never destroyed. Throws Error if the device cannot be used.
  virtual detail::DeviceMemory& memory(int index) = 0;
  virtual Kernels& kernels(int index) = 0;
};

/// What a module's one entry point, `extern "C" const DeviceModule* nyala_device_module()`, returns. The text comes
/// first, so that it can be read whatever the version.
struct DeviceModule {
  const char* abi;  // must equal module_abi of the libnyala that opens it
  DeviceBackend& (*backend)();
};

/// To be raised with every change of Kernels, DeviceBackend, DeviceMemory, TensorImpl or Storage.
inline constexpr const char* module_abi = "nyala " NYALA_VERSION " module 1";
inline constexpr const char* module_entry = "nyala_device_module";

}  // namespace nyala::backend
