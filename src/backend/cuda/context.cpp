#include "backend/cuda/context.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include <nyala/error.hpp>

#include "core/byte_text.hpp"

namespace nyala::backend::cuda {
namespace {

/// Pinned memory through which uploads pass. What is large goes to the device in a stream of its own, while the device
/// still works on what was asked before, and is put in its place by the device. The host waits only when all slots of a
/// size are still under way.
class Staging {
 public:
  void upload(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
    const std::lock_guard lock(mutex_);
    const auto* next = static_cast<const char*>(from);
    for (std::size_t done = 0; done < bytes;) {
      const std::size_t part = std::min(bytes - done, large_size);
      const bool large = part > small_size;
      Slot& slot = large ? large_[large_turn_++ % std::size(large_)] : small_[small_turn_++ % std::size(small_)];
      ready(slot, large ? large_size : small_size);
      std::memcpy(slot.host, next + done, part);
      void* const place = static_cast<char*>(to) + done;
      if (large && has_device_memory(slot)) {
        check(cudaMemcpyAsync(slot.device, slot.host, part, cudaMemcpyHostToDevice, ahead_), "upload");
        check(cudaEventRecord(arrived_, ahead_), "upload");
        check(cudaStreamWaitEvent(stream, arrived_, 0), "upload");
        check(cudaMemcpyAsync(place, slot.device, part, cudaMemcpyDeviceToDevice, stream), "upload");
      } else {
        check(cudaMemcpyAsync(place, slot.host, part, cudaMemcpyHostToDevice, stream), "upload");
      }
      check(cudaEventRecord(slot.read, stream), "upload");
      slot.busy = true;
      done += part;
    }
  }

  /// Gives the device's part of the slots back.
  void release() {
    const std::lock_guard lock(mutex_);
    for (Slot& slot : large_) {
      if (slot.busy) wait(slot);
      if (slot.device != nullptr) check(cudaFree(std::exchange(slot.device, nullptr)), "upload");
      slot.refused = false;
    }
  }

 private:
  static constexpr std::size_t small_size = std::size_t{64} << 10, large_size = std::size_t{8} << 20;
  struct Slot {
    void *host = nullptr, *device = nullptr;
    cudaEvent_t read = nullptr;  // when the device has done with the slot
    bool busy = false, refused = false;
  };

  static void ready(Slot& slot, std::size_t size) {
    if (slot.read == nullptr) check(cudaEventCreateWithFlags(&slot.read, cudaEventDisableTiming), "upload");
    if (slot.host == nullptr) check(cudaMallocHost(&slot.host, size), "pinned memory for uploads");
    if (slot.busy) wait(slot);
  }

  static void wait(Slot& slot) {
    const cudaError_t status = cudaEventQuery(slot.read);
    if (status == cudaErrorNotReady) {
      (void)cudaGetLastError();
      check(cudaEventSynchronize(slot.read), "upload");
    } else {
      check(status, "upload");
    }
    slot.busy = false;
  }

  /// False where the device has no memory left for that: then the upload waits for its turn.
  bool has_device_memory(Slot& slot) {
    if (ahead_ == nullptr) check(cudaStreamCreateWithFlags(&ahead_, cudaStreamNonBlocking), "stream");
    if (arrived_ == nullptr) check(cudaEventCreateWithFlags(&arrived_, cudaEventDisableTiming), "upload");
    if (slot.device == nullptr && !slot.refused) {
      slot.refused = cudaMalloc(&slot.device, large_size) != cudaSuccess;
      if (slot.refused) (void)cudaGetLastError();
    }
    return !slot.refused;
  }

