#include "backend/common/fused_activation.hpp"
#include "backend/cpu/simd/channel_totals.hpp"
#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"

namespace nyala::backend {

// In one sweep: blocks of rows that stay in the first-level cache go through the loop of the activation's gradient and
// then through that of the sums.
void SimdKernels::activation_backward(const AppliedActivation& applied, const Tensor& gradient, Tensor& out,
                                      Tensor& sums) {
  const std::int64_t rows = gradient.shape()[0], n = gradient.shape()[1];
  const Unary op = unary_of(applied.activation);
  const auto backward = table_.unary_backward(op, applied.before.defined(), applied.after.defined());
  const bool single = all_float32(gradient, out, sums, applied.before, applied.after);
  const bool known = single || (all_half(gradient, out, sums, applied.before, applied.after) && n <= half_block);
  if (!sums.defined() || backward == nullptr || !known || gradient.size() == 0)
    return Kernels::activation_backward(applied, gradient, out, sums);
  const auto add = table_.reduce_columns(Reduce::sum);
  const ChannelTotals totals(rows, n, [&](std::int64_t first, std::int64_t count, double* to, double*) {
    alignas(64) float before[half_block], after[half_block], incoming[half_block];
    for_half_rows(first, first + count, n, [&](std::int64_t row, std::int64_t some) {
      const std::int64_t begin = row * n, size = some * n;
      float* result = single ? floats(out) + begin : static_cast<float*>(incoming);
      backward(0.0F, widened(applied.before, begin, size, before), widened(applied.after, begin, size, after),
               widened(gradient, begin, size, incoming), result, size);
      add(result, some, n, 0, n, to);
      if (!single) narrow(result, out, begin, size);
    });
  });
  const Scratch room(single ? 0 : float_bytes(n));
  float* results = single ? floats(sums) : static_cast<float*>(room.get());
  for (std::int64_t k = 0; k < n; ++k) results[k] = static_cast<float>(totals.first(k));
  if (!single) narrow(results, sums, 0, n);
}

}  // namespace nyala::backend
