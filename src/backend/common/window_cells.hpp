#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "backend/common/window_geometry.hpp"
#include "core/pool_allocator.hpp"

namespace nyala::backend {

/// The input cells under a window, one output position after the other: where nothing of a window lies in the padding,
/// they are the same relative to its first one, and no arithmetic is done for each. One for each thread.
class WindowCells {
 public:
  explicit WindowCells(const WindowGeometry& g) : g_(g) {
    for (std::size_t axis = 0; axis < 3; ++axis) reach_[axis] = (g.size[axis] - 1) * g.dilation[axis];
    inside_.reserve(static_cast<std::size_t>(g.taps()));
    for (std::int64_t a = 0; a < g.size[0]; ++a)
      for (std::int64_t b = 0; b < g.size[1]; ++b)
        for (std::int64_t c = 0; c < g.size[2]; ++c)
          inside_.push_back(number({a * g.dilation[0], b * g.dilation[1], c * g.dilation[2]}));
    border_.reserve(inside_.size());
  }

  /// Moves to an output position of a sample.
  void move_to(std::int64_t position) {
    const std::int64_t row = position / g_.out[2], plane = row / g_.out[1];
    const std::array<std::int64_t, 3> corner{plane * g_.stride[0] - g_.pad[0],
                                             (row - plane * g_.out[1]) * g_.stride[1] - g_.pad[1],
                                             (position - row * g_.out[2]) * g_.stride[2] - g_.pad[2]};
    bool whole = true;
    for (std::size_t axis = 0; axis < 3; ++axis)
      whole = whole && corner[axis] >= 0 && corner[axis] + reach_[axis] < g_.in[axis];
    if (whole) {
      first_ = number(corner);
      cells_ = inside_;
      alike_ =
          std::min(g_.out[2] - (position - row * g_.out[2]), (g_.in[2] - 1 - reach_[2] - corner[2]) / g_.stride[2] + 1);
      return;
    }
    alike_ = 1;
    border_.clear();
    g_.for_window(position, [&](std::int64_t, std::int64_t cell) {
      if (cell >= 0) border_.push_back(static_cast<std::int32_t>(cell));
    });
    first_ = 0;
    cells_ = border_;
  }

  /// The window's cells that are not padding, in order, counted from first().
  std::span<const std::int32_t> cells() const { return cells_; }
  /// A cell's number among the sample's.
  std::int32_t first() const { return first_; }
  /// How many positions from here on have the same cells, each step() further.
  std::int64_t alike() const { return alike_; }
  std::int64_t step() const { return g_.stride[2]; }

 private:
  std::int32_t number(const std::array<std::int64_t, 3>& at) const {
    return static_cast<std::int32_t>((at[0] * g_.in[1] + at[1]) * g_.in[2] + at[2]);
  }

  const WindowGeometry& g_;
  std::array<std::int64_t, 3> reach_{};
  std::vector<std::int32_t, detail::PoolAllocator<std::int32_t>> inside_, border_;
  std::span<const std::int32_t> cells_;
  std::int32_t first_ = 0;
  std::int64_t alike_ = 1;
};

}  // namespace nyala::backend
