#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <thread>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/random.hpp>

#include "core/philox.hpp"
#include "core/random_fill.hpp"
#include "core/seed_stream.hpp"

using namespace nyala;
using philox::Stream;

namespace {

constexpr Stream stream{0x123456789ABCDEF, 42};
constexpr std::size_t many = 200'000;

/// The whole in one go equals the whole in pieces that begin anywhere.
template <class T, class Fill>
void check_pieces(Fill&& fill) {
  std::vector<T> whole(3000), pieces(3000);
  fill(whole.data(), whole.size(), std::uint64_t{0});
  std::size_t length = 1;
  for (std::size_t at = 0; at < pieces.size(); at += length, length = length * 2 + 1) {
    length = std::min(length % 777, pieces.size() - at);
    if (length == 0) length = 1;
    fill(pieces.data() + at, length, at);
  }
  CHECK(whole == pieces);
}

template <class T>
struct Moments {
  double mean = 0, variance = 0, skewness = 0, kurtosis = 0;
  explicit Moments(const std::vector<T>& values) {
    const auto n = static_cast<double>(values.size());
    for (const T value : values) mean += static_cast<double>(value) / n;
    for (const T value : values) {
      const double d = static_cast<double>(value) - mean;
      variance += d * d / n;
      skewness += d * d * d / n;
      kurtosis += d * d * d * d / n;
    }
    skewness /= std::pow(variance, 1.5);
    kurtosis /= variance * variance;
  }
};

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// Kolmogorov and Smirnov's distance to a distribution function, times sqrt(n): above 1.95 one time in a thousand.
template <class T, class Cdf>
double ks(std::vector<T> values, Cdf&& cdf) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double p = cdf(static_cast<double>(values[i])), at = static_cast<double>(i);
    distance = std::max({distance, p - at / n, (at + 1) / n - p});
  }
  return distance * std::sqrt(n);
}

}  // namespace

TEST_CASE("philox: the known answers that Random123 publishes") {
  using Words = std::array<std::uint32_t, 4>;
  constexpr std::uint32_t ones = 0xFFFFFFFF;
  static_assert(philox::philox4x32({0, 0, 0, 0}, {0, 0}) == Words{0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8});
  CHECK(philox::philox4x32({ones, ones, ones, ones}, {ones, ones}) ==
        Words{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD});
  CHECK(philox::philox4x32({0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344}, {0xA4093822, 0x299F31D0}) ==
        Words{0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1});
}

TEST_CASE("philox: the vectorised blocks are the scalar ones, also where the index carries over") {
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{0xFFFFFFFD}, ~std::uint64_t{0} - 50}) {
    for (const std::size_t count : {0U, 1U, 3U, 7U, 8U, 9U, 40U}) {
      std::vector<std::uint32_t> fast(4 * count), plain(4 * count);
      philox::fill_blocks(fast.data(), count, {0xFEDCBA9876543210, 0xFFFFFFFF00000001}, first);
      philox::fill_blocks_scalar(plain.data(), count, {0xFEDCBA9876543210, 0xFFFFFFFF00000001}, first);
      CHECK(fast == plain);
    }
  }
}

TEST_CASE("random: an element depends on seed, stream and place only") {
  using philox::fill_uniform_bits, philox::fill_uniform, philox::fill_normal, philox::fill_truncated_normal;
  check_pieces<std::uint32_t>(
      [](auto* out, std::size_t n, std::uint64_t at) { fill_uniform_bits(out, n, stream, at); });
  check_pieces<float>([](auto* out, std::size_t n, std::uint64_t at) { fill_uniform(out, n, stream, at); });
  check_pieces<double>([](auto* out, std::size_t n, std::uint64_t at) { fill_uniform(out, n, stream, at); });
  check_pieces<float>([](auto* out, std::size_t n, std::uint64_t at) { fill_normal(out, n, stream, at); });
  check_pieces<double>([](auto* out, std::size_t n, std::uint64_t at) { fill_normal(out, n, stream, at); });
  check_pieces<float>([](auto* out, std::size_t n, std::uint64_t at) { fill_truncated_normal(out, n, stream, at); });
  check_pieces<double>([](auto* out, std::size_t n, std::uint64_t at) { fill_truncated_normal(out, n, stream, at); });
  check_pieces<std::int64_t>(
      [](auto* out, std::size_t n, std::uint64_t at) { philox::fill_integers(out, n, stream, at, -5, 1000); });
  check_pieces<std::int64_t>([](auto* out, std::size_t n, std::uint64_t at) {
    philox::fill_integers(out, n, stream, at, INT64_MIN, INT64_MAX);
  });
  check_pieces<std::uint8_t>(
      [](auto* out, std::size_t n, std::uint64_t at) { philox::fill_bernoulli(out, n, stream, at, 0.3); });
}

