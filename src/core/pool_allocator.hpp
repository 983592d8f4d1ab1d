#pragma once

#include <cstddef>
#include <new>

#include "core/allocator.hpp"

namespace nyala::detail {

/// Standard allocator on the object pool, meant for std::allocate_shared: after warm-up no object costs a malloc.
template <class T>
struct PoolAllocator {
  static_assert(alignof(T) <= 64, "PoolAllocator: blocks are aligned to 64 bytes");
  using value_type = T;

  PoolAllocator() = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) noexcept {}  // NOLINT: rebinding is implicit by the allocator requirements

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(allocate_object(count * sizeof(T)));
  }
  void deallocate(T* objects, std::size_t count) noexcept { deallocate_object(objects, count * sizeof(T)); }

  template <class U>
  bool operator==(const PoolAllocator<U>&) const noexcept {
    return true;
  }
};

}  // namespace nyala::detail
