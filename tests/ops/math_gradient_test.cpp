#include <cmath>

#include <doctest/doctest.h>

#include <nyala/autograd.hpp>
#include <nyala/ops.hpp>

#include "support/gradcheck.hpp"

using namespace nyala;
using nyala::testing::gradcheck;
using nyala::testing::gradgradcheck;
using nyala::testing::scattered;

namespace {

struct UnaryRow {
  const char* name;
  Tensor (*op)(const Tensor&);
  double low, high;
};

const UnaryRow unary_rows[] = {
    {"negative", negative, -2, 2},
    {"abs", abs, -2.3, 2},
    {"sign", sign, -2.3, 2},
    {"square", square, -2, 2},
    {"sqrt", sqrt, 0.1, 3},
    {"rsqrt", rsqrt, 0.2, 3},
    {"reciprocal", reciprocal, 0.3, 2},
    {"exp", exp, -2, 2},
    {"exp2", exp2, -2, 2},
    {"expm1", expm1, -2, 2},
    {"log", log, 0.2, 3},
    {"log1p", log1p, -0.7, 3},
    {"log2", log2, 0.2, 3},
    {"log10", log10, 0.2, 3},
    {"erf", erf, -2, 2},
    {"erfinv", erfinv, -0.9, 0.9},
    {"sin", sin, -3, 3},
    {"cos", cos, -3, 3},
    {"tan", tan, -1.2, 1.2},
    {"arcsin", arcsin, -0.9, 0.9},
    {"arccos", arccos, -0.9, 0.9},
    {"arctan", arctan, -3, 3},
    {"sinh", sinh, -2, 2},
    {"cosh", cosh, -2, 2},
    {"tanh", tanh, -2, 2},
    {"arcsinh", arcsinh, -3, 3},
    {"arccosh", arccosh, 1.2, 4},
    {"arctanh", arctanh, -0.9, 0.9},
    {"floor", floor, 0.1, 0.9},
    {"ceil", ceil, 0.1, 0.9},
    {"trunc", trunc, 0.1, 0.9},
};

struct BinaryRow {
  const char* name;
  Tensor (*op)(const Tensor&, const Tensor&);
  double low1, high1, low2, high2;
};

const BinaryRow binary_rows[] = {
    {"add", add, -2, 2, -2, 2},
    {"subtract", subtract, -2, 2, -2, 2},
    {"multiply", multiply, -2, 2, -2, 2},
    {"divide", divide, -2, 2, 0.4, 2},
    {"divide_no_nan", divide_no_nan, -2, 2, -2, -0.4},
    {"floor_divide", floor_divide, 0.1, 0.3, 1, 2},
    {"mod", mod, 2.1, 2.4, 0.9, 1.0},
    {"power", power, 0.3, 2, -2, 2},
    {"maximum", maximum, -2, 2, -1.9, 2.05},
    {"minimum", minimum, -2, 2, -1.9, 2.05},
    {"arctan2", arctan2, 0.3, 2, -2, 2},
    {"hypot", hypot, 0.3, 2, -2, 2},
    {"logaddexp", logaddexp, -2, 2, -2, 2},
    {"squared_difference", squared_difference, -2, 2, -2, 2},
};

const std::pair<Shape, Shape> broadcasts[] = {{{2, 3}, {2, 3}}, {{3, 1}, {1, 2}},    {{}, {2, 2}},    {{2, 3}, {3}},
                                              {{1}, {}},        {{2, 1, 2}, {3, 1}}, {{0, 3}, {1, 3}}};

}  // namespace

TEST_CASE("unary gradients agree with differences, and the gradients' gradients") {
  for (const UnaryRow& row : unary_rows) {
    CAPTURE(row.name);
    const auto f = [&](const std::vector<Tensor>& x) { return row.op(x[0]); };
    for (const Shape& shape : {Shape{2, 3}, Shape{}, Shape{0, 2}}) {
      const std::vector<Tensor> inputs{scattered(shape, row.low, row.high)};
      CHECK(gradcheck(f, inputs) == "");
      CHECK(gradgradcheck(f, inputs, 1e-5) == "");
    }
  }
}

