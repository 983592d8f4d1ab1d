#include <doctest/doctest.h>

#include "backend/simd_support.hpp"

using namespace nyala;
using namespace nyala::backend;
using nyala::test::inf;
using nyala::test::NaN;

namespace {

constexpr int unary_count = static_cast<int>(Unary::logical_not);

Tensor unary(Kernels& kernels, Unary op, const Tensor& x) {
  Tensor out = Tensor::empty(x.shape(), DType::float32);
  kernels.unary(op, x, out, {.a = 0.3});
  return out;
}

Tensor backward(Kernels& kernels, Unary op, const Tensor& x, const Tensor& y, const Tensor& gradient) {
  Tensor out = Tensor::empty(gradient.shape(), DType::float32);
  kernels.unary_backward(op, x, y, gradient, out, {.a = 0.3});
  return out;
}

Tensor binary(Kernels& kernels, Binary op, const Tensor& a, const Tensor& b, const Shape& shape) {
  Tensor out = Tensor::empty(shape, a.dtype());
  kernels.binary(op, a, b, out);
  return out;
}

}  // namespace

TEST_CASE("vectorised unary functions and derivatives match the reference") {
  ReferenceKernels reference;
  test::for_each_isa([&](SimdKernels& simd) {
    CAPTURE(simd.name());
    for (int i = 0; i < unary_count; ++i) {
      const auto op = static_cast<Unary>(i);
      CAPTURE(i);
      for (const std::int64_t n : test::lengths) {
        if (n > 2000 && op != Unary::exp && op != Unary::gelu) continue;
        CAPTURE(n);
        const Tensor x = test::noise({n}, 0.05, 0.95), wide = test::noise({n}, -6, 6), g = test::noise({n});
        for (const Tensor& from : {x, wide}) {
          const Tensor y = unary(reference, op, from);
          CHECK(test::distance(unary(simd, op, from), y) < 1e-6);
          CHECK(test::distance(backward(simd, op, from, Tensor(), g), backward(reference, op, from, Tensor(), g)) <
                5e-6);
          CHECK(test::distance(backward(simd, op, from, y, g), backward(reference, op, from, y, g)) < 5e-6);
        }
      }
    }
  });
}

TEST_CASE("vectorised functions of infinities, NaN, zeros and subnormal numbers") {
  ReferenceKernels reference;
  const Tensor x = test::numbers(
      {inf, -inf, NaN, 0.0, -0.0, 1e-40, -1e-40, 3e38, -3e38, 88.7, -87.5, -103, 89, 1e-5, 20, -20, 500, -500},
      DType::float32);
  test::for_each_isa([&](SimdKernels& simd) {
    CAPTURE(simd.name());
    for (int i = 0; i < unary_count; ++i) {
      CAPTURE(i);
      const auto op = static_cast<Unary>(i);
      const std::vector<double> got = test::values(unary(simd, op, x)),
                                expected = test::values(unary(reference, op, x));
      for (std::size_t k = 0; k < got.size(); ++k) {
        CAPTURE(k);
        CHECK(test::worst({got[k]}, {expected[k]}) < 2e-6);
      }
    }
  });
}

TEST_CASE("vectorised functions are the same at every place and may write their operand") {
  test::for_each_isa([&](SimdKernels& simd) {
    const Tensor x = test::noise({37});
    for (const Unary op : {Unary::exp, Unary::tanh, Unary::gelu, Unary::softplus, Unary::log1p, Unary::mish}) {
      const Tensor whole = unary(simd, op, x);
      for (std::int64_t i = 0; i < 37; ++i)
        CHECK(test::same_bits(unary(simd, op, x.rows(i, i + 1)), whole.rows(i, i + 1)));
      Tensor in_place = test::noise({37});
      simd.unary(op, in_place, in_place, {.a = 0.3});
      CHECK(test::same_bits(in_place, whole));
    }
  });
}

