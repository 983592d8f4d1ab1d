#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "cuda_runtime.h"

// What the stand-ins of the CUDA runtime, cuBLASLt and cuDNN share: broken rules, access to device memory, counts,
// faults on demand, and work that streams run.

namespace softgpu {

/// Notes a broken rule: printed, kept for softgpu_take_violation, and the process will exit with 86.
void violation(const std::string& message);

/// This thread may read and write device memory while one of these lives.
class Access {
 public:
  Access();
  ~Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;
};

void count(const char* kind);
/// Whether a fault of this kind is due now.
bool fault(const char* kind);
/// Settings of softgpu_set and the environment.
long setting(const char* name);
std::uint32_t random_number();

/// The error that later calls report, as cudaGetLastError has it; gives it back.
cudaError_t fail(cudaError_t error);
/// As fail, and notes a broken rule.
cudaError_t misuse(cudaError_t error, const std::string& message);

/// A piece of memory that queued work touches.
struct Use {
  const void* pointer;
  std::size_t bytes;
  enum class Kind { read, write, unknown } kind;
};
inline Use reads(const void* pointer, std::size_t bytes) { return {pointer, bytes, Use::Kind::read}; }
inline Use writes(const void* pointer, std::size_t bytes) { return {pointer, bytes, Use::Kind::write}; }

/// Queues work that runs later on the stream's thread with access to device memory, after checking that all that it
/// touches is device memory (or pinned, where the call allows that), allocated, and ordered before it.
cudaError_t enqueue(cudaStream_t stream, const char* what, std::span<const Use> uses, std::function<void()> work);
/// The same for launches: the words of the parameter block that point to memory are found and checked.
cudaError_t enqueue_launch(cudaStream_t stream, const char* what, const void* parameters, std::size_t bytes,
                           std::function<void()> work);
bool is_device_memory(const void* pointer);
int current_device();
/// cudaSuccess, or why there is nothing to call: no driver, an old one, no device, a broken context.
cudaError_t usable();

}  // namespace softgpu
