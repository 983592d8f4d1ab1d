#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>

#include <nyala/error.hpp>

#include "backend/common/axis_split.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/order_key.hpp"
#include "device/launch.hpp"
#include "device/sort.hpp"

namespace nyala::backend::cuda {
namespace {

/// The keys of some lanes side by side, with the lane's number above keys of 32 bits, and their places there.
struct MakeRows {
  OrderKey key;
  std::int64_t n, inner, first_lane;
  bool with_lane;
  std::uint64_t* keys;
  std::int32_t* places;
  constexpr void operator()(std::int64_t at) const {
    const std::int64_t own = at / n, lane = first_lane + own;
    const std::uint64_t value = key((lane / inner * n + at % n) * inner + lane % inner);
    keys[at] = with_lane ? static_cast<std::uint64_t>(own) << 32 | value : value;
    places[at] = static_cast<std::int32_t>(at);
  }
};

struct LaneOfPlace {
  std::int64_t n;
  const std::int32_t* places;
  std::uint64_t* keys;
  constexpr void operator()(std::int64_t at) const { keys[at] = static_cast<std::uint64_t>(places[at] / n); }
};

struct LanePlaces {
  std::int64_t n;
  const std::int32_t* places;
  std::int32_t* order;
  constexpr void operator()(std::int64_t at) const { order[at] = static_cast<std::int32_t>(places[at] % n); }
};

struct TakeIndices {
  const std::int32_t* order;
  std::int64_t n, count, inner;
  std::int32_t* out;
  constexpr void operator()(std::int64_t at) const {
    const std::int64_t k = at % inner, rest = at / inner, i = rest % count, outer = rest / count;
    out[at] = order[(outer * inner + k) * n + i];
  }
};

template <class T>
struct TakeValues {
  const std::int32_t* order;
  const T* x;
  std::int64_t n, count, inner;
  T* out;
  constexpr void operator()(std::int64_t at) const {
    const std::int64_t k = at % inner, rest = at / inner, i = rest % count, outer = rest / count;
    out[at] = x[(outer * n + order[(outer * inner + k) * n + i]) * inner + k];
  }
};

int bits_below(std::int64_t count) {
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(count < 2 ? 1 : count - 1)));
}

/// Of every lane along the axis the positions in its order, lane after lane. Many lanes are one sort: by key and then,
/// as that is stable, by lane; or at once by both where they have room in 64 bits.
Scratch sorted_positions(Context& context, const AxisSplit& split, const OrderKey& key) {
  const std::int64_t lanes = split.outer * split.inner, n = split.n;
  if (n > INT32_MAX) throw Error("a GPU sorts at most 2^31 - 1 elements, got " + std::to_string(n));
  const std::int64_t at_once = std::clamp<std::int64_t>(INT32_MAX / n, 1, lanes), most = at_once * n;
  const bool narrow = size_of(key.x.dtype) < 8;
  const Scratch keys = context.scratch_of<std::uint64_t>(most), sorted_keys = context.scratch_of<std::uint64_t>(most);
  const Scratch places = context.scratch_of<std::int32_t>(most), sorted = context.scratch_of<std::int32_t>(most);
  Scratch order = context.scratch_of<std::int32_t>(lanes * n);
  const cudaStream_t stream = context.stream();
  const auto sort = [&](const Scratch& from, const Scratch& to, std::int64_t count, int bits) {
    sort_pairs(context, count, keys.as<std::uint64_t>(), sorted_keys.as<std::uint64_t>(), from.as<std::int32_t>(),
               to.as<std::int32_t>(), bits);
  };
  for (std::int64_t first = 0; first < lanes; first += at_once) {
    const std::int64_t own = std::min(at_once, lanes - first), count = own * n;
    launch(stream, count,
           MakeRows{key, n, split.inner, first, narrow, keys.as<std::uint64_t>(), places.as<std::int32_t>()});
    sort(places, sorted, count, narrow ? (own > 1 ? 32 + bits_below(own) : 32) : 64);
    const bool again = !narrow && own > 1;
    if (again) {
      launch(stream, count, LaneOfPlace{n, sorted.as<std::int32_t>(), keys.as<std::uint64_t>()});
      sort(sorted, places, count, bits_below(own));
    }
    launch(stream, count,
           LanePlaces{n, (again ? places : sorted).as<std::int32_t>(), order.as<std::int32_t>() + first * n});
  }
  return order;
}

}  // namespace

void CudaKernels::sort(const Tensor& x, int axis, bool descending, Tensor& values, Tensor& indices) {
  const AxisSplit split(x.shape(), axis);
  const Tensor& out = values.defined() ? values : indices;
  if (out.size() == 0) return;
  const std::int64_t count = out.shape()[static_cast<std::size_t>(axis)];
  const Scratch order = sorted_positions(context_, split, OrderKey{elements_of(x), descending});
  const auto* positions = order.as<std::int32_t>();
  const cudaStream_t stream = context_.stream();
  if (indices.defined()) {
    launch(stream, out.size(), TakeIndices{positions, split.n, count, split.inner, elements<std::int32_t>(indices)});
  }
  if (!values.defined()) return;
  visit_bytes(x.dtype(), "sort", [&]<class T>(std::type_identity<T>) {
    launch(stream, out.size(),
           TakeValues<T>{positions, elements<T>(x), split.n, count, split.inner, elements<T>(values)});
  });
}

void CudaKernels::top_k(const Tensor& x, std::int64_t, Tensor& values, Tensor& indices) {
  sort(x, x.rank() - 1, true, values, indices);
}

}  // namespace nyala::backend::cuda
