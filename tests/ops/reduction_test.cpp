#include <limits>

#include "ops/expect.hpp"

using namespace nyala;
using namespace nyala::testing;

namespace {

// 0.25 … 3 less 1, in (2, 3, 2)
const Tensor table = reshape(arange(1.0, 13.0, 1.0, DType::float64), {2, 3, 2}) / 4.0 - 1.0;

}  // namespace

TEST_CASE("reductions have NumPy's values and shapes") {
  CHECK(near(sum(table), {7.5}));
  CHECK(near(sum(table, {0, -1}), {0.5, 2.5, 4.5}));
  CHECK(sum(table, {0, -1}, true).shape() == Shape{1, 3, 1});
  CHECK(near(mean(table, 1), {0.0 - 0.25, 0.0, 1.25, 1.5}));
  CHECK(near(var(table, {0, 2}), {0.578125, 0.578125, 0.578125}));
  CHECK(near(nyala::std(table, 1), {0.408248290463863, 0.408248290463863, 0.408248290463863, 0.408248290463863}));
  CHECK(near(prod(tensor({{1, 2}, {3, 4}}), 0), {3, 8}));
  CHECK(near(max(table, {0, 2}), {1.0, 1.5, 2.0}));
  CHECK(near(min(table), {-0.75}));
  CHECK(near(logsumexp(table, {0, 2}), {1.777352697861596, 2.277352697861596, 2.777352697861596}));
  CHECK(near(logsumexp(doubles({1000, 1000})), {1000.6931471805599}));
  CHECK(near(logsumexp(doubles({-infinity, -infinity})), {-infinity}));
  CHECK(near(logsumexp(doubles({infinity, 0})), {infinity}));
  CHECK(near(sum(Tensor(3.5)), {3.5}));
  CHECK(values(any(tensor({{0, 2}, {0, 0}}), 1)) == Values{1, 0});
  CHECK(values(all(tensor({{0, 2}, {1, 1}}), 1)) == Values{0, 1});
  CHECK(values(count_nonzero(tensor({{0, 2}, {1, 1}}), 0)) == Values{1, 2});
}

TEST_CASE("norms have NumPy's values") {
  const Tensor first = table[0];
  CHECK(near(norm(first, 3.0, 0), {0.7680792064214619, 0.6299605249474366}));
  CHECK(near(norm(first, 2.0, {0, 1}), {1.0499824492000405}));
  CHECK(near(norm(first, 1.0, {0, 1}), {1.25}));
  CHECK(near(norm(first, -2.0, {0, 1}), {0.2916107960482331}));
  CHECK(near(norm(first, 0.0, 1), {2, 1, 2}));
  CHECK(near(norm(tensor({3, 4})), {5}));
  CHECK(norm(table, {}, 1, true).shape() == Shape{2, 1, 2});
  CHECK(near(normalize(tensor({{3.0, 4.0}, {0.0, 0.0}})), {0.6, 0.8, 0, 0}, 1e-6));
  CHECK_THROWS_WITH_AS(norm(table, 1.0),
                       "norm: an order needs one axis (a vector) or two (a matrix), got 3 axes of shape (2, 3, 2)",
                       Error);
  CHECK_THROWS_WITH_AS(norm(first, 3.0, {0, 1}),
                       "norm: the order of a matrix norm must be 1, 2, infinity or their negatives, got 3", Error);
}

TEST_CASE("dtypes of reductions are Keras'") {
  const Tensor small = cast(tensor({1, 0, 1}), DType::int8), flags = tensor({true, false, true});
  CHECK(sum(small).dtype() == DType::int32);
  CHECK(sum(cast(small, DType::uint8)).dtype() == DType::uint32);
  CHECK(sum(flags).item<int>() == 2);
  CHECK(prod(flags).dtype() == DType::int32);
  CHECK(mean(small).dtype() == DType::float32);
  CHECK(max(flags).dtype() == DType::boolean);
  CHECK(max(flags).item<bool>());
  CHECK(!min(flags).item<bool>());
  CHECK(var(small).dtype() == DType::float32);
  CHECK(var(cast(small, DType::float16)).dtype() == DType::float16);
  CHECK(argmax(small).dtype() == DType::int32);
  CHECK(cumsum(flags).dtype() == DType::int32);
  CHECK(cumsum(small).dtype() == DType::int8);
  CHECK(sort(flags).dtype() == DType::boolean);
  CHECK(moments(cast(small, DType::bfloat16), 0).variance.dtype() == DType::bfloat16);
}

