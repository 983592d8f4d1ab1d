#include <nyala/autograd.hpp>

#include "ops/expect.hpp"
#include "ops/gradient_rows.hpp"

using namespace nyala;
using namespace nyala::testing;

namespace {

const Tensor small_cube = scattered({2, 3, 2}, -2.0, 2.1);
const Tensor small_matrix = scattered({3, 4}, 0.3, 2.0, 3);
const Tensor with_zeros = tensor({{0.0, 1.5, -2.0}, {0.7, 0.0, 0.0}}, DType::float64);

}  // namespace

TEST_CASE("sums, means and products differentiate over any axes") {
  const GradientRow rows[] = {
      {"sum all", [](Inputs x) { return sum(x[0]); }, {small_cube}},
      {"sum 1", [](Inputs x) { return sum(x[0], 1); }, {small_cube}},
      {"sum -1 keepdims", [](Inputs x) { return sum(x[0], -1, true); }, {small_cube}},
      {"sum 0 2",
       [](Inputs x) {
         return square(sum(x[0], {0, 2}));
       },
       {small_cube}},
      {"sum of a scalar", [](Inputs x) { return sum(x[0]); }, {scattered({})}},
      {"sum of an empty axis", [](Inputs x) { return sum(x[0], 1); }, {scattered({2, 0})}},
      {"mean all", [](Inputs x) { return mean(x[0]); }, {small_cube}},
      {"mean -2", [](Inputs x) { return square(mean(x[0], -2)); }, {small_cube}},
      {"mean keepdims",
       [](Inputs x) {
         return mean(x[0], {0, 1}, true);
       },
       {small_cube}},
      {"prod all", [](Inputs x) { return prod(x[0]); }, {small_cube}},
      {"prod 1 keepdims", [](Inputs x) { return prod(x[0], 1, true); }, {small_cube}},
      {"prod 0 2",
       [](Inputs x) {
         return prod(x[0], {0, 2});
       },
       {small_cube}},
      {"prod with zeros", [](Inputs x) { return prod(x[0], 1); }, {with_zeros}},
      {"prod with zeros, axis 0", [](Inputs x) { return prod(x[0], 0); }, {with_zeros}},
      {"max all", [](Inputs x) { return max(x[0]); }, {small_cube}},
      {"max -1", [](Inputs x) { return square(max(x[0], -1)); }, {small_cube}},
      {"min 0 keepdims", [](Inputs x) { return square(min(x[0], 0, true)); }, {small_cube}},
      {"min 1 2",
       [](Inputs x) {
         return min(x[0], {1, 2});
       },
       {small_cube}},
  };
  check_rows(rows);
}

TEST_CASE("statistics and norms differentiate") {
  const GradientRow rows[] = {
      {"var all", [](Inputs x) { return var(x[0]); }, {small_cube}},
      {"var 1", [](Inputs x) { return var(x[0], 1); }, {small_cube}},
      {"std -1 keepdims", [](Inputs x) { return nyala::std(x[0], -1, true); }, {small_cube}},
      {"std 0 1",
       [](Inputs x) {
         return nyala::std(x[0], {0, 1});
       },
       {small_cube}},
      {"moments",
       [](Inputs x) {
         const Moments m = moments(x[0], {0, 2});
         return m.mean * m.variance;
       },
       {small_cube}},
      {"logsumexp all", [](Inputs x) { return logsumexp(x[0]); }, {small_cube}},
      {"logsumexp 1", [](Inputs x) { return logsumexp(x[0], 1); }, {small_cube}},
      {"logsumexp keepdims",
       [](Inputs x) {
         return logsumexp(x[0], {0, 2}, true);
       },
       {small_cube}},
      {"norm all", [](Inputs x) { return norm(x[0]); }, {small_cube}},
      {"norm 1", [](Inputs x) { return norm(x[0], {}, 1, true); }, {small_cube}},
      {"norm order 2", [](Inputs x) { return norm(x[0], 2.0, -1); }, {small_cube}},
      {"norm order 1", [](Inputs x) { return square(norm(x[0], 1.0, 0)); }, {small_cube}},
      {"norm order 3", [](Inputs x) { return norm(x[0], 3.0, 1); }, {small_cube}},
      {"norm order infinity", [](Inputs x) { return square(norm(x[0], infinity, 1)); }, {small_cube}},
      {"norm order -infinity", [](Inputs x) { return square(norm(x[0], -infinity, 1)); }, {small_cube}},
      {"matrix norm 1",
       [](Inputs x) {
         return square(norm(x[0], 1.0, {0, 1}));
       },
       {small_matrix}},
      {"matrix norm 2",
       [](Inputs x) {
         return norm(x[0], 2.0, {0, 1});
       },
       {small_matrix}},
      {"matrix norm infinity",
       [](Inputs x) {
         return square(norm(x[0], infinity, {0, 2}));
       },
       {small_cube}},
      {"normalize", [](Inputs x) { return normalize(x[0], 1); }, {small_cube}},
      {"normalize order 1", [](Inputs x) { return normalize(x[0], -1, 1.0); }, {small_cube}},
  };
  check_rows(rows);
}

