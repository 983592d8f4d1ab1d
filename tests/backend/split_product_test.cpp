#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "backend/cpu/amx/split_product.hpp"
#include "simd_support.hpp"
#include "support/build_kind.hpp"

// Float32 products on the tile unit beside float64 and beside float32 arithmetic.

namespace {

using nyala::backend::Gemm;
using nyala::backend::amx::Block;

constexpr float infinity = std::numeric_limits<float>::infinity();

struct Matrices {
  Gemm sizes;
  std::vector<float> a, b, c;

  Matrices(std::int64_t m, std::int64_t n, std::int64_t k, bool transpose_a, bool transpose_b, bool add)
      : sizes{transpose_a, transpose_b, add, m, n, k, (transpose_a ? m : k) + 3, (transpose_b ? k : n) + 5, n + 7},
        a(static_cast<std::size_t>((transpose_a ? k : m) * sizes.stride_a)),
        b(static_cast<std::size_t>((transpose_b ? n : k) * sizes.stride_b)),
        c(static_cast<std::size_t>(m * sizes.stride_c)) {
    std::mt19937 engine(static_cast<unsigned>(m * 31 + n * 7 + k));
    std::normal_distribution<float> normal;
    for (auto* const values : {&a, &b, &c})
      for (float& value : *values) value = normal(engine);
  }

  float left(std::int64_t i, std::int64_t k) const {
    return a[static_cast<std::size_t>(sizes.transpose_a ? k * sizes.stride_a + i : i * sizes.stride_a + k)];
  }
  float right(std::int64_t k, std::int64_t j) const {
    return b[static_cast<std::size_t>(sizes.transpose_b ? j * sizes.stride_b + k : k * sizes.stride_b + j)];
  }
  float& at(std::vector<float>& values, std::int64_t i, std::int64_t j) const {
    return values[static_cast<std::size_t>(i * sizes.stride_c + j)];
  }
};

int plain_calls = 0;

void plain(const Gemm& g, const float* a, const float* b, float* c) {
  ++plain_calls;
  nyala::backend::gemm(g, a, b, c);
}

std::vector<float> multiply(const Matrices& x, std::vector<int>* finished = nullptr,
                            const nyala::backend::amx::SplitFactors* split_b = nullptr) {
  std::vector<float> out = x.c;
  plain_calls = 0;
  std::vector<int> times(static_cast<std::size_t>(x.sizes.m * x.sizes.n));
  nyala::backend::amx::multiply_split(x.sizes, x.a.data(), x.b.data(), split_b, out.data(), plain,
                                      [&](const Block& block) {
                                        for (std::int64_t i = block.row; i < block.row + block.rows; ++i)
                                          for (std::int64_t j = block.column; j < block.column + block.columns; ++j)
                                            ++times[static_cast<std::size_t>(i * x.sizes.n + j)];
                                      });
  if (finished != nullptr) *finished = times;
  return out;
}

/// Root mean squares of the errors of `found` and of sums in float32, both beside float64.
struct Errors {
  double found = 0, float32 = 0;
};

Errors errors(const Matrices& x, std::vector<float>& found) {
  Errors sums;
  std::vector<float> before = x.c;
  for (std::int64_t i = 0; i < x.sizes.m; ++i)
    for (std::int64_t j = 0; j < x.sizes.n; ++j) {
      float single = x.sizes.add ? x.at(before, i, j) : 0;
      double exact = single;
      for (std::int64_t k = 0; k < x.sizes.k; ++k) {
        exact += static_cast<double>(x.left(i, k)) * x.right(k, j);
        single = std::fma(x.left(i, k), x.right(k, j), single);
      }
      sums.found += std::pow(x.at(found, i, j) - exact, 2);
      sums.float32 += std::pow(single - exact, 2);
    }
  const auto count = static_cast<double>(x.sizes.m * x.sizes.n);
  return {std::sqrt(sums.found / count), std::sqrt(sums.float32 / count)};
}

}  // namespace

TEST_CASE("products on the tile unit are as precise as float32 arithmetic") {
  if (nyala::test::lacks_tiles()) return;
  struct Sizes {
    std::int64_t m, n, k;
  };
  std::vector<Sizes> cases = {{64, 64, 64}, {33, 1, 40}, {1, 95, 31}, {100, 77, 300}, {257, 129, 65}, {64, 70, 1100}};
  if (!build_kind::slow)
    cases.insert(cases.end(), {{600, 1030, 33}, {1025, 40, 1500}, {530, 96, 700}, {96, 128, 4100}});
  for (const Sizes& size : cases)
    for (int kind = 0; kind < 8; ++kind) {
      const Matrices x(size.m, size.n, size.k, (kind & 1) != 0, (kind & 2) != 0, (kind & 4) != 0);
      INFO(size.m << " x " << size.n << " x " << size.k << ", kind " << kind);
      std::vector<int> finished;
      std::vector<float> found = multiply(x, &finished);
      CHECK(plain_calls == 0);
      CHECK(std::all_of(finished.begin(), finished.end(), [](int times) { return times == 1; }));
      const Errors e = errors(x, found);
      CHECK(e.found < e.float32);
      // What lies between the rows of c is not touched.
      for (std::int64_t i = 0; i < size.m; ++i)
        for (std::int64_t j = size.n; j < x.sizes.stride_c; ++j)
          REQUIRE(found[static_cast<std::size_t>(i * x.sizes.stride_c + j)] ==
                  x.c[static_cast<std::size_t>(i * x.sizes.stride_c + j)]);
      const int before = nyala::num_threads();
      for (const int threads : {1, 3}) {
        nyala::set_num_threads(threads);
        CHECK(multiply(x) == found);
      }
      nyala::set_num_threads(before);
      // With the right operand split beforehand: the same bits, unless the summed axis was cut without.
      const nyala::backend::amx::SplitFactors split(x.sizes, x.b.data());
      std::vector<float> with_split = multiply(x, &finished, &split);
      if (size.k < 4000 || x.sizes.add)
        CHECK(with_split == found);
      else
        CHECK(errors(x, with_split).found < e.float32);
      CHECK(std::all_of(finished.begin(), finished.end(), [](int times) { return times == 1; }));
    }
}