  std::mutex mutex_;
  Slot small_[64], large_[4];
  std::size_t small_turn_ = 0, large_turn_ = 0;
  cudaStream_t ahead_ = nullptr;
  cudaEvent_t arrived_ = nullptr;
};

/// What require_later() was told: flags on their way to the host.
class LateChecks {
 public:
  /// False if there is no more room: then the stream must be waited for first.
  bool add(const void* flag, const std::string& message, cudaStream_t stream) {
    const std::lock_guard lock(mutex_);
    if (messages_.size() == most) return false;
    if (flags_ == nullptr) {
      void* memory = nullptr;
      check(cudaMallocHost(&memory, most), "pinned memory for checks");
      flags_ = static_cast<volatile unsigned char*>(memory);
    }
    const std::size_t place = messages_.size();
    void* const to = const_cast<unsigned char*>(flags_ + place);
    check(cudaMemcpyAsync(to, flag, 1, cudaMemcpyDeviceToHost, stream), "check of indices");
    messages_.push_back(message);
    return true;
  }
  /// Waits for the stream, and throws Error for the first flag that is false. A flag that another thread adds
  /// meanwhile waits for the next time.
  void settle(cudaStream_t stream) {
    std::unique_lock lock(mutex_);
    if (messages_.empty()) {
      lock.unlock();
      return check(cudaStreamSynchronize(stream), "waiting for the GPU");
    }
    check(cudaStreamSynchronize(stream), "waiting for the GPU");
    const std::vector<std::string> messages = std::exchange(messages_, {});
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (flags_[i] == 0) throw Error(messages[i]);
    }
  }

 private:
  static constexpr std::size_t most = 4096;
  std::mutex mutex_;
  volatile unsigned char* flags_ = nullptr;
  std::vector<std::string> messages_;
};

/// Makes a device the calling thread's current one.
void use_device(int index) {
  thread_local int current = -1;
  if (current == index) return;
  check(cudaSetDevice(index), "cudaSetDevice");
  current = index;
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "device attribute");
  return value;
}

/// A cuDNN handle may serve one thread at a time, so that each thread has its own for each device.
struct DnnHandles {
  std::vector<std::pair<int, cudnnHandle_t>> of_device;
  ~DnnHandles() {
    for (const auto& [device, handle] : of_device) (void)cudnnDestroy(handle);
  }
};

}  // namespace

struct Context::Implementation {
  cudaStream_t stream = nullptr;
  cudaMemPool_t pool = nullptr;  // null where the device has none
  std::once_flag blas_once;
  cublasLtHandle_t blas = nullptr;
  Staging staging;
  LateChecks checks;
  std::atomic<std::size_t> live = 0, peak = 0;
  std::atomic<std::uint64_t> allocations = 0;
};

Context::Context(int index) : index_(index), implementation_(std::make_shared<Implementation>()) {
  use_device(index);
  compute_capability_ =
      10 * attribute(cudaDevAttrComputeCapabilityMajor, index) + attribute(cudaDevAttrComputeCapabilityMinor, index);
  check(cudaStreamCreateWithFlags(&implementation_->stream, cudaStreamNonBlocking), "stream");
  if (attribute(cudaDevAttrMemoryPoolsSupported, index) == 0) return;
  check(cudaDeviceGetDefaultMemPool(&implementation_->pool, index), "memory pool");
  // Freed memory stays in the pool until empty_cache().
  std::uint64_t keep = UINT64_MAX;
  check(cudaMemPoolSetAttribute(implementation_->pool, cudaMemPoolAttrReleaseThreshold, &keep), "memory pool");
}

std::string Context::device_name() const {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, index_), "device properties");
  return properties.name;
}

cudaStream_t Context::stream() const {
  use_device(index_);
  return implementation_->stream;
}

cublasLtHandle_t Context::blas() {
  (void)stream();
  std::call_once(implementation_->blas_once, [&] { check(cublasLtCreate(&implementation_->blas), "cublasLtCreate"); });
  return implementation_->blas;
}

cudnnHandle_t Context::dnn() {
  thread_local DnnHandles handles;
  for (const auto& [device, handle] : handles.of_device) {
    if (device == index_) return (void)stream(), handle;
  }
  const cudaStream_t on = stream();
  cudnnHandle_t handle = nullptr;
  check(cudnnCreate(&handle), "cudnnCreate");
  handles.of_device.emplace_back(index_, handle);
  check(cudnnSetStream(handle, on), "cudnnSetStream");
  return handle;
}

