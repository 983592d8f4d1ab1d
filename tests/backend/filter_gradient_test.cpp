#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "backend/cpu/amx/filter_gradient.hpp"
#include "core/half.hpp"
#include "simd_support.hpp"

// Gradients of convolutions' kernels on the tile unit beside sums in float64.

namespace {

using nyala::bfloat16;
using nyala::backend::amx::FilterSizes;

struct FilterCase {
  FilterSizes s;
  std::vector<bfloat16> x, gradient;

  explicit FilterCase(const FilterSizes& sizes)
      : s(sizes),
        x(static_cast<std::size_t>(s.samples * s.rows * s.columns * s.channels)),
        gradient(static_cast<std::size_t>(s.samples * s.out_rows * s.out_columns * s.filters)) {
    std::mt19937 engine(static_cast<unsigned>(x.size() + gradient.size()));
    std::normal_distribution<float> normal;
    for (auto* const values : {&x, &gradient})
      for (bfloat16& value : *values) value = bfloat16(normal(engine));
  }

  std::size_t size() const {
    return static_cast<std::size_t>(s.kernel_rows * s.kernel_columns * s.channels * s.filters);
  }
  bool run(void* out, bool wide) const {
    const auto bits = [](const std::vector<bfloat16>& values) {
      return reinterpret_cast<const std::uint16_t*>(values.data());
    };
    return filter_gradient(s, bits(x), bits(gradient), out, wide);
  }

  /// The definition: sums, and those of magnitudes.
  void exact(std::vector<double>& sums, std::vector<double>& magnitudes) const {
    sums.assign(size(), 0.0);
    magnitudes.assign(size(), 0.0);
    for (std::int64_t n = 0; n < s.samples; ++n)
      for (std::int64_t y = 0; y < s.out_rows; ++y)
        for (std::int64_t column = 0; column < s.out_columns; ++column)
          for (std::int64_t ky = 0; ky < s.kernel_rows; ++ky)
            for (std::int64_t kx = 0; kx < s.kernel_columns; ++kx) {
              const std::int64_t row = y * s.stride_rows + ky * s.dilation_rows - s.pad_rows;
              const std::int64_t at = column * s.stride_columns + kx * s.dilation_columns - s.pad_columns;
              if (row < 0 || row >= s.rows || at < 0 || at >= s.columns) continue;
              for (std::int64_t c = 0; c < s.channels; ++c)
                for (std::int64_t f = 0; f < s.filters; ++f) {
                  const auto from = static_cast<std::size_t>(((n * s.rows + row) * s.columns + at) * s.channels + c);
                  const auto of =
                      static_cast<std::size_t>(((n * s.out_rows + y) * s.out_columns + column) * s.filters + f);
                  const auto to =
                      static_cast<std::size_t>(((ky * s.kernel_columns + kx) * s.channels + c) * s.filters + f);
                  const double term = static_cast<double>(x[from]) * static_cast<double>(gradient[of]);
                  sums[to] += term;
                  magnitudes[to] += std::fabs(term);
                }
            }
  }
};

/// A convolution whose result has the size that its paddings give.
FilterSizes sized(std::int64_t samples, std::int64_t rows, std::int64_t columns, std::int64_t channels,
                  std::int64_t filters, std::int64_t kernel_rows, std::int64_t kernel_columns, std::int64_t before,
                  std::int64_t after, std::int64_t stride, std::int64_t dilation) {
  const auto out = [&](std::int64_t in, std::int64_t kernel) {
    return (in + before + after - (kernel - 1) * dilation - 1) / stride + 1;
  };
  return {samples,
          rows,
          columns,
          channels,
          kernel_rows,
          kernel_columns,
          filters,
          out(rows, kernel_rows),
          out(columns, kernel_columns),
          before,
          before,
          dilation,
          dilation,
          stride,
          stride};
}

}  // namespace

TEST_CASE("gradients of kernels on the tile unit are float32 sums over every pixel") {
  if (nyala::test::lacks_tiles()) return;
  const std::vector<FilterSizes> cases = {
      sized(16, 13, 13, 32, 64, 3, 3, 1, 1, 1, 1),   // same
      sized(9, 12, 17, 16, 16, 3, 3, 0, 0, 1, 1),    // valid
      sized(16, 28, 28, 1, 32, 3, 3, 0, 0, 1, 1),    // planes of one channel
      sized(4, 20, 20, 3, 16, 5, 5, 2, 2, 1, 1),     // of three
      sized(8, 23, 23, 3, 20, 7, 7, 3, 3, 2, 1),     // with a stride
      sized(5, 16, 16, 24, 40, 3, 3, 0, 1, 2, 1),    // Keras' same at a stride of 2
      sized(48, 15, 15, 17, 33, 1, 1, 0, 0, 2, 1),   // projections
      sized(3, 19, 19, 20, 18, 3, 3, 2, 2, 1, 2),    // dilated
      sized(12, 24, 21, 16, 16, 3, 5, 4, 4, 3, 2),   // all at once, with padding beyond the kernel's reach
      sized(8, 64, 64, 8, 1, 3, 3, 1, 1, 1, 1),      // one filter
      sized(40, 8, 8, 64, 64, 3, 3, 1, 1, 1, 1),     // small images
      sized(1, 130, 70, 16, 32, 3, 3, 1, 1, 1, 1),   // one large one
      sized(2, 1, 5000, 16, 16, 1, 9, 0, 0, 1, 1)};  // long sequences
  for (const FilterSizes& sizes : cases) {
    const FilterCase one(sizes);
    INFO(sizes.rows << " x " << sizes.columns << " x " << sizes.channels << " -> " << sizes.filters << ", kernel "
                    << sizes.kernel_rows << ", stride " << sizes.stride_rows << ", dilation " << sizes.dilation_rows);
    std::vector<float> wide(one.size(), -77.0F);
    std::vector<bfloat16> rounded(one.size(), bfloat16(-77.0F));
    REQUIRE(one.run(wide.data(), true));
    REQUIRE(one.run(rounded.data(), false));
    std::vector<double> sums, magnitudes;
    one.exact(sums, magnitudes);
    double largest = 0;
    std::size_t misrounded = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      largest = std::max(largest, std::fabs(wide[i] - sums[i]) / (magnitudes[i] + 1e-30));
      misrounded += rounded[i].bits == bfloat16(wide[i]).bits ? 0 : 1;
    }
    CHECK(largest < 1e-6);
    CHECK(misrounded == 0);
    const int before = nyala::num_threads();
    for (const int threads : {1, 3}) {
      nyala::set_num_threads(threads);
      std::vector<float> again(one.size());
      REQUIRE(one.run(again.data(), true));
      CHECK(again == wide);
    }
    nyala::set_num_threads(before);
  }
}

TEST_CASE("gradients of kernels on the tile unit: NaN stays in its channel, small sizes are refused") {
  if (nyala::test::lacks_tiles()) return;
  FilterCase one(sized(8, 16, 16, 32, 32, 3, 3, 1, 1, 1, 1));
  one.x[5 * 32 + 7] = bfloat16(NAN);
  std::vector<float> wide(one.size());
  REQUIRE(one.run(wide.data(), true));
  for (std::size_t i = 0; i < wide.size(); ++i) {
    if (i / 32 % 32 != 7) CHECK(std::isfinite(wide[i]));
  }
  CHECK(std::isnan(wide[(4 * 32 + 7) * 32]));
  const FilterCase small(sized(1, 4, 4, 3, 4, 3, 3, 1, 1, 1, 1));
  CHECK(!small.run(wide.data(), true));
}
