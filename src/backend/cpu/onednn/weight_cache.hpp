#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <list>
#include <memory>
#include <mutex>

#include "backend/cpu/onednn/primitives.hpp"

namespace nyala::backend::onednn {

/// Kernels of convolutions in their primitives' layouts, for models that only predict. Nothing but the values says
/// whether an entry holds: it is used after a comparison with the values that it was made from, which costs a tenth of
/// making it anew, so that no way of changing a weight can be missed. An entry is made when the same values come a
/// second time; in training they never do. At most 64 MiB, those used last. From any thread.
class WeightCache {
 public:
  /// A copy of some bytes, 64-byte aligned.
  class Copy {
   public:
    Copy(const void* from, std::size_t bytes);
    const void* data() const { return memory_.get(); }
    std::size_t size() const { return size_; }

   private:
    struct Free {
      void operator()(void* memory) const { std::free(memory); }
    };
    std::size_t size_;
    std::unique_ptr<void, Free> memory_;
  };
  using Bytes = std::shared_ptr<const Copy>;
  static WeightCache& instance();

  /// The reordered values of that kernel, or null.
  Bytes find(const std::shared_ptr<const Prepared>& prepared, const void* kernel);
  /// What find did not have, after it was made.
  void offer(std::shared_ptr<const Prepared> prepared, const void* kernel, const void* reordered);

 private:
  struct Entry {
    std::shared_ptr<const Prepared> prepared;
    const void* kernel;
    std::uint64_t sample;       // of the values when they were last seen
    Bytes original, reordered;  // null until the values have come twice
  };
  std::list<Entry>::iterator place_of(const Prepared* prepared, const void* kernel);
  void drop_oldest();

  std::mutex lock_;
  std::list<Entry> entries_;  // used last first
  std::size_t bytes_ = 0;
};

}  // namespace nyala::backend::onednn
