#include <doctest/doctest.h>

#include <algorithm>

#include "backend/simd_support.hpp"

using namespace nyala;
using namespace nyala::backend;
using nyala::test::NaN;

namespace {

Tensor reduce(Kernels& kernels, Reduce op, const Tensor& x, const std::vector<int>& axes) {
  Shape shape;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (std::find(axes.begin(), axes.end(), axis) == axes.end()) shape.push_back(x.shape().at(axis));
  }
  Tensor out = Tensor::empty(shape, DType::float32);
  kernels.reduce(op, x, axes, out);
  return out;
}

struct ReduceCase {
  Shape shape;
  std::vector<int> axes;
};

std::vector<ReduceCase> reduce_cases() {
  std::vector<ReduceCase> all = {
      {{2, 3, 4}, {1}}, {{5, 6, 7}, {0, 2}}, {{2, 3, 4, 5}, {0, 2}}, {{2, 3, 4, 5}, {1, 3}},    {{1, 1}, {0, 1}},
      {{7, 1}, {1}},    {{3000, 40}, {0}},   {{30, 10000}, {0}},     {{4, 5, 6, 3}, {0, 1, 2}}, {{0, 4}, {0}},
      {{4, 0}, {0}},    {{3, 4}, {}},        {{2, 200, 300}, {1}},   {{100, 1000}, {1}}};
  for (const std::int64_t n : test::lengths) {
    all.push_back({{n}, {0}});
    if (n > 2000) continue;
    all.push_back({{3, n}, {1}});
    all.push_back({{9, n}, {0}});
    all.push_back({{n, 5}, {0}});
  }
  return all;
}

}  // namespace

TEST_CASE("vectorised reductions match the reference") {
  ReferenceKernels reference;
  test::for_each_isa([&](SimdKernels& simd) {
    CAPTURE(simd.name());
    for (const ReduceCase& one : reduce_cases()) {
      CAPTURE(one.shape.str());
      const Tensor x = test::noise(one.shape, -1, 1);
      for (int i = 0; i <= static_cast<int>(Reduce::sum_of_abs); ++i) {
        CAPTURE(i);
        const auto op = static_cast<Reduce>(i);
        CHECK(test::distance(reduce(simd, op, x, one.axes), reduce(reference, op, x, one.axes)) < 2e-6);
      }
    }
    Tensor holes = test::noise({40, 2, 19});
    for (const std::int64_t place : {0, 19, 100, 700}) holes.data<float>()[place] = static_cast<float>(NAN);
    for (const Reduce op : {Reduce::sum, Reduce::max, Reduce::min})
      CHECK(test::distance(reduce(simd, op, holes, {1}), reduce(reference, op, holes, {1})) < 2e-6);
    CHECK(test::equal_for_threads([&] { return reduce(simd, Reduce::mean, test::noise({64, 2, 50, 2, 33}), {1, 3}); }));
  });
}

TEST_CASE("vectorised sums keep their digits, extremes their NaN") {
  test::for_each_isa([&](SimdKernels& simd) {
    Tensor many = Tensor::empty({10000000}, DType::float32);
    simd.fill(many, 1);
    CHECK(reduce(simd, Reduce::sum, many, {0}).item<double>() == 1e7);
    simd.fill(many, 0.1);
    CHECK(reduce(simd, Reduce::mean, many, {0}).item<double>() == doctest::Approx(0.1).epsilon(1e-7));
    for (std::int64_t place = 0; place < 70; ++place) {
      Tensor x = test::noise({70}, -5, -1);
      x.data<float>()[place] = static_cast<float>(NaN);
      CHECK(std::isnan(reduce(simd, Reduce::max, x, {0}).item<double>()));
      CHECK(std::isnan(reduce(simd, Reduce::min, x, {0}).item<double>()));
      Tensor where = Tensor::empty({}, DType::int32);
      simd.arg_reduce(true, x, 0, where);
      CHECK(where.item<std::int64_t>() == place);
    }
    const Tensor x = test::noise({4, 25003});
    CHECK(test::equal_for_threads([&] { return reduce(simd, Reduce::sum, x, {0, 1}); }));
    CHECK(test::equal_for_threads([&] { return reduce(simd, Reduce::sum, x, {0}); }));
    CHECK(test::equal_for_threads([&] { return reduce(simd, Reduce::sum, test::noise({25003, 7}), {0}); }));
  });
}

TEST_CASE("vectorised argmax matches the reference") {
  ReferenceKernels reference;
  test::for_each_isa([&](SimdKernels& simd) {
    for (const std::int64_t n : test::lengths) {
      if (n == 0) continue;
      Tensor x = Tensor::empty({5, n}, DType::float32);
      // Few values, so that there are equals.
      reference.unary(Unary::round, test::noise({5, n}), x, {});
      for (const bool maximum : {true, false}) {
        for (const int axis : {0, 1}) {
          Tensor got = Tensor::empty({axis == 0 ? n : 5}, DType::int32),
                 expected = Tensor::empty(got.shape(), DType::int32);
          simd.arg_reduce(maximum, x, axis, got);
          reference.arg_reduce(maximum, x, axis, expected);
          CHECK(test::same_bits(got, expected));
        }
      }
    }
  });
}

TEST_CASE("columns of halves are summed in float32 as the reference does, and rounded once") {
  ReferenceKernels reference;
  test::for_each_isa([&](SimdKernels& simd) {
    CAPTURE(simd.name());
    for (const DType dtype : {DType::float16, DType::bfloat16}) {
      for (const Shape& shape : {Shape{1000, 64}, Shape{3, 5}, Shape{7, 2048}, Shape{2, 3000}, Shape{5000, 17}}) {
        CAPTURE(shape.str());
        const Tensor x = test::noise(shape, -1, 1);
        Tensor half = Tensor::empty(shape, dtype), wide = Tensor::empty(shape, DType::float32);
        reference.cast(x, half);
        reference.cast(half, wide);
        for (const Reduce op : {Reduce::sum, Reduce::mean, Reduce::max, Reduce::sum_of_squares}) {
          const Tensor exact = reduce(reference, op, wide, {0});
          Tensor expected = Tensor::empty(exact.shape(), dtype), got = Tensor::empty(exact.shape(), dtype);
          reference.cast(exact, expected);
          simd.reduce(op, half, std::vector<int>{0}, got);
          Tensor a = Tensor::empty(exact.shape(), DType::float32), b = Tensor::empty(exact.shape(), DType::float32);
          reference.cast(expected, a);
          reference.cast(got, b);
          // Sums in another order may fall on the other side of where halves are rounded.
          CHECK(test::distance(b, a) <= (dtype == DType::bfloat16 ? 0.008 : 0.001));
        }
      }
    }
  });
}
