#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "control.h"
#include "runtime/state.hpp"

using softgpu::Block;
using softgpu::fail;
using softgpu::misuse;
using softgpu::state;

namespace {

/// Null when the device has not so much left, after waiting for frees that are still queued.
Block* allocate(std::size_t bytes, int device, std::unique_lock<std::mutex>& lock) {
  const auto limit = static_cast<std::size_t>(softgpu::setting("memory"));
  const auto i = static_cast<std::size_t>(device);
  if (bytes > limit) return nullptr;
  for (std::size_t s = 0; state().used[i] + bytes > limit && s < state().streams.size(); ++s)
    softgpu::wait_for(*state().streams[s], state().streams[s]->pushed, lock);
  return state().used[i] + bytes > limit ? nullptr : softgpu::take_block(bytes, device);
}

/// The block that starts at the pointer and lives, or null with the error noted.
Block* live_block(void* pointer, bool pinned, const char* what) {
  Block* block = softgpu::find_block(pointer);
  const char* wrong = block == nullptr                ? "a pointer that no allocation gave"
                      : block->freed                  ? "a block that is freed already"
                      : block->data != pointer        ? "a pointer into the middle of a block"
                      : (block->device < 0) != pinned ? "memory of the other kind"
                                                      : nullptr;
  if (wrong == nullptr) return block;
  misuse(cudaErrorInvalidValue, std::string(what) + ": " + wrong);
  return nullptr;
}

void finish_free(Block* block) {
  softgpu::check_red_zones(*block, "when it was freed");
  softgpu::poison(*block, softgpu::freed_pattern);
  softgpu::give_back(*block);
}

/// Whether all that the queues do with the block comes before the clock; notes a violation if not.
bool all_before(const Block& block, const softgpu::Clock& clock, std::size_t but, const char* what) {
  const bool before = std::all_of(block.uses.begin(), block.uses.end(), [&](const auto& use) {
    return use.first == but || use.second.any <= clock.at(use.first);
  });
  if (!before) softgpu::violation(std::string(what) + ": memory that a stream still uses, without waiting for that");
  return before;
}

bool is_pinned(const void* pointer) {
  const Block* block = softgpu::find_block(pointer);
  return block != nullptr && block->device < 0;
}

cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaStream_t stream, const char* what) {
  softgpu::count("copies");
  if (softgpu::fault("copy")) return fail(cudaErrorLaunchFailure);
  std::unique_lock lock(state().mutex);
  if (softgpu::open_stream(stream, what) == nullptr) return cudaErrorInvalidResourceHandle;
  const bool to_pageable = !softgpu::is_device_memory(to) && !is_pinned(to);
  const bool from_pageable = !softgpu::is_device_memory(from) && !is_pinned(from);
  std::string wrong = to_pageable ? "" : softgpu::note_use(*stream, softgpu::writes(to, bytes), true);
  if (wrong.empty() && !from_pageable) wrong = softgpu::note_use(*stream, softgpu::reads(from, bytes), true);
  if (!wrong.empty()) return misuse(cudaErrorInvalidValue, std::string(what) + " touches " + wrong);
  if (from_pageable) {
    const auto* first = static_cast<const std::byte*>(from);
    auto staged = std::make_shared<std::vector<std::byte>>(first, first + bytes);
    softgpu::push(*stream, [to, staged] { std::memcpy(to, staged->data(), staged->size()); });
  } else {
    softgpu::push(*stream, [to, from, bytes] { std::memmove(to, from, bytes); });
  }
  if (to_pageable || from_pageable) {
    lock.unlock();
    softgpu::count("pageable_copies");
    lock.lock();
  }
  if (to_pageable) {
    const softgpu::Clock seen = stream->clock;
    softgpu::wait_for(*stream, stream->pushed, lock);
    state().host.join(seen);
  }
  return cudaSuccess;
}

}  // namespace

extern "C" {

cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t stream) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  softgpu::count("allocations");
  if (bytes == 0) return misuse(cudaErrorInvalidValue, "cudaMallocAsync: no bytes");
  if (softgpu::fault("allocation")) return fail(cudaErrorMemoryAllocation);
  std::unique_lock lock(state().mutex);
  if (softgpu::open_stream(stream, "cudaMallocAsync") == nullptr) return cudaErrorInvalidResourceHandle;
  Block* block = allocate(bytes, stream->device, lock);
  if (block == nullptr) return fail(cudaErrorMemoryAllocation);
  block->ordered = true;
  block->stream = stream->number;
  block->made = stream->pushed + 1;
  softgpu::push(*stream, [block] { softgpu::poison(*block, softgpu::fresh_pattern); });
  *pointer = block->data;
  return cudaSuccess;
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  softgpu::count("frees");
  const std::lock_guard lock(state().mutex);
  if (softgpu::open_stream(stream, "cudaFreeAsync") == nullptr) return cudaErrorInvalidResourceHandle;
  if (pointer == nullptr) return cudaSuccess;
  Block* block = live_block(pointer, false, "cudaFreeAsync");
  if (block == nullptr) return cudaErrorInvalidValue;
  softgpu::Clock before = stream->clock;
  before.join(state().host);
  if (block->ordered && block->stream != stream->number && before.at(block->stream) < block->made)
    return misuse(cudaErrorInvalidValue, "cudaFreeAsync: memory that another stream has yet to allocate");
  if (!all_before(*block, before, stream->number, "cudaFreeAsync")) return fail(cudaErrorInvalidValue);
  block->freed = true;
  softgpu::push(*stream, [block] {
    softgpu::check_red_zones(*block, "when it was freed");
    softgpu::poison(*block, softgpu::freed_pattern);
    const std::lock_guard inner(state().mutex);
    softgpu::give_back(*block);
  });
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  softgpu::count("allocations");
  if (softgpu::fault("allocation")) return fail(cudaErrorMemoryAllocation);
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  std::unique_lock lock(state().mutex);
  Block* block = allocate(bytes, softgpu::current_device(), lock);
  if (block == nullptr) return fail(cudaErrorMemoryAllocation);
  softgpu::poison(*block, softgpu::fresh_pattern);
  *pointer = block->data;
  return cudaSuccess;
}

