#include <limits>
#include <numeric>

#include "ops/expect.hpp"

using namespace nyala;
using namespace nyala::testing;

namespace {

struct Row {
  const char* name;
  Tensor (*op)(const Tensor&);
  Values expected;
};

// NumPy's and SciPy's figures in float64.
const Row of_any[] = {
    {"square", square, {2.25, 0.09, 0.04000000000000001, 0.48999999999999994}},
    {"exp", exp, {0.22313016014842982, 0.7408182206817179, 1.2214027581601699, 2.0137527074704766}},
    {"exp2", exp2, {0.3535533905932738, 0.8122523963562356, 1.148698354997035, 1.624504792712471}},
    {"expm1", expm1, {-0.7768698398515702, -0.2591817793182821, 0.22140275816016985, 1.0137527074704764}},
    {"erf", erf, {-0.9661051464753108, -0.3286267594591274, 0.22270258921047845, 0.6778011938374183}},
    {"sin", sin, {-0.9974949866040544, -0.29552020666133955, 0.19866933079506122, 0.644217687237691}},
    {"cos", cos, {0.0707372016677029, 0.955336489125606, 0.9800665778412416, 0.7648421872844885}},
    {"tan", tan, {-14.101419947171719, -0.3093362496096232, 0.2027100355086725, 0.8422883804630794}},
    {"arctan", arctan, {-0.982793723247329, -0.2914567944778671, 0.19739555984988078, 0.6107259643892086}},
    {"sinh", sinh, {-2.1292794550948173, -0.3045202934471426, 0.201336002541094, 0.7585837018395335}},
    {"cosh", cosh, {2.352409615243247, 1.0453385141288605, 1.020066755619076, 1.255169005630943}},
    {"tanh", tanh, {-0.9051482536448665, -0.2913126124515909, 0.197375320224904, 0.6043677771171634}},
    {"arcsinh", arcsinh, {-1.1947632172871092, -0.29567304756342244, 0.19869011034924142, 0.6526665660823557}},
    {"reciprocal", reciprocal, {-0.6666666666666666, -3.3333333333333335, 5.0, 1.4285714285714286}},
    {"negative", negative, {1.5, 0.3, -0.2, -0.7}},
    {"abs", abs, {1.5, 0.3, 0.2, 0.7}},
    {"sign", sign, {-1.0, -1.0, 1.0, 1.0}},
    {"floor", floor, {-2.0, -1.0, 0.0, 0.0}},
    {"ceil", ceil, {-1.0, 0.0, 1.0, 1.0}},
    {"trunc", trunc, {-1.0, 0.0, 0.0, 0.0}},
};
const Row of_positive[] = {
    {"sqrt", sqrt, {0.31622776601683794, 0.6324555320336759, 0.9486832980505138}},
    {"rsqrt", rsqrt, {3.162277660168379, 1.5811388300841895, 1.0540925533894598}},
    {"log", log, {-2.3025850929940455, -0.916290731874155, -0.10536051565782628}},
    {"log1p", log1p, {0.09531017980432487, 0.33647223662121295, 0.6418538861723948}},
    {"log2", log2, {-3.321928094887362, -1.3219280948873622, -0.15200309344504995}},
    {"log10", log10, {-1.0, -0.3979400086720376, -0.045757490560675115}},
    {"erfinv", erfinv, {0.08885599049425769, 0.37080715859355795, 1.1630871536766743}},
    {"arcsin", arcsin, {0.1001674211615598, 0.41151684606748806, 1.1197695149986342}},
    {"arccos", arccos, {1.4706289056333368, 1.1592794807274087, 0.45102681179626236}},
    {"arctanh", arctanh, {0.10033534773107558, 0.42364893019360184, 1.4722194895832204}},
};

}  // namespace

TEST_CASE("elementwise functions have NumPy's values") {
  for (const Row& row : of_any) {
    CAPTURE(row.name);
    CHECK(near(row.op(doubles({-1.5, -0.3, 0.2, 0.7})), row.expected));
    CHECK(near(row.op(cast(doubles({-1.5, -0.3, 0.2, 0.7}), DType::float32)), row.expected, 4e-6));
  }
  for (const Row& row : of_positive) {
    CAPTURE(row.name);
    CHECK(near(row.op(doubles({0.1, 0.4, 0.9})), row.expected));
    CHECK(near(row.op(cast(doubles({0.1, 0.4, 0.9}), DType::float32)), row.expected, 4e-6));
  }
  CHECK(near(arccosh(doubles({1.0, 1.5, 4.0})), {0.0, 0.9624236501192069, 2.0634370688955603}));
  CHECK(near(round(doubles({0.5, 1.5, 2.5, -0.5, -1.5})), {0.0, 2.0, 2.0, 0.0, -2.0}));
  CHECK(near(round(doubles({1.235, 2.345}), 2), {1.24, 2.35}));
  CHECK(values(round(tensor({15, 25, -15}), -1)) == Values{20, 20, -20});
  CHECK(near(nan_to_num(tensor(std::vector<float>{NAN, INFINITY, -INFINITY, 1.0f})),
             {0.0, 3.4028234663852886e38, -3.4028234663852886e38, 1.0}));
}

