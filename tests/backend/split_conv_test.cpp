#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "backend/cpu/amx/split_conv.hpp"
#include "simd_support.hpp"

// Convolutions on the tile unit beside float64 and beside float32 arithmetic.

namespace {

using nyala::backend::amx::ConvSizes;

struct Images {
  ConvSizes s;
  bool turned;
  std::vector<float> x, kernel, bias;

  Images(const ConvSizes& sizes, bool is_turned)
      : s(sizes),
        turned(is_turned),
        x(static_cast<std::size_t>(s.samples * s.rows * s.columns * s.channels)),
        kernel(static_cast<std::size_t>(s.kernel_rows * s.kernel_columns * s.channels * s.out_channels)),
        bias(static_cast<std::size_t>(s.out_channels)) {
    std::mt19937 engine(static_cast<unsigned>(x.size() + kernel.size()));
    std::normal_distribution<float> normal;
    for (auto* const values : {&x, &kernel, &bias})
      for (float& value : *values) value = normal(engine);
  }

  std::size_t results() const {
    return static_cast<std::size_t>(s.samples * s.out_rows * s.out_columns * s.out_channels);
  }

  /// The kernel's factor of a tap.
  float factor(std::int64_t row, std::int64_t column, std::int64_t in, std::int64_t out) const {
    if (turned) {
      const std::int64_t tap = (s.kernel_rows - 1 - row) * s.kernel_columns + s.kernel_columns - 1 - column;
      return kernel[static_cast<std::size_t>((tap * s.out_channels + out) * s.channels + in)];
    }
    return kernel[static_cast<std::size_t>(((row * s.kernel_columns + column) * s.channels + in) * s.out_channels +
                                           out)];
  }

  /// One result by the definition, in T.
  template <class T>
  T result(std::int64_t n, std::int64_t row, std::int64_t column, std::int64_t out) const {
    T sum = bias[static_cast<std::size_t>(out)];
    for (std::int64_t i = 0; i < s.kernel_rows; ++i)
      for (std::int64_t j = 0; j < s.kernel_columns; ++j) {
        const std::int64_t y = row + i * s.dilation_rows - s.pad_rows,
                           at = column + j * s.dilation_columns - s.pad_columns;
        if (y < 0 || y >= s.rows || at < 0 || at >= s.columns) continue;
        const float* const pixel = x.data() + ((n * s.rows + y) * s.columns + at) * s.channels;
        for (std::int64_t c = 0; c < s.channels; ++c) sum = std::fma(T{pixel[c]}, T{factor(i, j, c, out)}, sum);
      }
    return sum;
  }

  std::vector<float> convolve(bool relu, std::vector<int>* finished = nullptr) const {
    std::vector<float> y(results(), std::numeric_limits<float>::quiet_NaN());
    std::vector<int> times(results());
    REQUIRE(nyala::backend::amx::convolve(s, x.data(), kernel.data(), turned, bias.data(), relu, y.data(),
                                          [&](std::int64_t first, std::int64_t count) {
                                            for (std::int64_t i = first; i < first + count; ++i)
                                              ++times[static_cast<std::size_t>(i)];
                                          }));
    if (finished != nullptr) *finished = times;
    return y;
  }
};

const std::vector<ConvSizes> tile_convolutions = {
    // samples, rows, columns, channels, kernel, out channels, results, padding, dilation
    {3, 9, 11, 32, 3, 3, 64, 9, 11, 1, 1, 1, 1},    // same
    {2, 12, 10, 24, 5, 5, 40, 8, 6, 0, 0, 1, 1},    // valid
    {2, 12, 10, 16, 5, 5, 33, 16, 14, 4, 4, 1, 1},  // all that touches
    {2, 8, 9, 12, 4, 2, 32, 8, 9, 1, 0, 1, 1},      // padding behind only, or more of it
    {1, 17, 15, 32, 3, 3, 32, 17, 15, 2, 2, 2, 2},  // dilated
    {2, 14, 13, 40, 3, 3, 32, 10, 13, 0, 3, 2, 3},  // dilated differently
    {5, 1, 50, 48, 1, 7, 70, 1, 50, 0, 3, 1, 1},    // one axis
    {4, 6, 5, 70, 1, 1, 65, 6, 5, 0, 0, 1, 1},      // a product
    {1, 40, 64, 64, 7, 3, 32, 40, 64, 3, 1, 1, 1},  // several bands
    {70, 4, 4, 64, 3, 3, 32, 4, 4, 1, 1, 1, 1},     // many small images
};

}  // namespace

TEST_CASE("convolutions on the tile unit are as precise as float32 arithmetic") {
  if (nyala::test::lacks_tiles()) return;
  for (const ConvSizes& s : tile_convolutions)
    for (const bool turned : {false, true}) {
      INFO(s.rows << " x " << s.columns << " x " << s.channels << ", kernel " << s.kernel_rows << " x "
                  << s.kernel_columns << " x " << s.out_channels << (turned ? ", turned" : ""));
      const Images images(s, turned);
      std::vector<int> finished;
      const std::vector<float> y = images.convolve(false, &finished), positive = images.convolve(true);
      CHECK(std::all_of(finished.begin(), finished.end(), [](int times) { return times == 1; }));
      double found = 0, single = 0;
      // Every result of small cases, and every 17th of the others.
      const std::size_t stride = y.size() < 20'000 ? 1 : 17;
      for (std::size_t i = 0; i < y.size(); i += stride) {
        const auto at = static_cast<std::int64_t>(i);
        const std::int64_t out = at % s.out_channels, column = at / s.out_channels % s.out_columns,
                           row = at / s.out_channels / s.out_columns % s.out_rows,
                           n = at / s.out_channels / s.out_columns / s.out_rows;
        const double exact = images.result<double>(n, row, column, out);
        found += std::pow(y[i] - exact, 2);
        single += std::pow(images.result<float>(n, row, column, out) - exact, 2);
        REQUIRE(positive[i] == std::max(y[i], 0.0f));
      }
      CHECK(found < single);
      const int before = nyala::num_threads();
      for (const int threads : {1, 3}) {
        nyala::set_num_threads(threads);
        CHECK(images.convolve(false) == y);
      }
      nyala::set_num_threads(before);
    }
}

TEST_CASE("convolutions of what the tile unit would spoil are refused") {
  if (nyala::test::lacks_tiles()) return;
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 3e38f})
    for (const bool in_kernel : {false, true}) {
      Images images(tile_convolutions[0], false);
      (in_kernel ? images.kernel : images.x)[777] = bad;
      std::vector<float> y(images.results());
      CHECK_FALSE(nyala::backend::amx::convolve(images.s, images.x.data(), images.kernel.data(), false, nullptr, false,
                                                y.data(), [](std::int64_t, std::int64_t) {}));
    }
}
