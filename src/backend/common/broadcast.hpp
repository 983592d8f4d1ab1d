#pragma once

#include <array>
#include <cstdint>

#include <nyala/shape.hpp>

namespace nyala::backend {

/// A walk over a shape with N operands broadcast to it, adjoining axes merged where all operands lie evenly.
template <std::size_t N>
struct BroadcastWalk {
  BroadcastWalk(const Shape& out, const std::array<const Shape*, N>& operands) {
    std::array<std::int64_t, N> next;  // elements of the operand below the present axis
    next.fill(1);
    // From the innermost axis out; axis 0 of the walk is the innermost.
    for (int axis = out.rank() - 1; axis >= 0; --axis) {
      const std::int64_t size = out[static_cast<std::size_t>(axis)];
      std::array<std::int64_t, N> axis_strides{};
      for (std::size_t n = 0; n < N; ++n) {
        const int own = axis - (out.rank() - operands[n]->rank());
        const std::int64_t own_size = own < 0 ? 1 : (*operands[n])[static_cast<std::size_t>(own)];
        axis_strides[n] = own_size == 1 ? 0 : next[n];
        next[n] *= own_size;
      }
      if (size == 1) continue;
      if (rank > 0 && continues(axis_strides)) {
        sizes[rank - 1] *= size;
        continue;
      }
      sizes[rank] = size;
      strides[rank++] = axis_strides;
    }
    if (rank == 0) sizes[rank++] = 1;
    for (std::size_t axis = 1; axis < rank; ++axis) runs *= sizes[axis];
  }

  /// Where run number `run` begins in each operand.
  std::array<std::int64_t, N> starts(std::int64_t run) const {
    std::array<std::int64_t, N> places{};
    for (std::size_t axis = 1; axis < rank; ++axis) {
      const std::int64_t index = run % sizes[axis];
      run /= sizes[axis];
      for (std::size_t n = 0; n < N; ++n) places[n] += index * strides[axis][n];
    }
    return places;
  }
  std::int64_t run_length() const { return sizes[0]; }

  std::size_t rank = 0;
  std::int64_t runs = 1;
  std::array<std::int64_t, Shape::max_rank> sizes{};
  std::array<std::array<std::int64_t, N>, Shape::max_rank> strides{};

 private:
  bool continues(const std::array<std::int64_t, N>& axis_strides) const {
    for (std::size_t n = 0; n < N; ++n) {
      if (axis_strides[n] != strides[rank - 1][n] * sizes[rank - 1]) return false;
    }
    return true;
  }
};

}  // namespace nyala::backend
