#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "backend/common/window_geometry.hpp"
#include "backend/cuda/context.hpp"

namespace nyala::backend::cuda {

/// Of the maximum the values only: which of several equal cells its gradient goes to is not documented.
enum class PoolPass { max, average, average_backward };

/// A pooling as cuDNN has it: two or three spatial axes (the last ones of the arrays), channels last, padded cells not
/// counted.
struct PoolProblem {
  PoolPass pass = PoolPass::max;
  DType dtype = DType::float32;
  WindowGeometry geometry;
  std::array<std::int64_t, 3> pad_after{0, 0, 0};
  std::size_t spatial = 2;
};

/// Null where cuDNN cannot describe the window (dilated, windows of padding alone, cells left over beyond a stride) or
/// has not the dtype.
std::optional<PoolProblem> pool_problem(PoolPass pass, const WindowGeometry& geometry, const Shape& x, DType dtype);

/// x, y of the geometry (gradients or not); the one that is computed follows from the pass. False, with nothing done,
/// where cuDNN has no engine.
[[nodiscard]] bool run_pool(Context& context, const PoolProblem& problem, void* x, void* y);

}  // namespace nyala::backend::cuda