TEST_CASE("vectorised binary operations, comparisons and choices broadcast as the reference does") {
  ReferenceKernels reference;
  struct Case {
    Shape a, b, out;
  };
  std::vector<Case> cases = {{{5, 9}, {9}, {5, 9}},
                             {{9}, {5, 9}, {5, 9}},
                             {{5, 9}, {5, 1}, {5, 9}},
                             {{5, 1}, {1, 9}, {5, 9}},
                             {{2, 3, 4}, {3, 1}, {2, 3, 4}},
                             {{2, 1, 17}, {1, 3, 1}, {2, 3, 17}},
                             {{4, 1}, {1}, {2, 4, 3}},
                             {{}, {7}, {7}},
                             {{1, 1}, {3, 35}, {3, 35}},
                             {{200, 300}, {300}, {200, 300}},
                             {{200, 300}, {200, 1}, {200, 300}},
                             {{0, 3}, {3}, {0, 3}}};
  for (const std::int64_t n : test::lengths) {
    cases.push_back({{n}, {n}, {n}});
    cases.push_back({{n}, {}, {n}});
    cases.push_back({{1}, {n}, {n}});
  }
  test::for_each_isa([&](SimdKernels& simd) {
    CAPTURE(simd.name());
    for (const Case& c : cases) {
      CAPTURE(c.a.str() + c.b.str());
      Tensor a = test::noise(c.a, -3, 3, 1), b = test::noise(c.b, -3, 3, 2);
      if (a.size() > 1) a.data<float>()[1] = static_cast<float>(NaN);
      if (b.size() > 2) b.data<float>()[2] = static_cast<float>(NaN);
      for (int i = 0; i <= static_cast<int>(Binary::squared_difference); ++i) {
        CAPTURE(i);
        if (c.out.elements() > 2000 && i > 3) continue;
        const auto op = static_cast<Binary>(i);
        CHECK(test::distance(binary(simd, op, a, b, c.out), binary(reference, op, a, b, c.out)) < 1e-6);
        const Tensor wide_a = test::numbers(test::values(a), DType::float64, c.a),
                     wide_b = test::numbers(test::values(b), DType::float64, c.b);
        CHECK(test::distance(binary(simd, op, wide_a, wide_b, c.out), binary(reference, op, wide_a, wide_b, c.out)) <
              1e-14);
      }
      for (int i = 0; i < 6; ++i) {
        for (const DType dtype : {DType::float32, DType::int32, DType::int64, DType::uint8}) {
          const Tensor x = test::numbers(test::values(a), dtype, c.a), y = test::numbers(test::values(b), dtype, c.b);
          Tensor got = Tensor::empty(c.out, DType::boolean), expected = Tensor::empty(c.out, DType::boolean);
          simd.compare(static_cast<Compare>(i), x, y, got);
          reference.compare(static_cast<Compare>(i), x, y, expected);
          CHECK(test::same_bits(got, expected));
        }
      }
      for (const Shape& shape : {c.out, c.a}) {
        Tensor condition = Tensor::empty(shape, DType::boolean);
        reference.compare(Compare::less, test::noise(shape, -1, 1, 5), Tensor(0.0F), condition);
        Tensor got = Tensor::empty(c.out, DType::float32), expected = Tensor::empty(c.out, DType::float32);
        simd.where(condition, a, b, got);
        reference.where(condition, a, b, expected);
        CHECK(test::same_bits(got, expected));
      }
      Tensor condition = Tensor::empty(c.out, DType::boolean), got = Tensor::empty(c.out, DType::float32);
      reference.compare(Compare::less, test::noise(c.out), Tensor(0.0F), condition);
      simd.where(condition, test::numbers({2}, DType::float32, {1}), test::numbers({-1}, DType::float32, {1}), got);
      bool right = true;
      for (std::int64_t i = 0; i < got.size(); ++i)
        right &= got.data<float>()[i] == (condition.data<bool>()[i] ? 2 : -1);
      CHECK(right);
    }
  });
}

TEST_CASE("vectorised results do not depend on the number of threads") {
  test::for_each_isa([&](SimdKernels& simd) {
    const Tensor x = test::noise({100003}), y = test::noise({100003}, -3, 3, 2);
    CHECK(test::equal_for_threads([&] { return unary(simd, Unary::gelu, x); }));
    CHECK(test::equal_for_threads([&] { return backward(simd, Unary::silu, x, Tensor(), y); }));
    CHECK(test::equal_for_threads([&] { return binary(simd, Binary::divide, x, y, x.shape()); }));
  });
}
