#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "backend/cuda/check.hpp"
#include "core/device_memory.hpp"

namespace nyala::backend::cuda {

class Context;

/// Device memory for the length of a scope. It may end while kernels that use it are still queued: what is freed is
/// taken again by later work only.
class Scratch {
 public:
  Scratch() = default;
  Scratch(Context& context, std::size_t bytes);
  ~Scratch();
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&& other) noexcept;

  /// Null only if no bytes were asked for.
  void* data() const { return data_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  Context* context_ = nullptr;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// One device. All its work goes into one stream, in the order of the calls, so that tensors may pass from thread to
/// thread without events, and results do not depend on which thread was first on the device. Any thread may call.
class Context final : public detail::DeviceMemory {
 public:
  explicit Context(int index);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  int index() const { return index_; }
  std::string device_name() const;
  /// 10 * major + minor: 80, 90, …
  int compute_capability() const { return compute_capability_; }

  /// The device's stream; makes the device the calling thread's current one. Call it before any CUDA call.
  cudaStream_t stream() const;
  /// Safe for use by many threads.
  cublasLtHandle_t blas();
  /// The calling thread's handle, set to stream().
  cudnnHandle_t dnn();

  /// Null for 0 bytes.
  Scratch scratch(std::size_t bytes) { return Scratch(*this, bytes); }
  /// For `count` elements of T.
  template <class T>
  Scratch scratch_of(std::int64_t count) {
    return Scratch(*this, static_cast<std::size_t>(count) * sizeof(T));
  }

  void* allocate(std::size_t bytes) override;
  void deallocate(void* block, std::size_t bytes) noexcept override;
  void upload(void* to, const void* from, std::size_t bytes) override;
  void download(void* to, const void* from, std::size_t bytes) override;
  void copy(void* to, const void* from, std::size_t bytes) override;
  void synchronize() override;
  void require_later(const void* flag, const std::string& message) override;
  MemoryStats stats() override;
  void reset_peak() override;
  void empty_cache() override;

 private:
  struct Implementation;

  int index_;
  int compute_capability_ = 0;
  std::shared_ptr<Implementation> implementation_;
};

}  // namespace nyala::backend::cuda