cudaError_t cudaFree(void* pointer) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  softgpu::count("frees");
  std::unique_lock lock(state().mutex);
  for (std::size_t i = 0; i < state().streams.size(); ++i) {
    CUstream_st& stream = *state().streams[i];
    if (stream.device != softgpu::current_device()) continue;
    const softgpu::Clock seen = stream.clock;
    softgpu::wait_for(stream, stream.pushed, lock);
    state().host.join(seen);
  }
  if (pointer == nullptr) return cudaSuccess;
  Block* block = live_block(pointer, false, "cudaFree");
  if (block == nullptr) return cudaErrorInvalidValue;
  block->freed = true;
  finish_free(block);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  if (softgpu::fault("pinned")) return fail(cudaErrorMemoryAllocation);
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  auto block = std::make_unique<Block>();
  block->bytes = bytes;
  block->capacity = (bytes + 4095) / 4096 * 4096;
  void* memory = mmap(nullptr, block->capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail(cudaErrorMemoryAllocation);
  std::memset(memory, 0xFF, block->capacity);
  block->data = static_cast<std::byte*>(memory);
  block->device = -1;
  const std::lock_guard lock(state().mutex);
  state().blocks[reinterpret_cast<std::uintptr_t>(memory)] = std::move(block);
  *pointer = memory;
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* pointer) {
  const std::lock_guard lock(state().mutex);
  if (pointer == nullptr) return cudaSuccess;
  Block* block = live_block(pointer, true, "cudaFreeHost");
  if (block == nullptr) return cudaErrorInvalidValue;
  if (!all_before(*block, state().host, ~std::size_t{0}, "cudaFreeHost")) return fail(cudaErrorInvalidValue);
  munmap(pointer, block->capacity);
  state().blocks.erase(reinterpret_cast<std::uintptr_t>(pointer));
  return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  if (device < 0 || device >= softgpu::setting("devices")) return fail(cudaErrorInvalidDevice);
  *pool = &state().pools[static_cast<std::size_t>(device)];
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const std::lock_guard lock(state().mutex);
  const std::uint64_t number = *static_cast<const std::uint64_t*>(value);
  const auto i = static_cast<std::size_t>(pool->device);
  if (attribute == cudaMemPoolAttrReleaseThreshold) {
    pool->release_threshold = number;
  } else if ((attribute == cudaMemPoolAttrUsedMemHigh || attribute == cudaMemPoolAttrReservedMemHigh) && number == 0) {
    state().highest[i] = state().used[i];
  } else {
    return misuse(cudaErrorInvalidValue,
                  "cudaMemPoolSetAttribute: an attribute that is read only, or a high mark not 0");
  }
  return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const std::lock_guard lock(state().mutex);
  const auto i = static_cast<std::size_t>(pool->device);
  auto& out = *static_cast<std::uint64_t*>(value);
  switch (attribute) {
    case cudaMemPoolAttrReleaseThreshold: out = pool->release_threshold; return cudaSuccess;
    case cudaMemPoolAttrUsedMemCurrent:
    case cudaMemPoolAttrReservedMemCurrent: out = state().used[i]; return cudaSuccess;
    case cudaMemPoolAttrUsedMemHigh:
    case cudaMemPoolAttrReservedMemHigh: out = state().highest[i]; return cudaSuccess;
  }
  return misuse(cudaErrorInvalidValue, "cudaMemPoolGetAttribute: an attribute that the software GPU does not know");
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, std::size_t) { return fail(softgpu::usable()); }

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  if (bytes == 0) return cudaSuccess;
  const bool to_device = softgpu::is_device_memory(to), from_device = softgpu::is_device_memory(from);
  const auto found = static_cast<cudaMemcpyKind>((from_device ? 2 : 0) + (to_device ? 1 : 0));
  if (kind != cudaMemcpyDefault && kind != found)
    return misuse(cudaErrorInvalidMemcpyDirection, "cudaMemcpyAsync: a direction that the pointers have not");
  return copy(to, from, bytes, stream, "cudaMemcpyAsync");
}

cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  return softgpu::enqueue(stream, "cudaMemsetAsync", std::array{softgpu::writes(pointer, bytes)},
                          [pointer, value, bytes] { std::memset(pointer, value, bytes); });
}

long softgpu_live_bytes() {
  const std::lock_guard lock(state().mutex);
  std::size_t bytes = 0;
  for (const std::size_t used : state().used) bytes += used;
  return static_cast<long>(bytes);
}

long softgpu_live_blocks() {
  const std::lock_guard lock(state().mutex);
  return std::count_if(state().blocks.begin(), state().blocks.end(),
                       [](const auto& entry) { return entry.second->device >= 0 && !entry.second->freed; });
}

void softgpu_check() {
  std::unique_lock lock(state().mutex);
  for (std::size_t i = 0; i < state().streams.size(); ++i)
    softgpu::wait_for(*state().streams[i], state().streams[i]->pushed, lock);
  for (const auto& [address, block] : state().blocks)
    if (!block->freed) softgpu::check_red_zones(*block, "at a check");
}
}
