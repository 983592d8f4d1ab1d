#include <doctest/doctest.h>

#include <limits>

#include "backend/cpu/reference/reference_kernels.hpp"
#include "nn_check.hpp"
#include "nn_windows.hpp"
#include "simd_support.hpp"

// Convolutions of 3 x 3 by fewer multiplications, in every instruction set, beside the reference in float64.

using namespace nn_check;
using nyala::FusedActivation;
using nyala::backend::ReferenceKernels;
using nyala::backend::SimdKernels;
using nyala::test::equal_for_threads;
using nyala::test::for_each_isa;

namespace {

std::vector<ConvCase> winograd_cases() {
  std::vector<ConvCase> cases;
  // Even and odd sizes, whose last tiles reach beyond; all paddings; an odd number of registers of channels.
  for (const std::int64_t pad : {0, 1, 2}) {
    cases.push_back(conv_case("even", {5, 8, 8, 16}, {3, 3, 16, 48}, 1, 1, pad, pad));
    cases.push_back(conv_case("odd", {2, 13, 9, 48}, {3, 3, 48, 16}, 1, 1, pad, pad));
    cases.push_back(conv_case("even and odd", {1, 12, 17, 32}, {3, 3, 32, 64}, 1, 1, pad, pad));
  }
  cases.push_back(conv_case("padding behind alone", {2, 9, 10, 16}, {3, 3, 16, 32}, 1, 1, 0, 2));
  cases.push_back(conv_case("padding before alone", {2, 9, 10, 16}, {3, 3, 16, 32}, 1, 1, 2, 0));
  cases.push_back(conv_case("many tiles, several pieces", {13, 14, 14, 32}, {3, 3, 32, 32}, 1, 1, 1, 1));
  cases.push_back(conv_case("many channels", {10, 8, 8, 128}, {3, 3, 128, 80}, 1, 1, 1, 1));
  return cases;
}

Tensor single(const Tensor& x) { return from_doubles(x.to_vector<double>(), x.shape(), DType::float32); }

}  // namespace

TEST_CASE("winograd: convolutions and their gradients are the reference's in float64") {
  ReferenceKernels reference;
  for (const ConvCase& c : winograd_cases()) {
    CAPTURE(c.name);
    CAPTURE(c.out().str());
    const auto [x, kernel, bias] = operands_of(c);
    const Tensor gradient = random(c.out(), 4);
    Tensor none, y = zeros(c.out()), dx = zeros(c.x), dkernel = zeros(c.kernel);
    reference.conv(x, kernel, bias, c.window, FusedActivation::none, none, y);
    reference.conv_backward_data(gradient, kernel, c.window, dx);
    reference.conv_backward_filter(x, gradient, c.window, dkernel);
    for_each_isa([&](SimdKernels& kernels) {
      CAPTURE(kernels.name());
      REQUIRE(kernels.suits_winograd(single(x), single(kernel), single(y), c.window));
      Tensor found = single(random(c.out(), 5)), found_dx = single(random(c.x, 6)),
             found_dkernel = single(random(c.kernel, 7));
      kernels.conv(single(x), single(kernel), single(bias), c.window, FusedActivation::none, none, found);
      kernels.conv_backward_data(single(gradient), single(kernel), c.window, found_dx);
      kernels.conv_backward_filter(single(x), single(gradient), c.window, found_dkernel);
      CHECK(difference(found, y) < 3e-6);
      CHECK(difference(found_dx, dx) < 3e-6);
      CHECK(difference(found_dkernel, dkernel) < 1e-5);
    });
  }
}

