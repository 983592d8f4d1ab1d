#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>

#include "backend/kernels.hpp"

// The geometry that convolution and pooling share.

namespace nyala::ops {

/// Whether data_format (or, where it is empty, the global one) puts the channels first. Error for an unknown name.
bool is_channels_first(const std::string& data_format, const char* op);
/// (batch, channels, spatial…) -> (batch, spatial…, channels), and back; differentiable.
Tensor channels_to_last(const Tensor& x);
Tensor channels_to_first(const Tensor& x);

/// The number of spatial axes of x (batch, spatial…, channels): 1 to 3, else Error.
int spatial_rank(const Tensor& x, const char* op);
/// One positive number per spatial axis, from as many or from one for all. Error naming the argument otherwise.
std::array<std::int64_t, 3> per_axis(const std::vector<std::int64_t>& given, int rank, const char* op,
                                     const char* argument);

enum class PaddingMode : std::uint8_t { valid, same, causal };
/// Error for an unknown name, and for "causal" but in one-dimensional convolution.
PaddingMode padding_mode(const std::string& padding, bool causal_allowed, const char* op);

/// The cells that a window covers along an axis.
inline std::int64_t extent(const backend::Window& window, std::size_t axis) {
  return (window.size[axis] - 1) * window.dilation[axis] + 1;
}
/// Sets the window's padding for x (batch, spatial…, channels) and gives the shape that results, with `channels`. Error
/// if it would hold nothing.
Shape place_window(backend::Window& window, PaddingMode mode, const Shape& x, std::int64_t channels, const char* op);

}  // namespace nyala::ops
