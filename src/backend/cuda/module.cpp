#include <memory>
#include <mutex>
#include <vector>

#include <nyala/error.hpp>

#include "backend/cuda/cuda_kernels.hpp"
#include "backend/device_backend.hpp"
#include "core/byte_text.hpp"

namespace nyala::backend::cuda {
namespace {

/// 13000 -> "13.0"
std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// Version 9 began to count majors in tens of thousands; 8 and before had thousands.
std::string dnn_version_text(std::size_t version) {
  const std::size_t major = version < 90000 ? 1000 : 10000;
  return std::to_string(version / major) + "." + std::to_string(version % major / 100) + "." +
         std::to_string(version % 100);
}

/// What can be known without a device.
struct Survey {
  int driver = 0, runtime = 0, count = 0;
  std::string why;

  Survey() {
    (void)cudaRuntimeGetVersion(&runtime);
    (void)cudaDriverGetVersion(&driver);
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess) {
      (void)cudaGetLastError();
      count = 0;
    }
    if (driver == 0) {
      why = "no NVIDIA driver is installed (libcuda.so.1 was not found)";
    } else if (status == cudaErrorInsufficientDriver) {
      why = "the NVIDIA driver is too old: it supports CUDA " + version_text(driver) +
            ", this module needs a driver for CUDA " + version_text(runtime);
    } else if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0)) {
      why = "there is no NVIDIA GPU, or CUDA_VISIBLE_DEVICES hides it";
    } else if (status != cudaSuccess) {
      why = std::string("the NVIDIA driver reports ") + cudaGetErrorName(status) + " (" + cudaGetErrorString(status) +
            ")";
    } else if (cudnnGetVersion() / 10000 != CUDNN_MAJOR) {
      why = "cuDNN " + dnn_version_text(cudnnGetVersion()) + " was found, this module needs cuDNN " +
            std::to_string(CUDNN_MAJOR);
      count = 0;
    }
  }
};

class CudaBackend final : public DeviceBackend {
 public:
  CudaBackend() : devices_(static_cast<std::size_t>(survey_.count)) {}

  std::string name() const override { return "cuda"; }
  std::string why_unusable() const override { return survey_.why; }
  int device_count() const override { return survey_.count; }

  std::string describe_device(int index) const override {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, index), "device properties");
    return std::string(properties.name) + ", compute capability " + std::to_string(properties.major) + "." +
           std::to_string(properties.minor) + ", " + detail::byte_text(properties.totalGlobalMem);
  }

  std::string versions() const override {
    return "driver for CUDA " + (survey_.driver == 0 ? std::string("none") : version_text(survey_.driver)) +
           "\nCUDA runtime " + version_text(survey_.runtime) + "\ncuBLASLt " + std::to_string(cublasLtGetVersion()) +
           "\ncuDNN " + dnn_version_text(cudnnGetVersion()) +
           "\nbuilt for compute capabilities " NYALA_CUDA_ARCHITECTURES;
  }

  detail::DeviceMemory& memory(int index) override { return kernels_of(index).context(); }
  Kernels& kernels(int index) override { return kernels_of(index); }

 private:
  struct Entry {
    std::once_flag once;
    std::unique_ptr<Context> context;
    std::unique_ptr<CudaKernels> kernels;
  };

  CudaKernels& kernels_of(int index) {
    Entry& entry = devices_.at(static_cast<std::size_t>(index));
    std::call_once(entry.once, [&] {
      entry.context = std::make_unique<Context>(index);
      entry.kernels = std::make_unique<CudaKernels>(*entry.context);
    });
    return *entry.kernels;
  }

  Survey survey_;
  std::vector<Entry> devices_;
};

DeviceBackend& backend() {
  // Never destroyed: tensors may outlive main().
  static CudaBackend& instance = *new CudaBackend;
  return instance;
}

}  // namespace
}  // namespace nyala::backend::cuda

extern "C" [[gnu::visibility("default")]] const nyala::backend::DeviceModule* nyala_device_module();

extern "C" const nyala::backend::DeviceModule* nyala_device_module() {
  static constexpr nyala::backend::DeviceModule module{nyala::backend::module_abi, &nyala::backend::cuda::backend};
  return &module;
}
