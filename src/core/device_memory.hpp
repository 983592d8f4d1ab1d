#pragma once

#include <cstddef>
#include <string>

#include <nyala/device.hpp>
#include <nyala/memory.hpp>
#include <nyala/tensor.hpp>

namespace nyala::detail {

/// The memory of one device other than the CPU. All work on a device happens in the order in which it was asked for,
/// from whatever thread: a block may be freed while work that uses it is still under way, and taken again by later
/// work.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;

  /// At least `bytes` bytes, aligned to 256, contents undefined; never null. Throws Error naming what was asked, what
  /// is live and what is free when the device has no more.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void deallocate(void* block, std::size_t bytes) noexcept = 0;

  /// From host memory, which may be changed once this returns; the device's copy is there for all later work.
  virtual void upload(void* to, const void* from, std::size_t bytes) = 0;
  /// To host memory; waits for the work before it.
  virtual void download(void* to, const void* from, std::size_t bytes) = 0;
  /// Within the device.
  virtual void copy(void* to, const void* from, std::size_t bytes) = 0;
  /// Waits until all work is done; throws Error for a fault that work has met.
  virtual void synchronize() = 0;
  /// Throws Error(message) at the next download() or synchronize() if the bool on the device is false then.
  virtual void require_later(const void* flag, const std::string& message) = 0;

  virtual MemoryStats stats() = 0;
  virtual void reset_peak() = 0;
  virtual void empty_cache() = 0;
};

/// Loads the GPU module at the first call. Throws Error saying why for a device that does not work here. (These three
/// are defined by the backend, which knows the modules.)
DeviceMemory& device_memory(const Device& device);
/// GPUs that work here.
int gpu_count();
/// Whether this process has asked for a GPU that works: where not, no tensor needs to be asked where it is.
bool gpu_in_use() noexcept;

/// Those of the tensors that are on the CPU moved to the device, with their masks; null ones stay null.
Tensor upload(const Tensor& tensor, const Device& device);
Tensors upload(const Tensors& tensors, const Device& device);

/// While it lives, default_device() is the CPU in this thread: for data pipelines, whose functions make tensors beside
/// those of the host.
class HostScope {
 public:
  HostScope();
  ~HostScope();
  HostScope(const HostScope&) = delete;
  HostScope& operator=(const HostScope&) = delete;

 private:
  bool before_;
};

/// While it lives, mistakes that a GPU finds later in this thread's operations are told with the layer that asked.
class LatePlace {
 public:
  LatePlace(std::string layer, std::string class_name);
  ~LatePlace();
  LatePlace(const LatePlace&) = delete;
  LatePlace& operator=(const LatePlace&) = delete;

  /// As LayerError begins, with the way to the innermost layer; empty outside of layers.
  static std::string current();

 private:
  std::string layer_, class_name_;
  LatePlace* outer_;
};

}  // namespace nyala::detail
