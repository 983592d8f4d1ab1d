#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "backend/cpu/scratch.hpp"
#include "backend/cpu/simd/channel_steps.hpp"
#include "backend/cpu/simd/simd_support.hpp"
#include "backend/cpu/simd/table.hpp"
#include "backend/kernels.hpp"

namespace nyala::backend {

/// A Finish over float32, ready for the loops.
class ChannelFinish {
 public:
  static bool suits(const Finish& next) {
    return (!next.activation || *next.activation == Unary::relu || *next.activation == Unary::relu6) &&
           all_float32(next.mean, next.variance, next.gamma, next.beta, next.residual);
  }

  ChannelFinish(const SimdTable& table, const Finish& next, std::int64_t channels)
      : table_(table), channels_(channels), memory_(float_bytes(3 * channels)) {
    float *const center = static_cast<float*>(memory_.get()), *const factor = center + channels,
                 *const shift = factor + channels;
    const float *const mean = floats(next.mean), *const variance = floats(next.variance),
                       *const gamma = floats(next.gamma), *const beta = floats(next.beta);
    for (std::int64_t k = 0; k < channels; ++k) {
      center[k] = mean == nullptr ? 0.0F : mean[k];
      shift[k] = beta == nullptr ? 0.0F : beta[k];
      const double spread = variance == nullptr ? 1.0 : static_cast<double>(variance[k]) + next.epsilon;
      factor[k] = static_cast<float>((gamma == nullptr ? 1.0 : static_cast<double>(gamma[k])) / std::sqrt(spread));
    }
    constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const bool capped = next.activation == Unary::relu6;
    steps_ = {center, factor, shift, floats(next.residual), next.activation ? 0.0F : -infinity, capped ? 6.0F : nan};
  }

  const simd::ChannelSteps& steps() const { return steps_; }
  /// Of results y the elements [first, first + count): whole positions.
  void operator()(float* y, std::int64_t first, std::int64_t count) const {
    table_.channel_activate(y + first, steps_.center, steps_.factor, steps_.shift, advance(steps_.residual, first),
                            steps_.floor, steps_.ceiling, y + first, count / channels_, channels_);
  }

 private:
  const SimdTable& table_;
  std::int64_t channels_;
  Scratch memory_;
  simd::ChannelSteps steps_;
};

}  // namespace nyala::backend