TEST_CASE("random: other seeds and other streams give other numbers") {
  std::array<std::uint32_t, 8> a{}, b{}, c{};
  philox::fill_uniform_bits(a.data(), a.size(), {1, 0});
  philox::fill_uniform_bits(b.data(), b.size(), {2, 0});
  philox::fill_uniform_bits(c.data(), c.size(), {1, 1});
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i] != b[i]);
    CHECK(a[i] != c[i]);
  }
}

TEST_CASE_TEMPLATE("random: uniform", T, float, double) {
  std::vector<T> values(many);
  philox::fill_uniform(values.data(), many, stream);
  CHECK(*std::min_element(values.begin(), values.end()) >= 0);
  CHECK(*std::max_element(values.begin(), values.end()) < 1);
  CHECK(ks(values, [](double x) { return x; }) < 1.95);
  philox::fill_uniform(values.data(), many, stream, 0, T(-3), T(-1));
  CHECK(*std::min_element(values.begin(), values.end()) >= -3);
  CHECK(*std::max_element(values.begin(), values.end()) < -1);
  CHECK(Moments<T>(values).mean == doctest::Approx(-2).epsilon(0.005));
  const T high = std::nextafter(T(1), T(2));
  philox::fill_uniform(values.data(), 1000, stream, 0, T(1), high);
  for (std::size_t i = 0; i < 1000; ++i) REQUIRE(values[i] == 1);
}

TEST_CASE_TEMPLATE("random: normal", T, float, double) {
  std::vector<T> values(many);
  philox::fill_normal(values.data(), many, stream);
  CHECK(ks(values, normal_cdf) < 1.95);
  const Moments<T> moments(values);
  CHECK(std::abs(moments.mean) < 0.01);
  CHECK(moments.variance == doctest::Approx(1).epsilon(0.015));
  CHECK(std::abs(moments.skewness) < 0.025);
  CHECK(moments.kurtosis == doctest::Approx(3).epsilon(0.02));
  double products = 0;
  for (std::size_t i = 0; i + 1 < many; ++i) products += static_cast<double>(values[i] * values[i + 1]);
  CHECK(std::abs(products) / many < 0.01);
  std::vector<T> moved(100);
  philox::fill_normal(moved.data(), 100, stream, 0, T(10), T(0.5));
  for (std::size_t i = 0; i < 100; ++i) REQUIRE(moved[i] == T(10) + T(0.5) * values[i]);
}

TEST_CASE("random: float normals are what exact arithmetic makes of the same words") {
  std::vector<std::uint32_t> words(many);
  std::vector<float> values(many);
  philox::fill_uniform_bits(words.data(), many, stream);
  philox::fill_normal(values.data(), many, stream);
  double worst = 0;
  for (std::size_t i = 0; i < many; i += 2) {
    const double uniform = (static_cast<double>(words[i] >> 1) + 0.5) * 0x1p-31;
    const double angle = (static_cast<double>(words[i + 1]) * 0x1p-32 - 0.125) * 2 * std::acos(-1.0);
    const double radius = std::sqrt(-2 * std::log(std::min(uniform, 1.0)));
    worst = std::max({worst, std::abs(radius * std::cos(angle) - static_cast<double>(values[i])),
                      std::abs(radius * std::sin(angle) - static_cast<double>(values[i + 1]))});
  }
  CHECK(worst < 2e-5);
}

TEST_CASE_TEMPLATE("random: truncated normal", T, float, double) {
  std::vector<T> values(many);
  philox::fill_truncated_normal(values.data(), many, stream);
  const double below = normal_cdf(-2), within = normal_cdf(2) - below;
  CHECK(ks(values, [&](double x) { return (normal_cdf(x) - below) / within; }) < 1.95);
  for (const T value : values) REQUIRE(std::abs(value) <= 2);
  CHECK(std::sqrt(Moments<T>(values).variance) == doctest::Approx(0.87962566103423978).epsilon(0.005));
}

