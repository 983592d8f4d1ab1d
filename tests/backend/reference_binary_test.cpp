#include <doctest/doctest.h>

#include "backend/kernel_support.hpp"

using namespace nyala;
using namespace nyala::backend;
using nyala::test::inf;
using nyala::test::NaN;

namespace {

std::vector<double> binary(Binary op, const Tensor& a, const Tensor& b, const Shape& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  ReferenceKernels().binary(op, a, b, out);
  return test::values(out);
}

}  // namespace

TEST_CASE("reference floor_divide and mod follow NumPy's signs") {
  const std::vector<double> a = {7, -7, 7, -7, 5, -5, 1, 0, 1, inf, NaN, 1},
                            b = {3, 3, -3, -3, inf, inf, 0, 0, -inf, 2, 1, NaN};
  const Tensor x = test::numbers(a, DType::float64), y = test::numbers(b, DType::float64);
  CHECK(test::worst(binary(Binary::mod, x, y, {12}, DType::float64),
                    {1, 2, -2, -1, 5, inf, NaN, NaN, -inf, NaN, NaN, NaN}) == 0);
  CHECK(test::worst(binary(Binary::floor_divide, x, y, {12}, DType::float64),
                    {2, -3, -3, 2, 0, -1, inf, NaN, -1, NaN, NaN, NaN}) == 0);
  const Tensor i = test::numbers({7, -7, 7, -7, 5, -128}, DType::int8),
               j = test::numbers({3, 3, -3, -3, 0, -1}, DType::int8);
  CHECK(binary(Binary::mod, i, j, {6}, DType::int8) == std::vector<double>{1, 2, -2, -1, 0, 0});
  CHECK(binary(Binary::floor_divide, i, j, {6}, DType::int8) == std::vector<double>{2, -3, -3, 2, 0, -128});
}

TEST_CASE("reference binary functions") {
  const DType f = DType::float64;
  const Tensor a = test::numbers({1, NaN, -2, 1000}, f), b = test::numbers({2, 1, -2, 999}, f);
  CHECK(test::worst(binary(Binary::maximum, a, b, {4}, f), {2, NaN, -2, 1000}) == 0);
  CHECK(test::worst(binary(Binary::minimum, b, a, {4}, f), {1, NaN, -2, 999}) == 0);
  CHECK(test::worst(binary(Binary::logaddexp, a, b, {4}, f),
                    {2.313261687518223, NaN, -1.3068528194400546, 1000.3132616875182}) < 1e-15);
  CHECK(test::worst(
            binary(Binary::logaddexp, test::numbers({-inf, inf, -inf}, f), test::numbers({-inf, 1, 3}, f), {3}, f),
            {-inf, inf, 3}) == 0);
  CHECK(binary(Binary::power, test::numbers({2, -3, 1, -1, 5}, DType::int32),
               test::numbers({10, 3, -5, -3, -1}, DType::int32), {5},
               DType::int32) == std::vector<double>{1024, -27, 1, -1, 0});
  CHECK(binary(Binary::add, test::numbers({250}, DType::uint8), test::numbers({10}, DType::uint8), {1},
               DType::uint8)[0] == 4);
  CHECK(binary(Binary::logical_xor, test::numbers({0, 1, 2}, f), test::numbers({1, 1, 0}, f), {3}, DType::boolean) ==
        std::vector<double>{1, 0, 1});
  CHECK(binary(Binary::multiply, test::numbers({1.5, 3}, DType::bfloat16), test::numbers({2, -1}, DType::bfloat16), {2},
               DType::bfloat16) == std::vector<double>{3, -3});
  CHECK_THROWS_AS(
      binary(Binary::divide, test::numbers({1}, DType::int32), test::numbers({1}, DType::int32), {1}, DType::int32),
      Error);
}

TEST_CASE("reference operations broadcast") {
  const DType f = DType::float32;
  const Tensor row = test::numbers({1, 2, 3}, f), column = test::numbers({10, 20}, f, {2, 1}),
               one = test::numbers({5}, f, {1});
  CHECK(binary(Binary::add, row, column, {2, 3}, f) == std::vector<double>{11, 12, 13, 21, 22, 23});
  CHECK(binary(Binary::subtract, one, row, {2, 3}, f) == std::vector<double>{4, 3, 2, 4, 3, 2});
  CHECK(binary(Binary::add, Tensor::empty({0, 3}, f), row, {0, 3}, f).empty());
  Tensor truth = Tensor::empty({2, 3}, DType::boolean), chosen = Tensor::empty({2, 3}, f);
  ReferenceKernels kernels;
  kernels.compare(Compare::less, row, test::numbers({2, NaN}, f, {2, 1}), truth);
  CHECK(test::values(truth) == std::vector<double>{1, 0, 0, 0, 0, 0});
  kernels.where(test::numbers({1, 0}, DType::boolean, {2, 1}), row, one, chosen);
  CHECK(test::values(chosen) == std::vector<double>{1, 2, 3, 5, 5, 5});
}

TEST_CASE("reference casts") {
  ReferenceKernels kernels;
  const auto cast = [&](const std::vector<double>& x, DType from, DType to) {
    const Tensor in = test::numbers(x, from);
    Tensor out = Tensor::empty(in.shape(), to);
    kernels.cast(in, out);
    return test::values(out);
  };
  CHECK(cast({1.9, -1.9, 1e30, -1e30, NaN}, DType::float32, DType::int32) ==
        std::vector<double>{1, -1, 2147483647, -2147483648.0, 0});
  CHECK(cast({300, -1}, DType::int32, DType::uint8) == std::vector<double>{44, 255});
  CHECK(cast({0, 0.5, -2}, DType::float32, DType::boolean) == std::vector<double>{0, 1, 1});
  CHECK(cast({1, 65520, 1e-8}, DType::float64, DType::float16) == std::vector<double>{1, inf, 0});
  CHECK(cast({1.00390625}, DType::float32, DType::bfloat16) == std::vector<double>{1});
}
