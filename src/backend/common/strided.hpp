#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <nyala/shape.hpp>

namespace nyala::backend {

/// A walk over a shape beside memory with strides of its own, adjoining axes merged where they lie evenly.
struct StridedWalk {
  StridedWalk(const Shape& shape, std::span<const std::int64_t> strides);

  int rank = 0;  // after merging; at least 1, and the last axis is the innermost
  std::array<std::int64_t, Shape::max_rank> sizes{}, strides{};
  std::int64_t runs = 1;  // the product of all sizes but the last

  /// Where run number `run` begins in the strided memory.
  std::int64_t start(std::int64_t run) const {
    std::int64_t place = 0;
    for (int axis = rank - 2; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      place += run % sizes[a] * strides[a];
      run /= sizes[a];
    }
    return place;
  }
  std::int64_t run_length() const { return sizes[static_cast<std::size_t>(rank - 1)]; }
  std::int64_t run_stride() const { return strides[static_cast<std::size_t>(rank - 1)]; }
};

/// fn(first element in row-major order, its place in the strided memory, count, stride) for every innermost run.
template <class F>
void for_each_run(const Shape& shape, std::span<const std::int64_t> strides, F&& fn) {
  const StridedWalk walk(shape, strides);
  const std::int64_t length = walk.run_length(), stride = walk.run_stride();
  if (length == 0) return;
  for (std::int64_t run = 0; run < walk.runs; ++run) fn(run * length, walk.start(run), length, stride);
}

}  // namespace nyala::backend
