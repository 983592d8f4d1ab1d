#pragma once

#include <cstddef>
#include <cstdint>

#include <nyala/device.hpp>

namespace nyala {

/// Figures of the allocator that tensors on a device take their storage from, in bytes. A block counts at its rounded
/// size, so live + cached is what the process holds for tensors.
struct MemoryStats {
  std::size_t live = 0;                  ///< held by tensors
  std::size_t peak = 0;                  ///< highest `live` since the start or the last reset_peak_memory()
  std::size_t cached = 0;                ///< free blocks kept for reuse
  std::uint64_t system_allocations = 0;  ///< blocks asked from the system (or a GPU's pool) since the start
};

/// Throws Error for a device that does not work here, as the two below.
MemoryStats memory_stats(const Device& device = {});

/// Sets `peak` to what is live now.
void reset_peak_memory(const Device& device = {});

/// Gives every free block back to the system. Tensors are not touched.
void empty_memory_cache(const Device& device = {});

}  // namespace nyala
