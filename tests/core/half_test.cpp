#include "core/half.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

using namespace nyala;

namespace {

/// What the bits of a format with that many exponent and fraction bits mean, from the definition.
double meaning(std::uint16_t bits, int exponent_bits, int fraction_bits) {
  const int sign = bits >> 15, exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1);
  const int fraction = bits & ((1 << fraction_bits) - 1), bias = (1 << (exponent_bits - 1)) - 1;
  double value = 0;
  if (exponent == (1 << exponent_bits) - 1)
    value = fraction != 0 ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    value = std::ldexp(fraction, 1 - bias - fraction_bits);
  else
    value = std::ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);
  return sign != 0 ? -value : value;
}

template <class Half>
struct Format;
template <>
struct Format<float16> {
  static constexpr int exponent_bits = 5, fraction_bits = 10;
};
template <>
struct Format<bfloat16> {
  static constexpr int exponent_bits = 8, fraction_bits = 7;
};

template <class Half>
double meaning(Half half) {
  return meaning(half.bits, Format<Half>::exponent_bits, Format<Half>::fraction_bits);
}

}  // namespace

TEST_CASE_TEMPLATE("half: each of the 65,536 values means what the format says and comes back", Half, float16,
                   bfloat16) {
  std::vector<Half> all(65'536), back(65'536);
  std::vector<float> floats(65'536);
  for (std::uint32_t bits = 0; bits < 65'536; ++bits) all[bits] = Half::from_bits(static_cast<std::uint16_t>(bits));
  detail::convert(all.data(), floats.data(), all.size());
  detail::convert(floats.data(), back.data(), all.size());
  constexpr std::uint16_t quiet = 1 << (Format<Half>::fraction_bits - 1);
  for (std::uint32_t bits = 0; bits < 65'536; ++bits) {
    CAPTURE(bits);
    const double expected = meaning(all[bits]);
    const auto one = static_cast<float>(all[bits]);
    REQUIRE(std::signbit(one) == (bits >= 0x8000));
    if (std::isnan(expected)) {
      REQUIRE(std::isnan(one));
      REQUIRE(std::isnan(floats[bits]));
      REQUIRE(Half(one).bits == (bits | quiet));
      REQUIRE(back[bits].bits == (bits | quiet));
    } else {
      REQUIRE(static_cast<double>(one) == expected);
      REQUIRE(std::bit_cast<std::uint32_t>(floats[bits]) == std::bit_cast<std::uint32_t>(one));
      REQUIRE(Half(one).bits == bits);
      REQUIRE(Half(expected).bits == bits);
      REQUIRE(back[bits].bits == bits);
    }
  }
}

TEST_CASE_TEMPLATE("half: to nearest, ties to even, between any two neighbours", Half, float16, bfloat16) {
  constexpr std::uint32_t infinity = ((1U << Format<Half>::exponent_bits) - 1) << Format<Half>::fraction_bits;
  std::vector<float> inputs;
  std::vector<std::uint16_t> expected;
  for (std::uint32_t bits = 0; bits + 1 < infinity; ++bits) {
    const auto low = Half::from_bits(static_cast<std::uint16_t>(bits));
    const auto high = Half::from_bits(static_cast<std::uint16_t>(bits + 1));
    const double middle = (meaning(low) + meaning(high)) / 2;
    const auto even = static_cast<std::uint16_t>(bits % 2 == 0 ? bits : bits + 1);
    REQUIRE(Half(middle).bits == even);
    REQUIRE(Half(-middle).bits == (even | 0x8000));
    REQUIRE(Half(std::nextafter(middle, 0.0)).bits == bits);
    REQUIRE(Half(std::nextafter(middle, 1e300)).bits == bits + 1);
    const auto tie = static_cast<float>(middle);
    if (static_cast<double>(tie) != middle) continue;
    inputs.insert(inputs.end(), {tie, -tie, std::nextafter(tie, 0.0F), std::nextafter(tie, INFINITY)});
    const auto next = static_cast<std::uint16_t>(bits + 1);
    expected.insert(expected.end(), {even, static_cast<std::uint16_t>(even | 0x8000), low.bits, next});
  }
  std::vector<Half> halves(inputs.size());
  detail::convert(inputs.data(), halves.data(), inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CAPTURE(inputs[i]);
    REQUIRE(Half(inputs[i]).bits == expected[i]);
    REQUIRE(halves[i].bits == expected[i]);
  }
}

TEST_CASE("half: overflow, underflow, and lengths that fill no vector") {
  CHECK(float16(65504.0F).bits == 0x7BFF);
  CHECK(float16(65519.99F).bits == 0x7BFF);
  CHECK(float16(65520.0F).bits == 0x7C00);
  CHECK(float16(-1e30F).bits == 0xFC00);
  CHECK(float16(-1e300).bits == 0xFC00);
  CHECK(float16(0x1p-25F).bits == 0);
  CHECK(float16(0x1.000002p-25F).bits == 1);
  CHECK(float16(-1e-45F).bits == 0x8000);
  CHECK(bfloat16(std::numeric_limits<float>::max()).bits == 0x7F80);
  CHECK(bfloat16(1e-45F).bits == 0);
  CHECK(float16(1.0 + 0x1p-11 + 0x1p-40).bits == 0x3C01);
  CHECK(bfloat16(1.0 + 0x1p-8 + 0x1p-40).bits == 0x3F81);
  CHECK(bfloat16(1.0 + 0x1p-8 - 0x1p-40).bits == 0x3F80);
  for (std::size_t count = 0; count < 140; ++count) {
    std::vector<float> values(count, 1.5F), back(count);
    std::vector<float16> halves(count);
    std::vector<bfloat16> brains(count);
    detail::convert(values.data(), halves.data(), count);
    detail::convert(halves.data(), back.data(), count);
    CHECK(values == back);
    detail::convert(values.data(), brains.data(), count);
    detail::convert(brains.data(), back.data(), count);
    CHECK(values == back);
  }
}
