#include <cmath>

#include <nyala/autograd.hpp>
#include <nyala/random.hpp>

#include "ops/expect.hpp"
#include "support/gradcheck.hpp"

using namespace nyala;
using namespace nyala::testing;

TEST_CASE("the same seed gives the same numbers, draws differ from one another") {
  set_random_seed(11);
  const Values first = values(random::normal({5})), second = values(random::normal({5}));
  CHECK(first != second);
  set_random_seed(11);
  CHECK(values(random::normal({5})) == first);
  SeedGenerator one(3), other(3);
  const Tensor x = random::uniform({4}, 0, 1, DType::float64, one);
  CHECK(values(random::uniform({4}, 0, 1, DType::float64, other)) == values(x));
  CHECK(values(random::uniform({4}, 0, 1, DType::float64, one)) != values(x));
  CHECK(one.state().counter == 2);
}

TEST_CASE("distributions have their moments and bounds") {
  set_random_seed(5);
  const double n = 40000;
  const Tensor normal = random::normal({200, 200}, 2.0, 3.0, DType::float64);
  CHECK(std::fabs(mean(normal).item<double>() - 2.0) < 5 * 3.0 / std::sqrt(n));
  CHECK(std::fabs(nyala::std(normal).item<double>() - 3.0) < 5 * 3.0 / std::sqrt(2 * n));
  const Tensor truncated = random::truncated_normal({200, 200}, 1.0, 0.5);
  CHECK(min(truncated).item<double>() >= 0.0);
  CHECK(max(truncated).item<double>() <= 2.0);
  CHECK(std::fabs(nyala::std(truncated).item<double>() - 0.5 * 0.87962566103423978) < 0.01);
  const Tensor uniform = random::uniform({200, 200}, -1.0, 3.0);
  CHECK(min(uniform).item<double>() >= -1.0);
  CHECK(max(uniform).item<double>() < 3.0);
  CHECK(std::fabs(mean(uniform).item<double>() - 1.0) < 0.03);
  const Tensor dice = random::randint({200, 200}, 1, 7);
  CHECK(dice.dtype() == DType::int32);
  CHECK(min(dice).item<int>() == 1);
  CHECK(max(dice).item<int>() == 6);
  const Tensor logits = log(tensor({{0.1, 0.6, 0.3}}));
  const Tensor classes = random::categorical(logits, 20000);
  CHECK(classes.shape() == Shape{1, 20000});
  CHECK(std::fabs(mean(classes == 1).item<double>() - 0.6) < 0.02);
  CHECK(std::fabs(mean(classes == 0).item<double>() - 0.1) < 0.015);
  CHECK(random::normal({0}).shape() == Shape{0});
  CHECK(random::normal({2}, 0, 1, DType::bfloat16).dtype() == DType::bfloat16);
}

TEST_CASE("shuffle permutes whole rows") {
  set_random_seed(1);
  const Tensor x = reshape(arange(30), {10, 3});
  const Tensor y = random::shuffle(x);
  CHECK(values(y) != values(x));
  CHECK(values(sort(y, 0)) == values(x));
  CHECK(values(y(Slice{}, 1) - y(Slice{}, 0)) == Values(10, 1.0));
  CHECK(values(sort(random::shuffle(x, 1), 1)) == values(x));
}

TEST_CASE("dropout keeps the mean, and its gradient has the same mask") {
  SeedGenerator seed(4);
  const Tensor x = ones({100, 100}, DType::float64);
  const Tensor y = random::dropout(x, 0.25, {}, seed);
  CHECK(std::fabs(mean(y).item<double>() - 1.0) < 0.03);
  CHECK(values(logical_or(y == 0.0, isclose(y, 4.0 / 3.0))) == Values(10000, 1.0));
  GradientTape tape;
  tape.watch(x);
  const Tensor z = random::dropout(x, 0.25, {}, seed);
  CHECK(values(tape.gradient(z, x)) == values(z));
  const Tensor rows = random::dropout(x, 0.5, {None, 1}, seed);
  CHECK(values(nyala::std(rows, 1)) == Values(100, 0.0));
  CHECK(random::dropout(x, 0.0).is(x));
  CHECK(values(random::dropout(x, 1.0)) == Values(10000, 0.0));
  const auto f = [](const std::vector<Tensor>& in) {
    SeedGenerator same(9);
    return random::dropout(in[0], 0.5, {}, same);
  };
  CHECK(gradcheck(f, {scattered({3, 4})}) == "");
}

TEST_CASE("random arguments are checked") {
  CHECK_THROWS_WITH_AS(random::normal({2}, 0, -1),
                       "random::normal: mean must be finite and stddev not negative, got 0 and -1", Error);
  CHECK_THROWS_WITH_AS(random::normal({2}, 0, 1, DType::int32), "random::normal: takes a floating dtype, got int32",
                       Error);
  CHECK_THROWS_WITH_AS(random::uniform({2}, 1, 0), "random::uniform: minval must not exceed maxval, got 1 and 0",
                       Error);
  CHECK_THROWS_WITH_AS(random::randint({2}, 3, 3), "random::randint: minval must be below maxval, got 3 and 3", Error);
  CHECK_THROWS_WITH_AS(random::randint({2}, 0, 300, DType::uint8),
                       "random::randint: the number 299 does not fit into uint8", Error);
  CHECK_THROWS_WITH_AS(random::dropout(ones({2}), 1.5), "random::dropout: rate must lie between 0 and 1, got 1.5",
                       Error);
  CHECK_THROWS_WITH_AS(random::dropout(ones({2, 3}), 0.5, {2}),
                       "random::dropout: noise_shape (2,) needs as many axes as x of shape (2, 3)", Error);
  CHECK_THROWS_AS(random::categorical(ones({2}), 3), Error);
}