TEST_CASE("nothing and NaN go through reductions as in NumPy") {
  CHECK(near(sum(zeros({2, 0}), 1), {0, 0}));
  CHECK(near(prod(zeros({0})), {1}));
  CHECK(near(mean(zeros({0})), {nan_value}));
  CHECK(near(logsumexp(zeros({0})), {-infinity}));
  CHECK(near(max(doubles({1, nan_value, 3})), {nan_value}));
  CHECK(max(zeros({0, 2}), 1).shape() == Shape{0});
  CHECK_THROWS_WITH_AS(max(zeros({0, 2}), 0), "max: an empty axis has no extreme, got shape (0, 2)", Error);
  CHECK_THROWS_WITH_AS(argmin(zeros({0})), "argmin: an empty axis has no extreme, got shape (0,)", Error);
  CHECK_THROWS_AS(sum(table, 3), Error);
  CHECK_THROWS_AS(sum(table, {1, 1}), Error);
  CHECK_THROWS_WITH_AS(sum(tensor({"a"})), "sum: takes numbers, got a tensor of strings of shape (1,)", Error);
}

TEST_CASE("positions, scans and orders") {
  const Tensor m = tensor({{3.0, 1.0, 3.0}, {2.0, 5.0, 5.0}});
  CHECK(values(argmax(m, -1)) == Values{0, 1});
  CHECK(values(argmin(m, 0)) == Values{1, 0, 0});
  CHECK(argmax(m).item<int>() == 4);
  CHECK(argmax(m, {}, true).shape() == Shape{1, 1});
  CHECK(argmax(m, 1, true).shape() == Shape{2, 1});
  CHECK(values(cumsum(m)) == Values{3, 4, 7, 9, 14, 19});
  CHECK(values(cumsum(m, 0)) == Values{3, 1, 3, 5, 6, 8});
  CHECK(values(cumprod(m, 1)) == Values{3, 3, 9, 2, 10, 50});
  CHECK(near(sort(doubles({3, nan_value, 1, 2})), {1, 2, 3, nan_value}));
  CHECK(values(argsort(doubles({3, nan_value, 1, 3}))) == Values{2, 0, 3, 1});
  CHECK(values(sort(m, 0)) == Values{2, 1, 3, 3, 5, 5});
  const TopK top = top_k(doubles({3, 1, 3, 2}), 3);
  CHECK(values(top.values) == Values{3, 3, 2});
  CHECK(values(top.indices) == Values{0, 2, 3});
  CHECK_THROWS_WITH_AS(top_k(m, 4), "top_k: k must lie between 1 and the last axis of (2, 3), got 4", Error);
  const Tensor predictions =
      tensor({{0.1, 0.9, 0.8, 0.05}, {0.1, 0.9, 0.8, 0.05}, {0.3, 0.3, 0.3, 0.3}, {0.1, 0.2, 0.3, 0.4}});
  CHECK(values(in_top_k(tensor({1, 0, 2, 9}), predictions, 2)) == Values{1, 0, 1, 0});
  CHECK_THROWS_AS(in_top_k(tensor({1, 0}), predictions, 2), Error);
  CHECK(values(searchsorted(tensor({1, 2, 2, 4}), doubles({0, 2, 3, 5, nan_value}))) == Values{0, 1, 3, 4, 4});
  CHECK(values(searchsorted(tensor({1, 2, 2, 4}), tensor({0, 2, 3, 5}), "right")) == Values{0, 3, 3, 4});
  CHECK_THROWS_WITH_AS(searchsorted(tensor({1}), tensor({1}), "up"),
                       "searchsorted: side must be \"left\" or \"right\", got \"up\"", Error);
}
