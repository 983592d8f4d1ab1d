#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "backend/common/window_geometry.hpp"

namespace nyala::backend::cuda {

/// The padding after each axis that cuDNN, which derives the output's size, is to be told. Null where there is none: a
/// negative padding, or cells left over beyond a stride.
inline std::optional<std::array<std::int64_t, 3>> padding_after(const WindowGeometry& geometry) {
  std::array<std::int64_t, 3> after{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t reach = (geometry.size[axis] - 1) * geometry.dilation[axis] + 1;
    const std::int64_t covered = (geometry.out[axis] - 1) * geometry.stride[axis] + reach;
    const std::int64_t least = covered - geometry.in[axis] - geometry.pad[axis];
    const std::int64_t most = least + geometry.stride[axis] - 1;
    if (geometry.pad[axis] < 0 || most < 0) return std::nullopt;
    // Any padding in this range gives the same output: the one before, if it lies there.
    after[axis] = std::clamp(geometry.pad[axis], std::max<std::int64_t>(least, 0), most);
  }
  return after;
}

}  // namespace nyala::backend::cuda
