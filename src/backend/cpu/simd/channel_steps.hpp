#pragma once

namespace nyala::backend::simd {

/// What follows the results of a product, channel by channel: y = (x - center) * factor + shift, plus the residual at
/// the same place, cut off below and above.
struct ChannelSteps {
  const float *center, *factor, *shift;
  const float* residual;  // null: none
  float floor, ceiling;   // -infinity and NaN: uncut
};

}  // namespace nyala::backend::simd