TEST_CASE("scans and orders differentiate") {
  const GradientRow rows[] = {
      {"cumsum flat", [](Inputs x) { return square(cumsum(x[0])); }, {small_cube}},
      {"cumsum 1", [](Inputs x) { return square(cumsum(x[0], 1)); }, {small_cube}},
      {"cumsum empty", [](Inputs x) { return cumsum(x[0], 1); }, {scattered({2, 0})}},
      {"cumprod -1", [](Inputs x) { return cumprod(x[0], -1); }, {small_matrix}},
      {"cumprod 1", [](Inputs x) { return cumprod(x[0], 1); }, {small_cube}},
      {"cumprod with zeros", [](Inputs x) { return cumprod(x[0], 1); }, {with_zeros}},
      {"cumprod with zeros, flat", [](Inputs x) { return cumprod(x[0]); }, {with_zeros}},
      {"sort", [](Inputs x) { return square(sort(x[0])); }, {small_cube}},
      {"sort 1", [](Inputs x) { return square(sort(x[0], 1)); }, {small_cube}},
      {"top_k", [](Inputs x) { return square(top_k(x[0], 2).values); }, {small_matrix}},
  };
  check_rows(rows);
}

TEST_CASE("gradients at ties and at the tips of norms are shared or zero") {
  const auto gradient = [](auto f, const Tensor& x) {
    GradientTape tape;
    tape.watch(x);
    const Tensor y = f(x);
    return tape.gradient(y, x).template to_vector<double>();
  };
  const auto vector = [](const Values& values) { return tensor(values); };
  CHECK(gradient([](const Tensor& x) { return max(x); }, vector({1, 3, 3, 2})) == Values{0, 0.5, 0.5, 0});
  CHECK(gradient([](const Tensor& x) { return maximum(x, 1.0); }, vector({0, 1, 2})) == Values{0, 0.5, 1});
  CHECK(gradient([](const Tensor& x) { return minimum(x, 1.0); }, vector({0, 1, 2})) == Values{1, 0.5, 0});
  CHECK(gradient([](const Tensor& x) { return clip(x, 0.0, 1.0); }, vector({-1, 0, 0.5, 1, 2})) ==
        Values{0, 1, 1, 1, 0});
  CHECK(gradient([](const Tensor& x) { return norm(x); }, vector({0, 0})) == Values{0, 0});
  CHECK(gradient([](const Tensor& x) { return norm(x, 3.0, 0); }, vector({0, 0})) == Values{0, 0});
  CHECK(gradient([](const Tensor& x) { return nyala::std(x); }, vector({2, 2})) == Values{0, 0});
  CHECK(gradient([](const Tensor& x) { return power(x, 0.0); }, vector({0, 2})) == Values{0, 0});
  CHECK(gradient([](const Tensor& x) { return hypot(x, 0.0); }, vector({0.0})) == Values{0});
  CHECK(gradient([](const Tensor& x) { return divide_no_nan(1.0, x); }, vector({0, 2})) == Values{0, -0.25});
  CHECK(gradient([](const Tensor& x) { return logsumexp(x); }, vector({-infinity, 0})) == Values{0, 1});
}