void* Context::allocate(std::size_t bytes) {
  Implementation& own = *implementation_;
  const cudaStream_t on = stream();
  const std::size_t wanted = std::max<std::size_t>(bytes, 1);
  void* block = nullptr;
  const auto attempt = [&] {
    const cudaError_t status = own.pool != nullptr ? cudaMallocAsync(&block, wanted, on) : cudaMalloc(&block, wanted);
    if (status != cudaErrorMemoryAllocation) check(status, "GPU memory");
    if (status != cudaSuccess) (void)cudaGetLastError();
    return status == cudaSuccess;
  };
  if (!attempt()) {
    // What is free but cut into pieces that are too small goes back to the driver.
    empty_cache();
    if (!attempt()) {
      std::size_t free = 0, total = 0;
      (void)cudaMemGetInfo(&free, &total);
      throw Error("out of memory on device \"" + Device(Device::Kind::gpu, index_).name() +
                  "\": " + detail::byte_text(bytes) + " were asked for, Nyala's tensors hold " +
                  detail::byte_text(own.live) + ", " + detail::byte_text(free) + " of " + detail::byte_text(total) +
                  " are free; a smaller batch_size needs less");
    }
  }
  ++own.allocations;
  const std::size_t live = own.live += bytes;
  for (std::size_t peak = own.peak; live > peak && !own.peak.compare_exchange_weak(peak, live);) continue;
  return block;
}

void Context::deallocate(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) return;
  Implementation& own = *implementation_;
  own.live -= bytes;
  try {
    const cudaStream_t on = stream();
    // At exit the driver may be gone already, and the memory with it.
    if (own.pool != nullptr)
      (void)cudaFreeAsync(block, on);
    else
      (void)cudaFree(block);
  } catch (const Error&) {}
}

void Context::upload(void* to, const void* from, std::size_t bytes) {
  if (bytes != 0) implementation_->staging.upload(to, from, bytes, stream());
}

void Context::download(void* to, const void* from, std::size_t bytes) {
  if (bytes != 0) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream()), "download");
  synchronize();
}

void Context::copy(void* to, const void* from, std::size_t bytes) {
  if (bytes != 0) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream()), "copy");
}

void Context::synchronize() { implementation_->checks.settle(stream()); }

void Context::require_later(const void* flag, const std::string& message) {
  if (implementation_->checks.add(flag, message, stream())) return;
  synchronize();
  (void)implementation_->checks.add(flag, message, stream());
}

MemoryStats Context::stats() {
  Implementation& own = *implementation_;
  (void)stream();
  std::uint64_t reserved = 0, used = 0;
  if (own.pool != nullptr) {
    check(cudaMemPoolGetAttribute(own.pool, cudaMemPoolAttrReservedMemCurrent, &reserved), "memory pool");
    check(cudaMemPoolGetAttribute(own.pool, cudaMemPoolAttrUsedMemCurrent, &used), "memory pool");
  }
  return {.live = own.live,
          .peak = own.peak,
          .cached = static_cast<std::size_t>(reserved - std::min(used, reserved)),
          .system_allocations = own.allocations};
}

void Context::reset_peak() { implementation_->peak = implementation_->live.load(); }

void Context::empty_cache() {
  check(cudaStreamSynchronize(stream()), "waiting for the GPU");
  implementation_->staging.release();
  if (implementation_->pool != nullptr) check(cudaMemPoolTrimTo(implementation_->pool, 0), "memory pool");
}

Scratch::Scratch(Context& context, std::size_t bytes)
    : context_(&context), data_(bytes == 0 ? nullptr : context.allocate(bytes)), bytes_(bytes) {}

Scratch::~Scratch() {
  if (data_ != nullptr) context_->deallocate(data_, bytes_);
}

Scratch::Scratch(Scratch&& other) noexcept
    : context_(other.context_), data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Scratch& Scratch::operator=(Scratch&& other) noexcept {
  std::swap(context_, other.context_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace nyala::backend::cuda
