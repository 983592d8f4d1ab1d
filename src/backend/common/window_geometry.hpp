#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "backend/kernels.hpp"

namespace nyala::backend {

/// A window sliding over channels-last data, seen as three spatial axes (the first ones of size 1 where there are
/// fewer): the shapes and the arithmetic that convolution and pooling share.
struct WindowGeometry {
  std::int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
  std::array<std::int64_t, 3> in{1, 1, 1}, out{1, 1, 1}, size{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1},
      pad{0, 0, 0};

  WindowGeometry(const Shape& x, const Shape& y, const Window& window)
      : batch(x[0]), in_channels(x.back()), out_channels(y.back()), groups(window.groups) {
    const std::size_t rank = x.size() - 2;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      const std::size_t place = 3 - rank + axis;
      in[place] = x[axis + 1];
      out[place] = y[axis + 1];
      size[place] = window.size[axis];
      stride[place] = window.strides[axis];
      dilation[place] = window.dilation[axis];
      pad[place] = window.pad_before[axis];
    }
  }

  std::int64_t in_positions() const { return in[0] * in[1] * in[2]; }
  std::int64_t out_positions() const { return out[0] * out[1] * out[2]; }
  std::int64_t taps() const { return size[0] * size[1] * size[2]; }
  /// Whether no input cell belongs to two windows.
  bool windows_apart() const {
    return of_axes([this](std::size_t axis) { return stride[axis] > (size[axis] - 1) * dilation[axis]; });
  }
  /// Whether each input cell belongs to exactly one window.
  bool windows_tile() const {
    return of_axes([this](std::size_t axis) {
      return stride[axis] == size[axis] && dilation[axis] == 1 && pad[axis] == 0 && out[axis] * size[axis] == in[axis];
    });
  }

  /// Calls fn(tap, position) for every cell of an output position's window; position is the number of the input cell
  /// among the sample's, or -1 in the padding.
  template <class F>
  void for_window(std::int64_t out_position, F&& fn) const {
    const std::array<std::int64_t, 3> o{out_position / (out[1] * out[2]), out_position / out[2] % out[1],
                                        out_position % out[2]};
    std::int64_t tap = 0;
    for (std::int64_t a = 0; a < size[0]; ++a) {
      const std::int64_t z = o[0] * stride[0] - pad[0] + a * dilation[0];
      for (std::int64_t b = 0; b < size[1]; ++b) {
        const std::int64_t y = o[1] * stride[1] - pad[1] + b * dilation[1];
        for (std::int64_t c = 0; c < size[2]; ++c, ++tap) {
          const std::int64_t x = o[2] * stride[2] - pad[2] + c * dilation[2];
          const bool inside = z >= 0 && z < in[0] && y >= 0 && y < in[1] && x >= 0 && x < in[2];
          fn(tap, inside ? (z * in[1] + y) * in[2] + x : -1);
        }
      }
    }
  }

 private:
  template <class F>
  static bool of_axes(F&& holds) {
    return holds(0) && holds(1) && holds(2);
  }
};

}  // namespace nyala::backend
