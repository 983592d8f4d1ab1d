#include <doctest/doctest.h>

#include "backend/kernel_support.hpp"

using namespace nyala;
using namespace nyala::backend;

TEST_CASE("reference gathering and scattering") {
  ReferenceKernels kernels;
  const Tensor x = test::numbers({0, 1, 2, 3, 4, 5}, DType::float32, {2, 3});
  const Tensor rows = test::numbers({1, 1, 0}, DType::int32), columns = test::numbers({2, 0, 2}, DType::int64);
  Tensor out = Tensor::empty({3, 3}, DType::float32);
  kernels.gather(x, rows, 0, out);
  CHECK(test::values(out) == std::vector<double>{3, 4, 5, 3, 4, 5, 0, 1, 2});
  Tensor wide = Tensor::empty({2, 3}, DType::float32);
  kernels.gather(x, columns, 1, wide);
  CHECK(test::values(wide) == std::vector<double>{2, 0, 2, 5, 3, 5});
  for (const DType dtype : {DType::float32, DType::bfloat16, DType::int64}) {
    Tensor sums = test::numbers({1, 1, 1, 1, 1, 1}, dtype, {2, 3});
    kernels.scatter_add(columns, 1, test::numbers({1, 2, 3, 4, 5, 6}, dtype, {2, 3}), sums);
    CHECK(test::values(sums) == std::vector<double>{3, 1, 5, 6, 1, 11});
  }
  const Tensor along = test::numbers({2, 0, 1, 1}, DType::int32, {2, 2});
  Tensor taken = Tensor::empty({2, 2}, DType::float32);
  kernels.take_along_axis(x, along, 1, taken);
  CHECK(test::values(taken) == std::vector<double>{2, 0, 4, 4});
  Tensor put = test::numbers({0, 0, 0, 0, 0, 0}, DType::float32, {2, 3});
  kernels.put_along_axis_add(along, 1, taken, put);
  CHECK(test::values(put) == std::vector<double>{0, 0, 2, 0, 8, 0});
}

TEST_CASE("reference scatter_nd, segment_max and one_hot") {
  ReferenceKernels kernels;
  Tensor out = test::numbers({0, 0, 0, 0, 0, 0}, DType::float32, {3, 2});
  const Tensor places = test::numbers({2, 0, 2}, DType::int32, {3, 1});
  const Tensor values = test::numbers({1, 2, 3, 4, 5, 6}, DType::float32, {3, 2});
  kernels.scatter_nd(places, values, false, out);
  CHECK(test::values(out) == std::vector<double>{3, 4, 0, 0, 5, 6});
  kernels.scatter_nd(places, values, true, out);
  CHECK(test::values(out) == std::vector<double>{6, 8, 0, 0, 11, 14});
  Tensor cells = test::numbers({0, 0, 0, 0}, DType::int32, {2, 2});
  kernels.scatter_nd(test::numbers({1, 0}, DType::int64, {1, 2}), test::numbers({9}, DType::int32), true, cells);
  CHECK(test::values(cells) == std::vector<double>{0, 0, 9, 0});
  Tensor largest = test::numbers({-10, -10}, DType::float32);
  kernels.segment_max(test::numbers({1, 5, 3}, DType::float32), test::numbers({0, 1, 0}, DType::int32), largest);
  CHECK(test::values(largest) == std::vector<double>{3, 5});
  Tensor hot = Tensor::empty({2, 3}, DType::float32);
  kernels.one_hot(test::numbers({2, -1}, DType::int32), 2, 3, 1, hot);
  CHECK(test::values(hot) == std::vector<double>{0, 0, 1, 0, 0, 0});
}

