#include <nyala/backend.hpp>

#include <atomic>
#include <cstdlib>
#include <memory>

#include <nyala/error.hpp>

#include "backend/cpu/cpu_kernels.hpp"
#include "backend/gpu_module.hpp"
#include "backend/kernels.hpp"

namespace nyala::backend {
namespace {

/// The CPU's two sets of kernels and which of them is in use.
class CpuKernels {
 public:
  CpuKernels() {
    const char* wanted = std::getenv("NYALA_CPU_KERNELS");
    choose(wanted != nullptr && *wanted != '\0' ? wanted : "auto", "NYALA_CPU_KERNELS");
  }

  void choose(const std::string& which, const char* where) {
    if (which == "auto")
      current_ = fastest_.get();
    else if (which == "reference")
      current_ = reference_.get();
    else
      throw Error(std::string(where) + ": kernels must be \"auto\" or \"reference\", got \"" + which + "\"");
  }

  Kernels& current() const { return *current_.load(std::memory_order_relaxed); }

 private:
  std::unique_ptr<Kernels> reference_ = make_reference_kernels(), fastest_ = make_fastest_kernels();
  std::atomic<Kernels*> current_ = nullptr;
};

CpuKernels& cpu() {
  // Never destroyed: tensors and threads that outlive main() may still compute.
  static CpuKernels& kernels = *new CpuKernels;
  return kernels;
}

}  // namespace

Kernels& kernels_for(const Device& device) {
  if (device.kind() == Device::Kind::cpu) return cpu().current();
  return gpu_kernels(device);
}

Kernels& kernels(const Tensor& x) {
  if (!x.defined()) throw Error("an operation was given a null tensor where it needs a value");
  return kernels_for(x.device());
}

void require_same_device(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined() || a.device() == b.device()) return;
  throw Error("an operation takes tensors of one device, got \"" + a.device().name() + "\" and \"" + b.device().name() +
              "\"; move one with to()");
}

}  // namespace nyala::backend

namespace nyala {

void set_cpu_kernels(const std::string& which) { backend::cpu().choose(which, "set_cpu_kernels"); }
std::string cpu_kernels() { return backend::cpu().current().name(); }

}  // namespace nyala
