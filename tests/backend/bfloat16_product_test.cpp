#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "backend/cpu/amx/bfloat16_product.hpp"
#include "core/half.hpp"
#include "simd_support.hpp"
#include "support/build_kind.hpp"

// Products of bfloat16 matrices on the tile unit beside sums in float64.

namespace {

using nyala::bfloat16;
using nyala::FusedActivation;
using nyala::backend::amx::HalfProduct;

struct HalfMatrices {
  std::int64_t m, n, k;
  bool transpose_a, transpose_b;
  std::vector<bfloat16> a, b, bias;

  HalfMatrices(std::int64_t rows, std::int64_t columns, std::int64_t depth, int kind)
      : m(rows),
        n(columns),
        k(depth),
        transpose_a((kind & 1) != 0),
        transpose_b((kind & 2) != 0),
        a(static_cast<std::size_t>(m * k)),
        b(static_cast<std::size_t>(k * n)),
        bias(static_cast<std::size_t>(n)) {
    std::mt19937 engine(static_cast<unsigned>(m * 31 + n * 7 + k));
    std::normal_distribution<float> normal;
    for (auto* const values : {&a, &b, &bias})
      for (bfloat16& value : *values) value = bfloat16(normal(engine));
  }

  double left(std::int64_t i, std::int64_t depth) const {
    return static_cast<double>(a[static_cast<std::size_t>(transpose_a ? depth * m + i : i * k + depth)]);
  }
  double right(std::int64_t depth, std::int64_t j) const {
    return static_cast<double>(b[static_cast<std::size_t>(transpose_b ? j * k + depth : depth * n + j)]);
  }
  static const std::uint16_t* bits(const std::vector<bfloat16>& values) {
    return reinterpret_cast<const std::uint16_t*>(values.data());
  }
  HalfProduct product(bool biased, FusedActivation activation, void* out, bool wide) const {
    return {m, n, k, transpose_a, transpose_b, bits(a), bits(b), biased ? bits(bias) : nullptr, activation, out, wide};
  }
  std::vector<float> wide() const {
    std::vector<float> out(static_cast<std::size_t>(m * n), -77.0F);
    REQUIRE(multiply_halves(product(false, FusedActivation::none, out.data(), true)));
    return out;
  }
  /// `before`: what the activation is applied to is wanted instead.
  std::vector<float> rounded(bool biased, FusedActivation activation, bool before = false) const {
    std::vector<bfloat16> out(static_cast<std::size_t>(m * n), bfloat16(-77.0F)), sums = out;
    HalfProduct whole = product(biased, activation, out.data(), false);
    if (before) whole.before = reinterpret_cast<std::uint16_t*>(sums.data());
    REQUIRE(multiply_halves(whole));
    if (before) std::swap(out, sums);
    std::vector<float> values(out.size());
    std::transform(out.begin(), out.end(), values.begin(), [](bfloat16 x) { return static_cast<float>(x); });
    return values;
  }
};

double activated(FusedActivation activation, double x) {
  if (activation == FusedActivation::relu) return std::max(x, 0.0);
  if (activation == FusedActivation::gelu) return x * 0.5 * (1 + std::erf(x / std::sqrt(2.0)));
  return x;
}

}  // namespace

TEST_CASE("bfloat16 products on the tile unit are float32 sums, rounded once") {
  if (nyala::test::lacks_tiles()) return;
  struct Sizes {
    std::int64_t m, n, k;
  };
  std::vector<Sizes> cases = {{64, 96, 128},  {33, 100, 300}, {100, 77, 65},
                              {257, 130, 33}, {70, 64, 1500}, {130, 96, 2080}};
  if (!build_kind::slow) cases.insert(cases.end(), {{65, 64, 2500}, {200, 70, 2500}, {600, 1100, 40}, {1100, 70, 700}});
  for (const Sizes& size : cases)
    for (int kind = 0; kind < 4; ++kind) {
      const HalfMatrices x(size.m, size.n, size.k, kind);
      INFO(size.m << " x " << size.n << " x " << size.k << ", kind " << kind);
      const std::vector<float> wide = x.wide();
      const bool fits = size.k <= 2048;  // longer sums have nowhere to wait in float32
      const auto plain = fits ? x.rounded(false, FusedActivation::none) : wide;
      const auto relu = fits ? x.rounded(true, FusedActivation::relu) : wide;
      const auto gelu = fits ? x.rounded(true, FusedActivation::gelu) : wide;
      const auto shifted = fits ? x.rounded(true, FusedActivation::gelu, true) : wide;
      double largest = 0;
      for (std::int64_t i = 0; i < size.m; ++i)
        for (std::int64_t j = 0; j < size.n; ++j) {
          double sum = 0, magnitude = 0;
          for (std::int64_t depth = 0; depth < size.k; ++depth) {
            const double term = x.left(i, depth) * x.right(depth, j);
            sum += term;
            magnitude += std::fabs(term);
          }
          const auto at = static_cast<std::size_t>(i * size.n + j);
          largest = std::max(largest, std::fabs(wide[at] - sum) / magnitude);
          if (!fits) continue;
          const double shift = static_cast<double>(x.bias[static_cast<std::size_t>(j)]);
          const auto close = [&](float found, double expected, double slack) {
            return std::fabs(found - expected) <= std::fabs(expected) * 0x1p-8 + magnitude * slack;
          };
          REQUIRE(close(shifted[at], sum + shift, 1e-6));
          REQUIRE(plain[at] == static_cast<float>(bfloat16(wide[at])));
          REQUIRE(close(relu[at], activated(FusedActivation::relu, sum + shift), 1e-6));
          REQUIRE(close(gelu[at], activated(FusedActivation::gelu, sum + shift), 1e-6));
        }
      CHECK(largest < 1e-6);
      const int before = nyala::num_threads();
      for (const int threads : {1, 3}) {
        nyala::set_num_threads(threads);
        CHECK(x.wide() == wide);
        if (fits) CHECK(x.rounded(true, FusedActivation::gelu) == gelu);
      }
      nyala::set_num_threads(before);
    }
}

TEST_CASE("bfloat16 products on the tile unit: infinite numbers and NaN reach their row only") {
  if (nyala::test::lacks_tiles()) return;
  HalfMatrices x(70, 80, 100, 0);
  x.a[5 * 100 + 7] = bfloat16(std::numeric_limits<float>::infinity());
  x.a[40 * 100 + 99] = bfloat16(std::numeric_limits<float>::quiet_NaN());
  const std::vector<float> wide = x.wide(), relu = x.rounded(true, FusedActivation::relu);
  for (std::size_t i = 0; i < 70; ++i)
    for (std::size_t j = 0; j < 80; ++j) {
      const float found = wide[i * 80 + j];
      CHECK(std::isinf(found) == (i == 5));
      CHECK(std::isnan(found) == (i == 40));
      CHECK(std::isnan(relu[i * 80 + j]) == (i == 40));
    }
}

TEST_CASE("bfloat16 products that do not pay on the tile unit are refused and leave the result alone") {
  for (const auto [m, n, k] : {std::array<std::int64_t, 3>{1, 512, 512}, {512, 10, 512}, {512, 512, 8}, {32, 32, 32}}) {
    const HalfMatrices x(m, n, k, 0);
    std::vector<bfloat16> out(static_cast<std::size_t>(m * n), bfloat16(3.0F));
    CHECK(!multiply_halves(x.product(false, FusedActivation::none, out.data(), false)));
    CHECK(std::all_of(out.begin(), out.end(), [](bfloat16 value) { return static_cast<float>(value) == 3.0F; }));
  }
}
