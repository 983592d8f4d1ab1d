#pragma once

#include <cstdint>

#include "backend/common/window_geometry.hpp"

namespace nyala::backend::cuda {

/// Sliding windows for functors, seen from one cell (of all channels) of the output or of the input.
struct WindowWalk {
  std::int64_t in_channels, out_channels;
  std::int64_t in[3], out[3], size[3], stride[3], dilation[3], pad[3];

  /// A cell of channels-last data: which sample, place and channel.
  struct Cell {
    std::int64_t sample, place[3], channel;
  };

  explicit WindowWalk(const WindowGeometry& g) : in_channels(g.in_channels), out_channels(g.out_channels) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      in[axis] = g.in[axis];
      out[axis] = g.out[axis];
      size[axis] = g.size[axis];
      stride[axis] = g.stride[axis];
      dilation[axis] = g.dilation[axis];
      pad[axis] = g.pad[axis];
    }
  }

  constexpr std::int64_t taps() const { return size[0] * size[1] * size[2]; }
  constexpr Cell out_cell(std::int64_t i) const { return cell_of(i, out, out_channels); }
  constexpr Cell in_cell(std::int64_t i) const { return cell_of(i, in, in_channels); }
  /// Where the sample's values of the cell's channel begin in the input.
  constexpr std::int64_t first_of_sample(const Cell& cell) const {
    return cell.sample * in[0] * in[1] * in[2] * in_channels + cell.channel;
  }
  constexpr std::int64_t in_position(const Cell& cell) const {
    return (cell.place[0] * in[1] + cell.place[1]) * in[2] + cell.place[2];
  }

  /// The position among the sample's input cells under a tap of an output cell's window, or -1 in the padding.
  constexpr std::int64_t source(const Cell& cell, std::int64_t tap) const {
    const std::int64_t taps_at[3] = {tap / (size[1] * size[2]), tap / size[2] % size[1], tap % size[2]};
    std::int64_t position = 0;
    for (int axis = 0; axis < 3; ++axis) {
      const std::int64_t place = cell.place[axis] * stride[axis] - pad[axis] + taps_at[axis] * dilation[axis];
      if (place < 0 || place >= in[axis]) return -1;
      position = position * in[axis] + place;
    }
    return position;
  }

  /// The position among all samples' output cells in whose window the input cell lies under a tap, or -1.
  constexpr std::int64_t target(const Cell& cell, std::int64_t tap) const {
    const std::int64_t taps_at[3] = {tap / (size[1] * size[2]), tap / size[2] % size[1], tap % size[2]};
    std::int64_t position = cell.sample;
    for (int axis = 0; axis < 3; ++axis) {
      const std::int64_t scaled = cell.place[axis] + pad[axis] - taps_at[axis] * dilation[axis];
      if (scaled < 0 || scaled % stride[axis] != 0 || scaled / stride[axis] >= out[axis]) return -1;
      position = position * out[axis] + scaled / stride[axis];
    }
    return position;
  }

  /// How many cells of an output position's window are no padding; at least 1.
  constexpr std::int64_t inside(std::int64_t position) const {
    const Cell cell = cell_of(position, out, 1);
    std::int64_t count = 1;
    for (int axis = 0; axis < 3; ++axis) {
      std::int64_t here = 0;
      for (std::int64_t tap = 0; tap < size[axis]; ++tap) {
        const std::int64_t place = cell.place[axis] * stride[axis] - pad[axis] + tap * dilation[axis];
        here += place >= 0 && place < in[axis];
      }
      count *= here;
    }
    return count == 0 ? 1 : count;
  }

 private:
  constexpr Cell cell_of(std::int64_t i, const std::int64_t (&sizes)[3], std::int64_t channels) const {
    const std::int64_t position = i / channels;
    return {position / (sizes[2] * sizes[1] * sizes[0]),
            {position / (sizes[2] * sizes[1]) % sizes[0], position / sizes[2] % sizes[1], position % sizes[2]},
            i % channels};
  }
};

}  // namespace nyala::backend::cuda
