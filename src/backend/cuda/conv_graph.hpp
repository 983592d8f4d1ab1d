#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "backend/common/window_geometry.hpp"
#include "backend/cuda/context.hpp"

namespace nyala::backend::cuda {

enum class ConvDirection { forward, backward_data, backward_filter };

/// A convolution as cuDNN has it: two or three spatial axes (the last ones of the arrays), channels last.
struct ConvProblem {
  ConvDirection direction = ConvDirection::forward;
  DType dtype = DType::float32;
  WindowGeometry geometry;
  std::array<std::int64_t, 3> pad_after{0, 0, 0};
  std::size_t spatial = 2;
  bool bias = false;
  FusedActivation activation = FusedActivation::none;

  bool symmetric() const { return geometry.pad == pad_after; }
};

/// Null where cuDNN cannot describe the window (a negative padding, cells left over beyond a stride) or has not the
/// dtype.
std::optional<ConvProblem> conv_problem(ConvDirection direction, const WindowGeometry& geometry, const Shape& x,
                                        DType dtype);

/// x, y of the geometry (gradients or not); filter (out, taps, in / groups); bias null or (out,). The one that is
/// computed follows from the direction. False, with nothing done, where cuDNN has no engine.
[[nodiscard]] bool run_conv(Context& context, const ConvProblem& problem, void* x, void* filter, void* y, void* bias);

}  // namespace nyala::backend::cuda