TEST_CASE("operations of two operands have NumPy's values") {
  const Tensor a = doubles({7.5, -7.5, 2.0, -3.0}), b = doubles({2.0, 2.0, -0.75, 2.0});
  CHECK(near(a + b, {9.5, -5.5, 1.25, -1.0}));
  CHECK(near(a - b, {5.5, -9.5, 2.75, -5.0}));
  CHECK(near(a * b, {15.0, -15.0, -1.5, -6.0}));
  CHECK(near(a / b, {3.75, -3.75, -2.6666666666666665, -1.5}));
  CHECK(near(floor_divide(a, b), {3.0, -4.0, -3.0, -2.0}));
  CHECK(near(a % b, {1.5, 0.5, -0.25, 1.0}));
  CHECK(near(arctan2(a, b), {1.3101939350475558, -1.3101939350475558, 1.9295669970654687, -0.982793723247329}));
  CHECK(near(hypot(a, b), {7.762087348130012, 7.762087348130012, 2.1360009363293826, 3.605551275463989}));
  CHECK(near(logaddexp(a, b), {7.504078443270571, 2.0000748490286293, 2.0619675890031988, 2.0067153484891183}));
  CHECK(near(power(doubles({2.0, 0.5, 9.0, 0.0}), doubles({3.0, -2.0, 0.5, 0.0})), {8.0, 4.0, 3.0, 1.0}));
  CHECK(near(maximum(a, b), {7.5, 2.0, 2.0, 2.0}));
  CHECK(near(minimum(a, doubles({nan_value, 2.0, -0.75, 2.0})), {nan_value, -7.5, -0.75, -3.0}));
  CHECK(near(squared_difference(a, b), {30.25, 90.25, 7.5625, 25.0}));
  CHECK(near(divide_no_nan(tensor({1, 2}), tensor({0, 4})), {0.0, 0.5}));
  CHECK(values(floor_divide(tensor({7, -7, 0}), tensor({2, 2, 3}))) == Values{3, -4, 0});
  CHECK(values(mod(tensor({7, -7, 0}), tensor({2, 2, 3}))) == Values{1, 1, 0});
}

TEST_CASE("comparisons, logic and choices") {
  const Tensor a = doubles({1, 2, nan_value}), b = doubles({2, 2, nan_value});
  CHECK(values(a == b) == Values{0, 1, 0});
  CHECK(values(a != b) == Values{1, 0, 1});
  CHECK(values(a < b) == Values{1, 0, 0});
  CHECK(values(a <= b) == Values{1, 1, 0});
  CHECK(values(a > 1) == Values{0, 1, 0});
  CHECK(values(a >= 2) == Values{0, 1, 0});
  CHECK(values(tensor({0, 2, 3}) && tensor({1.0, 0.0, 0.5})) == Values{0, 0, 1});
  CHECK(values(tensor({0, 2}) || tensor({0.0, 0.0})) == Values{0, 1});
  CHECK(values(logical_xor(tensor({true, true}), tensor({true, false}))) == Values{0, 1});
  CHECK(values(!tensor({0.0, 0.5})) == Values{1, 0});
  CHECK(values(isnan(a)) == Values{0, 0, 1});
  CHECK(values(isinf(doubles({infinity, -infinity, 1}))) == Values{1, 1, 0});
  CHECK(values(isfinite(tensor({1, 2}))) == Values{1, 1});
  CHECK(values(isclose(doubles({1, infinity, infinity, nan_value, 1}),
                       doubles({1 + 1e-9, infinity, -infinity, nan_value, infinity}))) == Values{1, 1, 0, 0, 0});
  CHECK(values(isclose(a, b, 1e-5, 1e-8, true)) == Values{0, 1, 1});
  CHECK(values(where(a < b, a, 7.0)) == Values{1, 7, 7});
  CHECK(near(clip(doubles({-2, 0.5, 3, nan_value}), 0, 1), {0, 0.5, 1, nan_value}));
  CHECK(values(clip(tensor({5, 6}), tensor({{0}, {5}}), 5)) == Values{5, 5, 5, 5});
}

