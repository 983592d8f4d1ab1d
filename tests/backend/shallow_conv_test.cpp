#include <doctest/doctest.h>

#include "backend/cpu/reference/reference_kernels.hpp"
#include "nn_check.hpp"
#include "nn_windows.hpp"
#include "simd_support.hpp"

// Convolutions of few channels, in every instruction set, beside the reference in float64.

using namespace nn_check;
using nyala::FusedActivation;
using nyala::backend::ReferenceKernels;
using nyala::backend::SimdKernels;

namespace {

Tensor in_float32(const Tensor& x) { return from_doubles(x.to_vector<double>(), x.shape(), DType::float32); }

/// What is protected there.
struct Shallow : SimdKernels {
  using SimdKernels::conv_of_few_channels;
  using SimdKernels::SimdKernels;
};

}  // namespace

TEST_CASE("convolutions of few channels are the reference's in float64") {
  ReferenceKernels reference;
  struct Case {
    nyala::Shape x, kernel;
    std::int64_t stride, pad_before, pad_after;
  };
  for (const Case& each : {Case{{3, 9, 14, 1}, {3, 3, 1, 32}, 1, 0, 0}, Case{{2, 11, 30, 2}, {3, 3, 2, 16}, 1, 1, 1},
                           Case{{2, 17, 19, 1}, {7, 7, 1, 64}, 2, 2, 3}, Case{{1, 8, 8, 2}, {5, 5, 2, 6}, 1, 2, 2},
                           Case{{4, 6, 5, 2}, {2, 3, 2, 33}, 3, 0, 2}, Case{{1, 5, 70, 1}, {1, 4, 1, 100}, 2, 0, 0},
                           Case{{2, 4, 4, 2}, {1, 1, 2, 4}, 1, 0, 0}, Case{{1, 3, 3, 1}, {3, 3, 1, 8}, 1, 2, 2}}) {
    const ConvCase c = conv_case("shallow", each.x, each.kernel, each.stride, 1, each.pad_before, each.pad_after);
    const auto [x, kernel, bias] = operands_of(c);
    for (const auto activation : {FusedActivation::none, FusedActivation::relu, FusedActivation::tanh}) {
      CAPTURE(c.out().str());
      CAPTURE(static_cast<int>(activation));
      Tensor none, before = zeros(c.out()), y = zeros(c.out());
      reference.conv(x, kernel, bias, c.window, activation, before, y);
      for (const char* level : {"sse42", "avx2", "avx512"}) {
        const nyala::backend::SimdTable* table = nyala::backend::simd_table(level);
        if (table == nullptr) continue;
        Shallow kernels(*table);
        CAPTURE(kernels.name());
        const auto run = [&](bool keeps) {
          Tensor sums = keeps ? in_float32(random(c.out(), 5)) : Tensor(), found = in_float32(random(c.out(), 6));
          REQUIRE(kernels.conv_of_few_channels(in_float32(x), in_float32(kernel), in_float32(bias), c.window,
                                               activation, sums, found));
          if (keeps) CHECK(difference(sums, before) < 5e-6);
          CHECK(difference(found, y) < 5e-6);
          return found;
        };
        CHECK(nyala::test::equal_for_threads([&] { return run(false); }));
        run(true);
        Tensor found = in_float32(random(c.out(), 7)), unbiased = zeros(c.out());
        reference.conv(x, kernel, none, c.window, activation, none, unbiased);
        REQUIRE(
            kernels.conv_of_few_channels(in_float32(x), in_float32(kernel), none, c.window, activation, none, found));
        CHECK(difference(found, unbiased) < 5e-6);
      }
    }
  }
}

TEST_CASE("convolutions of one channel in bfloat16 are those in float32, rounded") {
  for (const auto& [x_shape, kernel_shape, stride] :
       {std::tuple(nyala::Shape{3, 9, 14, 1}, nyala::Shape{3, 3, 1, 32}, 1),
        std::tuple(nyala::Shape{1, 30, 37, 1}, nyala::Shape{3, 4, 1, 21}, 2),
        std::tuple(nyala::Shape{2, 5, 8, 2}, nyala::Shape{1, 3, 2, 6}, 1)}) {
    const ConvCase c = conv_case("shallow", x_shape, kernel_shape, stride, 1, 1, 1);
    const auto in = [](const Tensor& x, DType dtype) {
      Tensor out = Tensor::empty(x.shape(), dtype);
      ReferenceKernels().cast(x, out);
      return out;
    };
    const auto rounded = [&](const Tensor& x) { return in(in_float32(x), DType::bfloat16); };
    const auto widened = [&](const Tensor& x) { return in(x, DType::float32); };
    const Tensor x = rounded(random(c.x, 1)), kernel = rounded(random(c.kernel, 2));
    const Tensor bias = rounded(random({c.kernel.back()}, 3));
    for (const auto activation : {FusedActivation::none, FusedActivation::relu, FusedActivation::tanh})
      for (const char* level : {"sse42", "avx2", "avx512"}) {
        const nyala::backend::SimdTable* table = nyala::backend::simd_table(level);
        if (table == nullptr) continue;
        Shallow kernels(*table);
        CAPTURE(level);
        CAPTURE(c.out().str());
        for (const bool keeps : {false, true}) {
          Tensor before = keeps ? zeros(c.out(), DType::float32) : Tensor(), y = zeros(c.out(), DType::float32);
          Tensor half_before = keeps ? rounded(zeros(c.out())) : Tensor(), half_y = rounded(zeros(c.out()));
          REQUIRE(kernels.conv_of_few_channels(widened(x), widened(kernel), widened(bias), c.window, activation, before,
                                               y));
          REQUIRE(kernels.conv_of_few_channels(x, kernel, bias, c.window, activation, half_before, half_y));
          CHECK(nyala::test::same_bits(half_y, rounded(y)));
          if (keeps) CHECK(nyala::test::same_bits(half_before, rounded(before)));
        }
      }
  }
}

TEST_CASE("convolutions of many channels are for others") {
  const ConvCase c = conv_case("deep", {1, 8, 8, 3}, {3, 3, 3, 16}, 1, 1, 1, 1);
  Tensor none, out = zeros(c.out(), DType::float32);
  const auto* table = nyala::backend::simd_table("sse42");
  REQUIRE(table != nullptr);
  CHECK_FALSE(Shallow(*table).conv_of_few_channels(zeros(c.x, DType::float32), zeros(c.kernel, DType::float32), none,
                                                   c.window, FusedActivation::none, none, out));
}
