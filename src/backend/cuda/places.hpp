#pragma once

#include <cstdint>
#include <span>

#include "backend/common/broadcast.hpp"
#include "backend/common/strided.hpp"

namespace nyala::backend::cuda {

/// The walks of backend/common in a form that functors can hold: where element i of a row-major shape lies in each of N
/// operands. Axis 0 is the innermost.
template <int N>
struct Places {
  int rank = 1;
  std::int64_t sizes[Shape::max_rank]{};
  std::int64_t strides[N][Shape::max_rank]{};

  struct At {
    std::int64_t of[N];
  };
  constexpr At operator()(std::int64_t i) const {
    At at{};
    auto rest = static_cast<std::uint64_t>(i);
    for (int axis = 0; axis < rank; ++axis) {
      const auto size = static_cast<std::uint64_t>(sizes[axis]);
      // The outermost axis needs no remainder.
      const std::uint64_t quotient = axis + 1 == rank ? 0 : rest / size;
      const auto index = static_cast<std::int64_t>(rest - quotient * size);
      for (int n = 0; n < N; ++n) at.of[n] += index * strides[n][axis];
      rest = quotient;
    }
    return at;
  }
};

template <std::size_t N>
Places<static_cast<int>(N)> places_of(const BroadcastWalk<N>& walk) {
  Places<static_cast<int>(N)> places;
  places.rank = static_cast<int>(walk.rank);
  for (std::size_t axis = 0; axis < walk.rank; ++axis) {
    places.sizes[axis] = walk.sizes[axis];
    for (std::size_t n = 0; n < N; ++n) places.strides[n][axis] = walk.strides[axis][n];
  }
  return places;
}

inline Places<1> places_of(const Shape& shape, std::span<const std::int64_t> strides) {
  const StridedWalk walk(shape, strides);
  Places<1> places;
  places.rank = walk.rank;
  for (int axis = 0; axis < walk.rank; ++axis) {
    const auto from = static_cast<std::size_t>(walk.rank - 1 - axis);
    places.sizes[axis] = walk.sizes[from];
    places.strides[0][axis] = walk.strides[from];
  }
  return places;
}

}  // namespace nyala::backend::cuda