TEST_CASE("bare numbers give way, others promote as in Keras") {
  const Tensor half = cast(doubles({1.5}), DType::float16), whole = tensor({3});
  CHECK((half * 2.0).dtype() == DType::float16);
  CHECK((whole * 2).dtype() == DType::int32);
  CHECK((whole * 2.5).dtype() == DType::float32);
  CHECK((whole + true).dtype() == DType::int32);
  CHECK((tensor({true}) + 1).dtype() == DType::int32);
  CHECK((cast(whole, DType::uint8) + 200).dtype() == DType::uint8);
  CHECK((doubles({1}) * 0.1).item<double>() == 0.1);
  CHECK((0.1 * doubles({1})).item<double>() == 0.1);
  CHECK((cast(whole, DType::int64) + 5'000'000'000).item<std::int64_t>() == 5'000'000'003);
  CHECK((whole + cast(half, DType::bfloat16)).dtype() == DType::bfloat16);
  CHECK((whole / 2).dtype() == DType::float32);
  CHECK((tensor({true}) + tensor({true})).dtype() == DType::boolean);
  CHECK(values(tensor({true, false}) * tensor({true, true})) == Values{1, 0});
  CHECK(floor_divide(tensor({true}), tensor({true})).dtype() == DType::int32);
  CHECK(sqrt(whole).dtype() == DType::float32);
  CHECK(floor(whole).dtype() == DType::float32);
  CHECK(trunc(whole).dtype() == DType::int32);
  CHECK(abs(tensor({true})).dtype() == DType::boolean);
  CHECK(square(tensor({true})).dtype() == DType::int32);
  CHECK(clip(tensor({true}), 0, 1).dtype() == DType::int32);
  CHECK(clip(whole, 0.5, 1.5).dtype() == DType::float32);
  CHECK(where(tensor({true}), whole, 2.0).dtype() == DType::float32);
  CHECK(exp(half).dtype() == DType::float16);
  CHECK(!(Tensor(2.0) * 3.0).weak());
  CHECK(!(doubles({1}) + Tensor(1)).weak());
  CHECK(!reshape(Tensor(2.0), {1}).weak());
}

TEST_CASE("arithmetic that cannot be is refused with names and values") {
  const Tensor x = zeros({2, 3}), text = tensor({"a", "b"});
  CHECK_THROWS_WITH_AS(x + zeros({4}), "add: shapes do not broadcast: (2, 3) and (4,)", Error);
  CHECK_THROWS_WITH_AS(less(x, zeros({3, 3})), "less: shapes do not broadcast: (2, 3) and (3, 3)", Error);
  CHECK_THROWS_WITH_AS(where(zeros({2}), x, 0.0), "where: shapes do not broadcast: (2,) and (2, 3)", Error);
  CHECK_THROWS_WITH_AS(text + 1, "add: takes numbers, got a tensor of strings of shape (2,)", Error);
  CHECK_THROWS_WITH_AS(exp(text), "exp: takes numbers, got a tensor of strings of shape (2,)", Error);
  CHECK_THROWS_WITH_AS(Tensor() * 2, "multiply: a tensor that holds nothing (default-made) was given", Error);
  CHECK_THROWS_WITH_AS(tensor({true}) - tensor({true}), "subtract: takes numbers, got bool and bool; see logical_xor",
                       Error);
  CHECK_THROWS_WITH_AS(-tensor({true}), "negative: takes numbers, got bool of shape (1,)", Error);
  CHECK_THROWS_WITH_AS(cast(tensor({1}), DType::uint8) + 300, "add: the number 300 does not fit into uint8", Error);
  CHECK_THROWS_WITH_AS(tensor({1}) * 5'000'000'000, "multiply: the number 5000000000 does not fit into int32", Error);
  CHECK_THROWS_WITH_AS(cast(text, DType::int32),
                       "cast: strings and numbers do not convert into each other, got string "
                       "to int32",
                       Error);
}

TEST_CASE("casts round, wrap and keep") {
  CHECK(values(cast(doubles({1.9, -1.9}), DType::int32)) == Values{1, -1});
  CHECK(values(cast(tensor({0, 3}), DType::boolean)) == Values{0, 1});
  const Tensor x = doubles({1});
  CHECK(cast(x, DType::float64).is(x));
  CHECK(cast(Tensor(0.1), DType::float64).item<double>() == 0.1);
  CHECK(x.to(default_device()).is(x));
}