TEST_CASE("random: integers") {
  std::vector<std::int64_t> values(60'000);
  philox::fill_integers(values.data(), values.size(), stream, 0, -2, 4);
  std::array<int, 6> counts{};
  for (const std::int64_t value : values) {
    REQUIRE(value >= -2);
    REQUIRE(value < 4);
    ++counts[static_cast<std::size_t>(value + 2)];
  }
  for (const int count : counts) CHECK(std::abs(count - 10'000) < 400);
  philox::fill_integers(values.data(), values.size(), stream, 0, INT64_MIN, INT64_MAX);
  CHECK(*std::min_element(values.begin(), values.end()) < INT64_MIN + (std::int64_t{1} << 52));
  CHECK(*std::max_element(values.begin(), values.end()) > INT64_MAX - (std::int64_t{1} << 52));
  philox::fill_integers(values.data(), 100, stream, 0, 7, 8);
  for (std::size_t i = 0; i < 100; ++i) REQUIRE(values[i] == 7);
  CHECK_THROWS_WITH_AS(philox::fill_integers(values.data(), 1, stream, 0, 3, 3),
                       "random integers: low must be less than high, got 3 and 3", Error);
}

TEST_CASE("random: bernoulli") {
  std::vector<std::uint8_t> mask(many);
  for (const double probability : {0.0, 0.1, 0.5, 1.0}) {
    philox::fill_bernoulli(mask.data(), many, stream, 0, probability);
    const auto ones = static_cast<double>(std::count(mask.begin(), mask.end(), 1));
    CHECK(std::abs(ones / many - probability) <= 4 * std::sqrt(probability * (1 - probability) / many));
  }
}

TEST_CASE("random: permutations hold each number once, and each order comes up") {
  for (const std::size_t count : {0U, 1U, 2U, 1000U}) {
    std::vector<std::int64_t> order(count);
    philox::fill_permutation(order.data(), count, stream);
    std::vector<std::int32_t> narrow(count);
    philox::fill_permutation(narrow.data(), count, stream);
    REQUIRE(std::equal(order.begin(), order.end(), narrow.begin()));
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < count; ++i) REQUIRE(order[i] == static_cast<std::int64_t>(i));
  }
  std::array<int, 6> counts{};
  for (std::uint64_t number = 0; number < 6000; ++number) {
    std::array<std::int64_t, 3> order{};
    philox::fill_permutation(order.data(), 3, {7, number});
    ++counts[static_cast<std::size_t>(order[0] * 2 + (order[1] > order[2] ? 1 : 0))];
  }
  for (const int count : counts) CHECK(std::abs(count - 1000) < 120);
}

TEST_CASE("seeds: set_random_seed starts the streams anew; their state can be kept") {
  set_random_seed(7);
  const Stream first = detail::next_stream(), second = detail::next_stream();
  CHECK(first != second);
  const detail::RandomState kept = detail::random_state();
  const Stream third = detail::next_stream();
  set_random_seed(7);
  CHECK(detail::next_stream() == first);
  set_random_seed(8);
  CHECK(detail::next_stream() != first);
  detail::set_random_state(kept);
  CHECK(detail::next_stream() == third);
}

TEST_CASE("seeds: every thread gets streams of its own") {
  set_random_seed(1);
  std::vector<std::vector<std::uint64_t>> drawn(4);
  std::vector<std::thread> threads;
  for (auto& mine : drawn) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 500; ++i) mine.push_back(detail::next_stream().number);
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::uint64_t> all;
  for (const auto& mine : drawn) all.insert(mine.begin(), mine.end());
  CHECK(all.size() == 2000);
}

TEST_CASE("SeedGenerator: seed and counter as in Keras, copies share them") {
  SeedGenerator generator(1337);
  CHECK(generator.next().counter == 0);
  SeedGenerator copy = generator;
  CHECK(copy.next().counter == 1);
  CHECK(generator.state().counter == 2);
  CHECK(generator.state().seed == 1337);
  generator.set_state({5, 9});
  CHECK(detail::stream_of(copy.next()) == detail::stream_of({5, 9}));

  set_random_seed(3);
  const auto seed = SeedGenerator().state().seed;
  const auto other = SeedGenerator().state().seed;
  CHECK(seed >= 1);
  CHECK(seed <= 1'000'000'000);
  CHECK(seed != other);
  set_random_seed(3);
  CHECK(SeedGenerator().state().seed == seed);
  set_random_seed(1337);
  CHECK(detail::next_stream() != detail::stream_of({1337, 0}));
}
