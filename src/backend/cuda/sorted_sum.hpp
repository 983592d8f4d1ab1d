#pragma once

#include <bit>
#include <cstdint>

#include <nyala/tensor.hpp>

#include "backend/cuda/context.hpp"
#include "device/launch.hpp"
#include "device/sort.hpp"

// Additions at places that indices say, where several may fall on one: the places are sorted, and each is summed by one
// thread in the order of the terms, so that results are the same each time, and the CPU's.

namespace nyala::backend::cuda {

template <class Key>
struct MakeKeys {
  Key key;
  std::uint64_t* keys;
  std::int32_t* positions;
  constexpr void operator()(std::int64_t i) const {
    keys[i] = key(i);
    positions[i] = static_cast<std::int32_t>(i);
  }
};

/// key(i) for i in [0, count), all less than `range`, in ascending order, each with its i; equal keys in the order of
/// i.
class SortedKeys {
 public:
  template <class Key>
  SortedKeys(Context& context, std::int64_t count, std::int64_t range, const Key& key)
      : count_(count),
        keys_(context.scratch_of<std::uint64_t>(count)),
        positions_(context.scratch_of<std::int32_t>(count)) {
    if (count >= INT32_MAX) refuse(count);
    const Scratch keys = context.scratch_of<std::uint64_t>(count), positions = context.scratch_of<std::int32_t>(count);
    launch(context.stream(), count,
           MakeKeys<Key>{key, keys.template as<std::uint64_t>(), positions.template as<std::int32_t>()});
    const auto bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(range < 2 ? 1 : range - 1)));
    sort_pairs(context, count, keys.template as<std::uint64_t>(), keys_.as<std::uint64_t>(),
               positions.template as<std::int32_t>(), positions_.as<std::int32_t>(), bits);
  }

  std::int64_t count() const { return count_; }
  const std::uint64_t* keys() const { return keys_.as<std::uint64_t>(); }
  const std::int32_t* positions() const { return positions_.as<std::int32_t>(); }

 private:
  [[noreturn]] static void refuse(std::int64_t count);

  std::int64_t count_;
  Scratch keys_, positions_;
};

/// Values (outer, keys, inner) go to places (outer, out_rows, inner).
struct SortedLayout {
  std::int64_t outer = 1, inner = 1, out_rows = 0;
};

enum class Join { sum, last, maximum };

/// out = join(…join(join(out, first), second)…) over the values of one key, in order; `first` is the element of out
/// where place 0 lies.
void join_sorted(Context& context, Join join, const SortedKeys& sorted, const SortedLayout& layout,
                 const Tensor& values, Tensor& out, std::int64_t first = 0);

}  // namespace nyala::backend::cuda
