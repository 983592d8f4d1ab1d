#pragma once

#include <cstddef>

#include <nyala/memory.hpp>

namespace nyala::detail {

/// Storage of tensors: a block of at least `bytes` bytes, 64-byte aligned, contents undefined; never null. Freed blocks
/// are kept: each thread has a small cache in front of a shared one. Throws Error when the system has no more memory.
[[nodiscard]] void* allocate(std::size_t bytes);

/// Takes back a block of allocate(bytes); any thread may. Null is allowed. Works during thread exit and after main.
void deallocate(void* block, std::size_t bytes) noexcept;

/// The same for small objects (tensor handles, tape nodes), which are not counted in memory_stats().
[[nodiscard]] void* allocate_object(std::size_t bytes);
void deallocate_object(void* block, std::size_t bytes) noexcept;

/// Blocks asked from the system for objects since the start.
MemoryStats object_stats();

}  // namespace nyala::detail
