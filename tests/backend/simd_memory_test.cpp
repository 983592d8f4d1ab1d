#include <doctest/doctest.h>

#include "backend/simd_support.hpp"

using namespace nyala;
using namespace nyala::backend;
using nyala::test::NaN;

TEST_CASE("vectorised casts match the reference") {
  ReferenceKernels reference;
  const std::vector<DType> dtypes = {DType::boolean, DType::uint8,    DType::int32,   DType::int64,
                                     DType::float16, DType::bfloat16, DType::float32, DType::float64};
  test::for_each_isa([&](SimdKernels& simd) {
    for (const std::int64_t n : test::lengths) {
      const Tensor x = test::noise({n}, 0, 200);
      for (const DType from : dtypes) {
        const Tensor in = test::numbers(test::values(x), from, {n});
        for (const DType to : dtypes) {
          CAPTURE(std::string(name_of(from)) + " to " + name_of(to));
          Tensor got = Tensor::empty({n}, to), expected = Tensor::empty({n}, to);
          simd.cast(in, got);
          reference.cast(in, expected);
          CHECK(test::same_bits(got, expected));
        }
      }
    }
  });
}

TEST_CASE("vectorised strided reads match the reference") {
  ReferenceKernels reference;
  test::for_each_isa([&](SimdKernels& simd) {
    const auto check = [&](const Shape& in, std::int64_t offset, const std::vector<std::int64_t>& strides,
                           const Shape& out) {
      CAPTURE(out.str());
      for (const DType dtype : {DType::float32, DType::uint8, DType::int64, DType::bfloat16}) {
        const Tensor x = test::numbers(test::values(test::noise(in, 0, 100)), dtype, in);
        Tensor got = Tensor::empty(out, dtype), expected = Tensor::empty(out, dtype);
        simd.strided_read(x, offset, strides, got);
        reference.strided_read(x, offset, strides, expected);
        CHECK(test::same_bits(got, expected));
      }
    };
    check({300, 217}, 0, {1, 217}, {217, 300});
    check({3, 20, 33}, 0, {660, 1, 33}, {3, 33, 20});
    check({20, 3, 33}, 0, {33, 99, 1}, {3, 20, 33});
    check({5, 33}, 164, {-33, -1}, {5, 33});
    check({5, 33}, 0, {0, 33, 0, 1}, {4, 5, 2, 33});
    check({100, 5}, 3, {5}, {100});
    check({2, 3, 4, 5}, 0, {1, 60, 5, 20}, {5, 2, 4, 3});
    check({4}, 0, {1}, {0});
    check({1}, 0, {}, {});
  });
}

TEST_CASE("vectorised strided writes match the reference, with any number of threads") {
  ReferenceKernels reference;
  test::for_each_isa([&](SimdKernels& simd) {
    const auto check = [&](const Shape& in, std::int64_t offset, const std::vector<std::int64_t>& strides,
                           const Shape& out) {
      CAPTURE(in.str());
      for (const DType dtype : {DType::float32, DType::uint8, DType::int64, DType::bfloat16})
        for (const bool add : {false, true}) {
          const Tensor x = test::numbers(test::values(test::noise(in, 0, 100)), dtype, in);
          const auto written = [&](backend::Kernels& kernels) {
            Tensor y = test::numbers(test::values(test::noise(out, 0, 50, 7)), dtype, out);
            kernels.strided_write(x, y, offset, strides, add);
            return y;
          };
          CHECK(test::same_bits(written(simd), written(reference)));
          CHECK(test::equal_for_threads([&] { return written(simd); }));
        }
    };
    check({217, 300}, 0, {1, 217}, {300, 217});
    check({3, 33, 20}, 0, {660, 1, 33}, {3, 20, 33});
    check({200, 40, 16}, 16, {40 * 48, 48, 1}, {200, 40, 48});
    check({5, 33}, 164, {-33, -1}, {5, 33});
    check({100}, 3, {5}, {100, 5});
    check({7, 1, 12}, 1, {26, 13, 1}, {7, 2, 13});
    check({0}, 0, {1}, {4});
  });
}

TEST_CASE("vectorised gathering, scattering, filling and dropout match the reference") {
  ReferenceKernels reference;
  test::for_each_isa([&](SimdKernels& simd) {
    for (const std::int64_t inner : {1, 3, 8, 17, 64}) {
      for (const std::int64_t count : {0, 1, 5, 3000}) {
        for (const DType dtype : {DType::int32, DType::int64}) {
          const Tensor indices = test::numbers(test::values(test::noise({count}, 0, 49.9)), dtype, {count});
          const Tensor x = test::noise({2, 50, inner});
          Tensor got = Tensor::empty({2, count, inner}, DType::float32),
                 expected = Tensor::empty({2, count, inner}, DType::float32);
          simd.gather(x, indices, 1, got);
          reference.gather(x, indices, 1, expected);
          CHECK(test::same_bits(got, expected));
          Tensor sums = test::noise({2, 50, inner}), sums_expected = test::noise({2, 50, inner});
          simd.scatter_add(indices, 1, got, sums);
          reference.scatter_add(indices, 1, got, sums_expected);
          CHECK(test::same_bits(sums, sums_expected));
        }
      }
    }
    for (const std::int64_t n : test::lengths) {
      Tensor filled = Tensor::empty({n}, DType::float32), expected = Tensor::empty({n}, DType::float32);
      simd.fill(filled, 0.1);
      reference.fill(expected, 0.1);
      CHECK(test::same_bits(filled, expected));
      Tensor x = test::noise({n});
      if (n > 1) x.data<float>()[1] = static_cast<float>(NaN);
      simd.dropout({3, 9}, 0.4, x, filled);
      reference.dropout({3, 9}, 0.4, x, expected);
      CHECK(test::distance(filled, expected) == 0);
    }
    const Tensor x = test::noise({100003});
    CHECK(test::equal_for_threads([&] {
      Tensor out = Tensor::empty(x.shape(), DType::float32);
      simd.dropout({3, 9}, 0.4, x, out);
      return out;
    }));
    const Tensor rows = test::numbers(test::values(test::noise({5000}, 0, 9.9)), DType::int32),
                 terms = test::noise({5000, 32});
    CHECK(test::equal_for_threads([&] {
      Tensor out = test::noise({10, 32});
      simd.scatter_add(rows, 0, terms, out);
      return out;
    }));
    for (const std::int64_t n : {1, 63, 64, 65, 4096, 5001}) {
      const Tensor index =
          test::numbers(test::values(test::noise({6000}, 0, static_cast<double>(n) - 0.01)), DType::int64);
      const Tensor added = test::noise({3, 6000, 5});
      Tensor sums = test::noise({3, n, 5}), expected = test::noise({3, n, 5});
      simd.scatter_add(index, 1, added, sums);
      reference.scatter_add(index, 1, added, expected);
      CHECK(test::same_bits(sums, expected));
    }
  });
}