TEST_CASE("winograd: every activation, with the value before it and without") {
  ReferenceKernels reference;
  const ConvCase c = conv_case("3 x 3", {3, 11, 8, 16}, {3, 3, 16, 32}, 1, 1, 1, 1);
  const Tensor x = single(random(c.x, 1)), kernel = single(random(c.kernel, 2)), bias = single(random({32}, 3));
  for (const auto activation : {FusedActivation::none, FusedActivation::relu, FusedActivation::sigmoid,
                                FusedActivation::tanh, FusedActivation::gelu, FusedActivation::silu}) {
    CAPTURE(static_cast<int>(activation));
    Tensor none, expected = zeros(c.out(), DType::float32), expected_before = zeros(c.out(), DType::float32);
    reference.conv(x, kernel, bias, c.window, activation, expected_before, expected);
    for_each_isa([&](SimdKernels& kernels) {
      CAPTURE(kernels.name());
      Tensor out = zeros(c.out(), DType::float32), before = zeros(c.out(), DType::float32);
      kernels.conv(x, kernel, bias, c.window, activation, none, out);
      CHECK(difference(out, expected) < 1e-5);
      out = zeros(c.out(), DType::float32);
      kernels.conv(x, kernel, bias, c.window, activation, before, out);
      CHECK(difference(out, expected) < 1e-5);
      CHECK(difference(before, expected_before) < 1e-5);
    });
  }
}

TEST_CASE("winograd: a number that is not finite stays in the tiles that see it") {
  for (const std::int64_t channels : {16, 64})
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      const ConvCase c = conv_case("3 x 3", {2, 12, 12, channels}, {3, 3, channels, channels}, 1, 1, 1, 1);
      Tensor x = single(random(c.x, 1)), kernel = single(random(c.kernel, 2)), none;
      Tensor broken = x.clone();
      broken.data<float>()[((1 * 12 + 5) * 12 + 5) * channels + 3] = bad;  // sample 1, row 5, column 5
      for_each_isa([&](SimdKernels& kernels) {
        CAPTURE(kernels.name());
        const bool blocks = channels == 64 && kernels.name() == "avx512+amx";
        Tensor clean = zeros(c.out(), DType::float32), found = zeros(c.out(), DType::float32);
        kernels.conv(x, kernel, none, c.window, FusedActivation::none, none, clean);
        kernels.conv(broken, kernel, none, c.window, FusedActivation::none, none, found);
        for (std::int64_t n = 0; n < 2; ++n)
          for (std::int64_t row = 0; row < 12; ++row)
            for (std::int64_t column = 0; column < 12; ++column) {
              const std::int64_t at = ((n * 12 + row) * 12 + column) * channels;
              const bool seen = n == 1 && row >= 4 && row <= 6 && column >= 4 && column <= 6;
              const bool near = n == 1 && row >= 4 && row <= 7 && column >= 4 && column <= 7;
              if (seen) CHECK_FALSE(std::isfinite(found.data<float>()[at]));
              if (near) continue;
              const float value = found.data<float>()[at], before = clean.data<float>()[at];
              // Of the tile unit's, the loops compute the block of tiles that sees it.
              if (blocks)
                CHECK(value == doctest::Approx(before).epsilon(1e-5));
              else
                CHECK(value == before);
            }
      });
    }
}

TEST_CASE("winograd: the same bits with any number of threads, and for a sample in any batch") {
  const ConvCase c = conv_case("3 x 3", {9, 16, 16, 32}, {3, 3, 32, 48}, 1, 1, 1, 1);
  const Tensor x = single(random(c.x, 1)), kernel = single(random(c.kernel, 2)), gradient = single(random(c.out(), 3));
  for_each_isa([&](SimdKernels& kernels) {
    CAPTURE(kernels.name());
    Tensor none;
    const auto forward = [&](const Tensor& from) {
      Tensor out = zeros({from.shape()[0], 16, 16, 48}, DType::float32);
      kernels.conv(from, kernel, none, c.window, FusedActivation::relu, none, out);
      return out;
    };
    CHECK(equal_for_threads([&] { return forward(x); }));
    const Tensor part = from_doubles(numbers(5 * 16 * 16 * 32, 1), {5, 16, 16, 32}, DType::float32);
    const auto whole = forward(x).to_vector<float>(), some = forward(part).to_vector<float>();
    CHECK(std::equal(some.begin(), some.end(), whole.begin()));
    CHECK(equal_for_threads([&] {
      Tensor out = zeros(c.x, DType::float32);
      kernels.conv_backward_data(gradient, kernel, c.window, out);
      return out;
    }));
    CHECK(equal_for_threads([&] {
      Tensor out = zeros(c.kernel, DType::float32);
      kernels.conv_backward_filter(x, gradient, c.window, out);
      return out;
    }));
  });
}
