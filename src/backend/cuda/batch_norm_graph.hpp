#pragma once

#include <cstdint>

#include <nyala/dtype.hpp>

#include "backend/cuda/context.hpp"

namespace nyala::backend::cuda {

enum class BatchNormPass { training, inference, backward };

/// A batch normalization as cuDNN is asked for it: x (rows, channels) of float32, float16 or bfloat16, all that belongs
/// to a channel in float32.
struct BatchNormProblem {
  DType dtype = DType::float32;
  std::int64_t rows = 1, channels = 1;
  std::int64_t alignment = 16;               // of all memory
  bool activated = false, residual = false;  // in training: y = relu(normalised [+ residual])
};

/// What a pass reads and writes, all of x's shape or one number per channel.
struct BatchNormMemory {
  float epsilon = 0.0F;  // in training
  void *x = nullptr, *y = nullptr, *residual = nullptr;
  void *gamma = nullptr, *beta = nullptr;              // gamma in inference: over the deviation
  void *mean = nullptr, *inverse_deviation = nullptr;  // written in training, read in the backward
  void *gradient = nullptr, *dx = nullptr, *dgamma = nullptr, *dbeta = nullptr;
};

/// Whether an engine took the graph of this pass. Makes the plan, if there was none.
bool batch_norm_has_plan(Context& context, BatchNormPass pass, const BatchNormProblem& problem);

/// False, with nothing done, where no engine takes it.
[[nodiscard]] bool run_batch_norm(Context& context, BatchNormPass pass, const BatchNormProblem& problem,
                                  const BatchNormMemory& memory);

}  // namespace nyala::backend::cuda