TEST_CASE("reference strided access") {
  ReferenceKernels kernels;
  const Tensor x = test::numbers({0, 1, 2, 3, 4, 5}, DType::int16, {2, 3});
  Tensor turned = Tensor::empty({3, 2}, DType::int16);
  kernels.strided_read(x, 0, std::vector<std::int64_t>{1, 3}, turned);
  CHECK(test::values(turned) == std::vector<double>{0, 3, 1, 4, 2, 5});
  Tensor backwards = Tensor::empty({2, 2}, DType::int16);
  kernels.strided_read(x, 5, std::vector<std::int64_t>{-3, -2}, backwards);
  CHECK(test::values(backwards) == std::vector<double>{5, 3, 2, 0});
  Tensor repeated = Tensor::empty({2, 3, 2}, DType::int16);
  kernels.strided_read(x, 0, std::vector<std::int64_t>{3, 1, 0}, repeated);
  CHECK(test::values(repeated) == std::vector<double>{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5});
  Tensor sums = test::numbers({1, 1, 1, 1, 1, 1}, DType::int16, {2, 3});
  kernels.strided_write(repeated, sums, 0, std::vector<std::int64_t>{3, 1, 0}, true);
  CHECK(test::values(sums) == std::vector<double>{1, 3, 5, 7, 9, 11});
  kernels.strided_write(test::numbers({7, 8}, DType::int16), sums, 1, std::vector<std::int64_t>{3}, false);
  CHECK(test::values(sums) == std::vector<double>{1, 7, 5, 7, 8, 11});
}

TEST_CASE("reference filling and optimizers") {
  ReferenceKernels kernels;
  Tensor big = Tensor::empty({2}, DType::int64);
  kernels.fill_integer(big, (std::int64_t{1} << 53) + 1);
  CHECK(big.data<std::int64_t>()[1] == (std::int64_t{1} << 53) + 1);
  Tensor range = Tensor::empty({4}, DType::float16);
  kernels.arange(range, 1, 0.5);
  CHECK(test::values(range) == std::vector<double>{1, 1.5, 2, 2.5});
  Tensor w = test::numbers({1, 2}, DType::float64), m = test::numbers({0.1, -0.2}, DType::float64),
         v = test::numbers({0.01, 0.04}, DType::float64), none;
  const Tensor g = test::numbers({0.5, -1}, DType::float64);
  const std::array<backend::StepVariable, 1> adam{{{g, &w, {&m, &v, &none}, 0.0}}};
  kernels.adam_step({0.1, 0.9, 0.99, 1e-7}, adam);
  CHECK(test::worst(test::values(m), {0.14, -0.28}) < 1e-15);
  CHECK(test::worst(test::values(v), {0.0124, 0.0496}) < 1e-15);
  CHECK(test::worst(test::values(w), {1 - 0.014 / (std::sqrt(0.0124) + 1e-7), 2 + 0.028 / (std::sqrt(0.0496) + 1e-7)}) <
        1e-15);
  w = test::numbers({1, 2}, DType::float64);
  m = test::numbers({0.1, -0.2}, DType::float64);
  kernels.sgd_step({0.1, 0.9, true}, adam);
  CHECK(test::worst(test::values(w), {1 + 0.9 * 0.04 - 0.05, 2 - 0.9 * 0.08 + 0.1}) < 1e-15);
  w = test::numbers({1, 2}, DType::float64);
  const std::array<backend::StepVariable, 1> rmsprop{{{g, &w, {&v, &none, &none}, 0.0}}};
  kernels.rmsprop_step({0.1, 0.9, 0, 1e-7}, rmsprop);
  CHECK(test::worst(test::values(w), {1 - 0.05 / std::sqrt(0.9 * 0.0124 + 0.025 + 1e-7),
                                      2 + 0.1 / std::sqrt(0.9 * 0.0496 + 0.1 + 1e-7)}) < 1e-15);
}

TEST_CASE("reference random numbers: a rate is kept, elements do not depend on the length") {
  ReferenceKernels kernels;
  Tensor ones = Tensor::empty({10000}, DType::float32), out = Tensor::empty({10000}, DType::float32);
  kernels.fill(ones, 1);
  kernels.dropout({7, 1}, 0.25, ones, out);
  double kept = 0;
  for (const double value : test::values(out)) {
    CHECK((value == 0 || value == doctest::Approx(4.0 / 3)));
    kept += value != 0;
  }
  CHECK(kept == doctest::Approx(7500).epsilon(0.03));
  Tensor few = Tensor::empty({10}, DType::float32);
  kernels.dropout({7, 1}, 0.25, ones.rows(0, 10), few);
  const std::vector<double> begin = test::values(few), all = test::values(out);
  CHECK(std::equal(begin.begin(), begin.end(), all.begin()));
  kernels.random_normal({3, 2}, 5, 2, out);
  double sum = 0;
  for (const double value : test::values(out)) sum += value;
  CHECK(sum / 10000 == doctest::Approx(5).epsilon(0.02));
  kernels.random_truncated_normal({3, 3}, 0, 1, out);
  for (const double value : test::values(out)) CHECK(std::abs(value) <= 2);
}
