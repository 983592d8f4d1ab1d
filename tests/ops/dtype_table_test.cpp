#include "ops/expect.hpp"

using namespace nyala;

namespace {

struct DTypeRow {
  const char* name;
  Tensor (*op)(const Tensor&);
  const char* expected[5];  // of bool, uint8, int8, int32, float16; null: refused
};

// What keras.ops (3.15.1, JAX backend) makes of each dtype.
const DTypeRow dtype_rows[] = {
    {"negative", [](const Tensor& x) { return nyala::negative(x); }, {nullptr, "uint8", "int8", "int32", "float16"}},
    {"abs", [](const Tensor& x) { return nyala::abs(x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"sign", [](const Tensor& x) { return nyala::sign(x); }, {nullptr, "uint8", "int8", "int32", "float16"}},
    {"square", [](const Tensor& x) { return nyala::square(x); }, {"int32", "uint8", "int8", "int32", "float16"}},
    {"sqrt", [](const Tensor& x) { return nyala::sqrt(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"reciprocal",
     [](const Tensor& x) { return nyala::reciprocal(x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"exp", [](const Tensor& x) { return nyala::exp(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"exp2", [](const Tensor& x) { return nyala::exp2(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"expm1", [](const Tensor& x) { return nyala::expm1(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"log", [](const Tensor& x) { return nyala::log(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"log1p", [](const Tensor& x) { return nyala::log1p(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"log2", [](const Tensor& x) { return nyala::log2(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"log10", [](const Tensor& x) { return nyala::log10(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"erfinv",
     [](const Tensor& x) { return nyala::erfinv(x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"sin", [](const Tensor& x) { return nyala::sin(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"cos", [](const Tensor& x) { return nyala::cos(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"tan", [](const Tensor& x) { return nyala::tan(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"arcsin",
     [](const Tensor& x) { return nyala::arcsin(x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"arccos",
     [](const Tensor& x) { return nyala::arccos(x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"arctan",
     [](const Tensor& x) { return nyala::arctan(x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"sinh", [](const Tensor& x) { return nyala::sinh(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"cosh", [](const Tensor& x) { return nyala::cosh(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"tanh", [](const Tensor& x) { return nyala::tanh(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"arcsinh",
     [](const Tensor& x) { return nyala::arcsinh(x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"arccosh",
     [](const Tensor& x) { return nyala::arccosh(x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"arctanh",
     [](const Tensor& x) { return nyala::arctanh(x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"floor", [](const Tensor& x) { return nyala::floor(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"ceil", [](const Tensor& x) { return nyala::ceil(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"trunc", [](const Tensor& x) { return nyala::trunc(x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"round", [](const Tensor& x) { return nyala::round(x); }, {nullptr, "uint8", "int8", "int32", "float16"}},
    {"isnan", [](const Tensor& x) { return nyala::isnan(x); }, {"bool", "bool", "bool", "bool", "bool"}},
    {"isinf", [](const Tensor& x) { return nyala::isinf(x); }, {"bool", "bool", "bool", "bool", "bool"}},
    {"isfinite", [](const Tensor& x) { return nyala::isfinite(x); }, {"bool", "bool", "bool", "bool", "bool"}},
    {"nan_to_num", [](const Tensor& x) { return nyala::nan_to_num(x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"logical_not", [](const Tensor& x) { return nyala::logical_not(x); }, {"bool", "bool", "bool", "bool", "bool"}},
    {"sum", [](const Tensor& x) { return nyala::sum(x); }, {"int32", "uint32", "int32", "int32", "float16"}},
    {"mean", [](const Tensor& x) { return nyala::mean(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"prod", [](const Tensor& x) { return nyala::prod(x); }, {"int32", "uint32", "int32", "int32", "float16"}},
    {"max", [](const Tensor& x) { return nyala::max(x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"min", [](const Tensor& x) { return nyala::min(x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"var", [](const Tensor& x) { return nyala::var(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"std", [](const Tensor& x) { return nyala::std(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"logsumexp",
     [](const Tensor& x) { return nyala::logsumexp(x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"any", [](const Tensor& x) { return nyala::any(x); }, {"bool", "bool", "bool", "bool", "bool"}},
    {"all", [](const Tensor& x) { return nyala::all(x); }, {"bool", "bool", "bool", "bool", "bool"}},
    {"count_nonzero",
     [](const Tensor& x) { return nyala::count_nonzero(x); },
     {"int32", "int32", "int32", "int32", "int32"}},
    {"argmax", [](const Tensor& x) { return nyala::argmax(x); }, {"int32", "int32", "int32", "int32", "int32"}},
    {"cumsum", [](const Tensor& x) { return nyala::cumsum(x); }, {"int32", "uint8", "int8", "int32", "float16"}},
    {"cumprod", [](const Tensor& x) { return nyala::cumprod(x); }, {"int32", "uint8", "int8", "int32", "float16"}},
    {"sort", [](const Tensor& x) { return nyala::sort(x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"argsort", [](const Tensor& x) { return nyala::argsort(x); }, {"int32", "int32", "int32", "int32", "int32"}},
    {"norm", [](const Tensor& x) { return nyala::norm(x); }, {"float32", "float32", "float32", "float32", "float16"}},
    {"add", [](const Tensor& x) { return nyala::add(x, x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"subtract", [](const Tensor& x) { return nyala::subtract(x, x); }, {nullptr, "uint8", "int8", "int32", "float16"}},
    {"multiply", [](const Tensor& x) { return nyala::multiply(x, x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"divide",
     [](const Tensor& x) { return nyala::divide(x, x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"floor_divide",
     [](const Tensor& x) { return nyala::floor_divide(x, x); },
     {"int32", "uint8", "int8", "int32", "float16"}},
    {"mod", [](const Tensor& x) { return nyala::mod(x, x); }, {"int32", "uint8", "int8", "int32", "float16"}},
    {"power", [](const Tensor& x) { return nyala::power(x, x); }, {"int32", "uint8", "int8", "int32", "float16"}},
    {"maximum", [](const Tensor& x) { return nyala::maximum(x, x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"minimum", [](const Tensor& x) { return nyala::minimum(x, x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"arctan2",
     [](const Tensor& x) { return nyala::arctan2(x, x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"hypot",
     [](const Tensor& x) { return nyala::hypot(x, x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"logaddexp",
     [](const Tensor& x) { return nyala::logaddexp(x, x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"divide_no_nan",
     [](const Tensor& x) { return nyala::divide_no_nan(x, x); },
     {"float32", "float32", "float32", "float32", "float16"}},
    {"equal", [](const Tensor& x) { return nyala::equal(x, x); }, {"bool", "bool", "bool", "bool", "bool"}},
    {"logical_and", [](const Tensor& x) { return nyala::logical_and(x, x); }, {"bool", "bool", "bool", "bool", "bool"}},
    {"matmul", [](const Tensor& x) { return nyala::matmul(x, x); }, {"bool", "uint8", "int32", "int32", "float16"}},
    {"dot", [](const Tensor& x) { return nyala::dot(x, x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"outer", [](const Tensor& x) { return nyala::outer(x, x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"vdot", [](const Tensor& x) { return nyala::vdot(x, x); }, {"bool", "uint8", "int8", "int32", "float16"}},
    {"inner", [](const Tensor& x) { return nyala::inner(x, x); }, {"bool", "uint8", "int8", "int32", "float16"}},
};

}  // namespace

TEST_CASE("operations give the dtypes that Keras gives") {
  const DType dtypes[] = {DType::boolean, DType::uint8, DType::int8, DType::int32, DType::float16};
  for (const DTypeRow& row : dtype_rows) {
    CAPTURE(row.name);
    for (int i = 0; i < 5; ++i) {
      const Tensor x = cast(tensor({1, 0, 1}), dtypes[i]);
      if (row.expected[i] == nullptr)
        CHECK_THROWS_AS(row.op(x), Error);
      else
        CHECK(name_of(row.op(x).dtype()) == std::string(row.expected[i]));
    }
  }
}
