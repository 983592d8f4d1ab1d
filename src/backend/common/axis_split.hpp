#pragma once

#include <cstdint>

#include <nyala/shape.hpp>

namespace nyala::backend {

/// A shape around one of its axes: the element (o, i, k) is at (o * n + i) * inner + k.
struct AxisSplit {
  AxisSplit(const Shape& shape, int axis) : n(shape[static_cast<std::size_t>(axis)]) {
    for (int a = 0; a < shape.rank(); ++a) {
      if (a < axis) outer *= shape[static_cast<std::size_t>(a)];
      if (a > axis) inner *= shape[static_cast<std::size_t>(a)];
    }
  }
  std::int64_t outer = 1, n, inner = 1;
};

}  // namespace nyala::backend