TEST_CASE("three parts hold all digits of a float32") {
  if (nyala::test::lacks_tiles()) return;
  for (const bool turned : {false, true}) {
    Matrices x(96, 64, 64, false, turned, false);
    std::mt19937 engine(3);
    for (float& value : x.a)
      value = std::ldexp(1 + static_cast<float>(engine() >> 9) * 0x1p-23f, static_cast<int>(engine() % 60) - 30);
    for (float& value : x.b) value = 0;
    for (std::int64_t i = 0; i < 64; ++i) x.b[static_cast<std::size_t>(i * x.sizes.stride_b + i)] = 1;
    std::vector<float> found = multiply(x);
    for (std::int64_t i = 0; i < 96; ++i)
      for (std::int64_t j = 0; j < 64; ++j) REQUIRE(x.at(found, i, j) == x.left(i, j));
    CHECK(plain_calls == 0);
  }
}

TEST_CASE("numbers that the tile unit would spoil go the ordinary way") {
  if (nyala::test::lacks_tiles()) return;
  const float largest = std::numeric_limits<float>::max(), nan = std::numeric_limits<float>::quiet_NaN();
  struct Case {
    const char* name;
    float a, b, rest_a, rest_b;
  };
  for (const Case& c : {Case{"inf", infinity, 1, 1, 1}, Case{"nan", nan, 1, 1, 1}, Case{"largest", largest, 1, 1, 1},
                        Case{"b inf", 1, -infinity, 1, 1}, Case{"product overflows", 0x1p70f, 0x1p70f, 1, 1},
                        Case{"inf of zero", infinity, 0, 0, 0}, Case{"tiny", 0x1p-100f, 1, 0x1p-110f, 1},
                        Case{"tiny product", 0x1p-60f, 0x1p-60f, 0x1p-62f, 0x1p-63f}})
    for (int kind = 0; kind < 16; ++kind) {
      INFO(c.name << ", kind " << kind);
      const std::int64_t depth = (kind & 8) != 0 ? 1500 : 90;  // in two sweeps, the second of which meets the number
      Matrices x(130, 100, depth, (kind & 1) != 0, (kind & 2) != 0, (kind & 4) != 0);
      for (float& value : x.a) value *= c.rest_a;
      for (float& value : x.b) value *= c.rest_b;
      for (float& value : x.c) value *= c.rest_a * c.rest_b;
      const std::int64_t i = 77, k = depth - 50, j = 66;
      x.a[static_cast<std::size_t>((kind & 1) != 0 ? k * x.sizes.stride_a + i : i * x.sizes.stride_a + k)] = c.a;
      x.b[static_cast<std::size_t>((kind & 2) != 0 ? j * x.sizes.stride_b + k : k * x.sizes.stride_b + j)] = c.b;
      std::vector<float> expected = x.c;
      nyala::backend::gemm(x.sizes, x.a.data(), x.b.data(), expected.data());
      const nyala::backend::amx::SplitFactors split(x.sizes, x.b.data());
      for (const auto* const split_b : {static_cast<const nyala::backend::amx::SplitFactors*>(nullptr), &split}) {
        const std::vector<float> found = multiply(x, nullptr, split_b);
        CHECK(plain_calls > 0);
        std::int64_t differ = 0;
        for (std::size_t at = 0; at < found.size(); ++at) {
          if (std::isnan(expected[at]) || std::isinf(expected[at]))
            differ += std::isnan(expected[at]) ? !std::isnan(found[at]) : found[at] != expected[at];
          else
            differ +=
                !(std::fabs(found[at] - expected[at]) <= 1e-5f * std::fabs(expected[at]) + 1e-4f * c.rest_a * c.rest_b);
        }
        CHECK(differ == 0);
      }
    }
}

TEST_CASE("zeros and what is far below the largest number stay on the tile unit") {
  if (nyala::test::lacks_tiles()) return;
  Matrices x(96, 96, 96, false, false, false);
  for (float& value : x.b) value = 0;
  std::vector<float> found = multiply(x);
  for (std::int64_t i = 0; i < 96; ++i)
    for (std::int64_t j = 0; j < 96; ++j) REQUIRE(x.at(found, i, j) == 0);
  Matrices y(96, 96, 96, false, false, false);
  for (std::int64_t j = 0; j < 96; ++j) y.a[static_cast<std::size_t>(5 * y.sizes.stride_a + j)] *= 1e-30f;
  std::vector<float> small = multiply(y);
  for (std::int64_t j = 0; j < 96; ++j) {
    double exact = 0;
    for (std::int64_t k = 0; k < 96; ++k) exact += static_cast<double>(y.left(5, k)) * y.right(k, j);
    CHECK(std::fabs(y.at(small, 5, j) - exact) < 1e-5 * std::fabs(exact) + 1e-36);
  }
  CHECK(plain_calls == 0);
}
