#pragma once

#include <cstdint>
#include <vector>

#include <nyala/shape.hpp>

// The shapes of outputs may be found by running a layer or an operation on zeros, numbers standing for unknown sizes.

namespace nyala::detail {

/// What an input of such a run may have.
constexpr std::int64_t max_probe_elements = std::int64_t{1} << 28;

inline Shape with_unknown(Shape shape, std::int64_t stand_in) {
  for (std::int64_t& size : shape) size = size == None ? stand_in : size;
  return shape;
}

/// What differs from a run with other numbers is unknown too. False if there are fewer shapes there, or of other ranks.
inline bool mark_unknown(std::vector<Shape>& shapes, const std::vector<Shape>& others) {
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (i >= others.size() || shapes[i].rank() != others[i].rank()) return false;
    for (std::size_t axis = 0; axis < shapes[i].size(); ++axis) {
      if (shapes[i][axis] != others[i][axis]) shapes[i][axis] = None;
    }
  }
  return true;
}

}  // namespace nyala::detail
