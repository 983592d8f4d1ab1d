#include "backend/cpu/simd/shallow_conv.hpp"
#include "backend/cpu/simd/unrolled.hpp"
#include "backend/cpu/simd/vector.hpp"

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {
namespace {

using namespace nyala::backend::NYALA_SIMD_NAMESPACE;

/// Results whose sums the registers hold at once, two registers wide.
constexpr int group = lanes == 16 ? 14 : 6;

/// `count` results from `at` on, `wide` registers of channels from `channel` on.
template <int count, int wide>
[[gnu::noinline]] void results(const ShallowConv& s, const float* const* rows, const float* kernel, const float* bias,
                               std::int64_t at, std::int64_t channel, float* y) {
  Floats total[wide][count];
  unrolled<wide>([&](int j) {
    const Floats start = load(bias + channel + j * lanes);
    unrolled<count>([&](int i) { total[j][i] = start; });
  });
  const float* factors = kernel + channel;
  for (std::int64_t row = 0; row < s.kernel_rows; ++row) {
    const float* const in = rows[row] + at * s.step;
    for (std::int64_t t = 0; t < s.depth; ++t, factors += s.padded_channels) {
      Floats factor[wide];
      unrolled<wide>([&](int j) { factor[j] = load(factors + j * lanes); });
      unrolled<count>([&](int i) {
        const Floats value = splat(in[i * s.step + t]);
        unrolled<wide>([&](int j) { total[j][i] = fma(value, factor[j], total[j][i]); });
      });
    }
  }
  unrolled<count>([&](int i) {
    float* const to = y + (at + i) * s.out_channels + channel;
    unrolled<wide>([&](int j) {
      const Floats sum = s.relu ? maximum(total[j][i], Floats{}) : total[j][i];
      store_up_to(s.out_channels - channel - j * lanes, sum, to + j * lanes);
    });
  });
}

template <int wide>
void columns(const ShallowConv& s, const float* const* rows, const float* kernel, const float* bias,
             std::int64_t channel, float* y) {
  in_groups<group>(s.results,
                   [&]<int count>(std::int64_t at) { results<count, wide>(s, rows, kernel, bias, at, channel, y); });
}

void convolve_row(const ShallowConv& s, const float* const* rows, const float* kernel, const float* bias, float* y) {
  std::int64_t channel = 0;
  for (; channel + lanes < s.out_channels; channel += 2 * lanes) columns<2>(s, rows, kernel, bias, channel, y);
  if (channel < s.out_channels) columns<1>(s, rows, kernel, bias, channel, y);
}

}  // namespace

const ShallowConvLoops shallow_conv_loops{convolve_row};

}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
