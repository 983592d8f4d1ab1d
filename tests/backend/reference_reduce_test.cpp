#include <doctest/doctest.h>

#include "backend/kernel_support.hpp"

using namespace nyala;
using namespace nyala::backend;
using nyala::test::NaN;

namespace {

std::vector<double> reduce(Reduce op, const Tensor& x, const std::vector<int>& axes, const Shape& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  ReferenceKernels().reduce(op, x, axes, out);
  return test::values(out);
}

}  // namespace

TEST_CASE("reference reductions over any axes") {
  std::vector<double> counting(24);
  for (std::size_t i = 0; i < counting.size(); ++i) counting[i] = static_cast<double>(i) - 3;
  for (const DType dtype : {DType::float64, DType::float32, DType::float16, DType::int32, DType::int8}) {
    const Tensor x = test::numbers(counting, dtype, {2, 3, 4});
    CHECK(reduce(Reduce::sum, x, {0, 1, 2}, {}, DType::int64) == std::vector<double>{204});
    CHECK(reduce(Reduce::sum, x, {1}, {2, 4}, DType::float32) == std::vector<double>{3, 6, 9, 12, 39, 42, 45, 48});
    CHECK(reduce(Reduce::max, x, {0, 2}, {1, 3, 1}, dtype) == std::vector<double>{12, 16, 20});
    CHECK(reduce(Reduce::min, x, {1, 2}, {2}, dtype) == std::vector<double>{-3, 9});
    CHECK(reduce(Reduce::mean, x, {0}, {3, 4}, DType::float64)[1] == 4);
    CHECK(reduce(Reduce::prod, x, {0, 2}, {3}, DType::float64)[0] == 0);
    CHECK(reduce(Reduce::any, x, {2}, {2, 3}, DType::boolean) == std::vector<double>(6, 1));
    CHECK(reduce(Reduce::all, x, {2}, {2, 3}, DType::boolean) == std::vector<double>{0, 1, 1, 1, 1, 1});
    CHECK(reduce(Reduce::sum_of_abs, x, {0, 1, 2}, {}, DType::float64)[0] == 216);
    CHECK(reduce(Reduce::sum_of_squares, x, {}, {2, 3, 4}, DType::float64)[0] == 9);
  }
  const Tensor fractions = test::numbers({0.5, 0, 0.25}, DType::float32);
  CHECK(reduce(Reduce::all, fractions, {0}, {}, DType::boolean)[0] == 0);
  CHECK(reduce(Reduce::any, fractions, {0}, {}, DType::boolean)[0] == 1);
}

TEST_CASE("reference reductions of NaN, of nothing and of very many") {
  const Tensor x = test::numbers({1, NaN, 3}, DType::float32), none = Tensor::empty({0, 2}, DType::float32);
  CHECK(std::isnan(reduce(Reduce::max, x, {0}, {}, DType::float32)[0]));
  CHECK(std::isnan(reduce(Reduce::min, x, {0}, {}, DType::float32)[0]));
  CHECK(reduce(Reduce::sum, none, {0}, {2}, DType::float32) == std::vector<double>{0, 0});
  CHECK(reduce(Reduce::prod, none, {0}, {2}, DType::float32) == std::vector<double>{1, 1});
  CHECK(std::isnan(reduce(Reduce::mean, none, {0}, {2}, DType::float32)[1]));
  Tensor many = Tensor::empty({3000000}, DType::float32);
  ReferenceKernels().fill(many, 0.1);
  CHECK(reduce(Reduce::sum, many, {0}, {}, DType::float32)[0] == doctest::Approx(300000).epsilon(1e-6));
}

TEST_CASE("reference argmax, scans and sorting") {
  ReferenceKernels kernels;
  const Tensor x = test::numbers({2, 5, 5, NaN, 1, 0}, DType::float32, {2, 3});
  Tensor places = Tensor::empty({2}, DType::int32), columns = Tensor::empty({3}, DType::int32);
  kernels.arg_reduce(true, x, 1, places);
  CHECK(test::values(places) == std::vector<double>{1, 0});
  kernels.arg_reduce(false, x, 0, columns);
  CHECK(test::values(columns) == std::vector<double>{1, 1, 1});
  Tensor scanned = Tensor::empty({2, 3}, DType::int32);
  const Tensor steps = test::numbers({1, 2, 3, 4, 5, 6}, DType::int32, {2, 3});
  kernels.scan(Scan::sum, steps, 1, false, scanned);
  CHECK(test::values(scanned) == std::vector<double>{1, 3, 6, 4, 9, 15});
  kernels.scan(Scan::prod, steps, 0, true, scanned);
  CHECK(test::values(scanned) == std::vector<double>{4, 10, 18, 4, 5, 6});
  const Tensor lane = test::numbers({3, NaN, 1, 3, -1}, DType::float32);
  Tensor sorted = Tensor::empty({5}, DType::float32), order = Tensor::empty({5}, DType::int32), nothing;
  kernels.sort(lane, 0, false, sorted, order);
  CHECK(test::worst(test::values(sorted), {-1, 1, 3, 3, NaN}) == 0);
  CHECK(test::values(order) == std::vector<double>{4, 2, 0, 3, 1});
  kernels.sort(lane, 0, true, nothing, order);
  CHECK(test::values(order) == std::vector<double>{0, 3, 2, 4, 1});
  Tensor top = Tensor::empty({2}, DType::float32), top_places = Tensor::empty({2}, DType::int32);
  kernels.top_k(lane, 2, top, top_places);
  CHECK(test::values(top_places) == std::vector<double>{0, 3});
  CHECK(test::values(top) == std::vector<double>{3, 3});
}
