#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace nyala::backend {

inline std::size_t float_bytes(std::int64_t count) { return static_cast<std::size_t>(count) * sizeof(float); }

/// Scratch memory from Nyala's allocator: contents undefined, 64-byte aligned.
class Scratch {
 public:
  explicit Scratch(std::size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  Scratch(Scratch&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)), bytes_(other.bytes_) {}
  Scratch& operator=(Scratch&&) = delete;

  void* get() const { return memory_; }

 private:
  void* memory_;
  std::size_t bytes_;
};

}  // namespace nyala::backend