TEST_CASE("binary gradients agree with differences for every kind of broadcasting") {
  for (const BinaryRow& row : binary_rows) {
    CAPTURE(row.name);
    const auto f = [&](const std::vector<Tensor>& x) { return row.op(x[0], x[1]); };
    for (const auto& [first, second] : broadcasts) {
      CAPTURE(first);
      CAPTURE(second);
      const std::vector<Tensor> inputs{scattered(first, row.low1, row.high1, 3),
                                       scattered(second, row.low2, row.high2, 4)};
      CHECK(gradcheck(f, inputs) == "");
      CHECK(gradgradcheck(f, inputs, 1e-5) == "");
    }
  }
}

TEST_CASE("where, clip, cast and the like pass gradients on") {
  const Tensor choice = tensor({{true, false, true}});
  const Tensor x = scattered({2, 3}, -2, 2), y = scattered({3}, -2, 2, 9);
  CHECK(gradcheck([&](const auto& in) { return where(choice, in[0], in[1]); }, {x, y}) == "");
  CHECK(gradgradcheck([&](const auto& in) { return square(where(choice, in[0], in[1])); }, {x, y}) == "");
  CHECK(gradcheck([](const auto& in) { return clip(in[0], -0.61, 0.97); }, {x}) == "");
  CHECK(gradcheck([](const auto& in) { return clip(in[0], in[1], in[2]); },
                  {x, scattered({2, 1}, -1.0, -0.5, 3), scattered({3}, 0.52, 1.1, 4)}) == "");
  CHECK(gradcheck([](const auto& in) { return nan_to_num(in[0]); }, {x}) == "");
  CHECK(gradcheck([](const auto& in) { return round(in[0]); }, {scattered({3}, 0.1, 0.4)}) == "");
  CHECK(gradcheck([](const auto& in) { return in[0] * stop_gradient(in[1]); }, {x, y}).find("input 1") == 0);
  CHECK(gradcheck([](const auto& in) { return 2.0 - in[0] * 0.1; }, {x}) == "");
}

TEST_CASE("gradients have the dtypes of their inputs; integers get none") {
  const Tensor half = cast(tensor({1.0, 2.0}), DType::float16), single = tensor({3.0, 4.0});
  const Tensor whole = tensor({2, 3});
  GradientTape tape({.persistent = true});
  tape.watch(half);
  tape.watch(single);
  const Tensor y = half * single + whole * half;
  CHECK(y.dtype() == DType::float32);
  const std::vector<Tensor> gradients = tape.gradient(y, std::vector<Tensor>{half, single, whole});
  CHECK(gradients[0].dtype() == DType::float16);
  CHECK(gradients[0].to_vector<float>() == std::vector<float>{5, 7});
  CHECK(gradients[1].dtype() == DType::float32);
  CHECK(!gradients[2].defined());
  CHECK(!tape.gradient(single + cast(cast(half, DType::int32), DType::float32), half).defined());
  CHECK(!tape.gradient(stop_gradient(half) * 2.0, half).defined());
}

TEST_CASE("the gradients of gradients of gradients flow as well") {
  const Tensor x = tensor(std::vector<double>{0.5});
  GradientTape third, second, first;
  for (GradientTape* tape : {&third, &second, &first}) tape->watch(x);
  const Tensor dy = first.gradient(tanh(x) * exp(x), x);
  const Tensor ddy = second.gradient(dy, x);
  // (tanh x · eˣ)''' at 0.5, from the closed form of the derivatives of tanh.
  const double t = std::tanh(0.5), u = 1 - t * t, e = std::exp(0.5);
  const double expected = e * (t + 3 * u - 6 * t * u + (6 * t * t - 2) * u);
  CHECK(third.gradient(ddy, x).item<double>() == doctest::Approx(expected).epsilon(1e-12));
}
