#include <nyala/error.hpp>

#include "backend/cpu/reference/reference_kernels.hpp"
#include "nn_check.hpp"

using namespace nn_check;
using nyala::FusedActivation;
using nyala::backend::ReferenceKernels;

namespace {

Tensor transposed(const Tensor& x) {
  const std::int64_t rows = x.shape()[0], columns = x.shape()[1];
  Tensor out = zeros({columns, rows});
  for (std::int64_t i = 0; i < x.size(); ++i)
    out.data<double>()[i % columns * rows + i / columns] = x.data<double>()[i];
  return out;
}

Tensor product(const Tensor& a, const Tensor& b) {
  Tensor out = zeros({a.shape()[0], b.shape()[1]});
  for (std::int64_t row = 0; row < out.shape()[0]; ++row)
    for (std::int64_t column = 0; column < out.shape()[1]; ++column)
      for (std::int64_t j = 0; j < a.shape()[1]; ++j)
        out.data<double>()[row * out.shape()[1] + column] +=
            a.data<double>()[row * a.shape()[1] + j] * b.data<double>()[j * b.shape()[1] + column];
  return out;
}

Tensor identity(std::int64_t n) {
  Tensor out = zeros({n, n});
  for (std::int64_t i = 0; i < n; ++i) out.data<double>()[i * (n + 1)] = 1.0;
  return out;
}

Tensor batched(const Tensor& matrix) {
  Tensor out = zeros({1, matrix.shape()[0], matrix.shape()[1]});
  std::copy_n(matrix.data<double>(), matrix.size(), out.data<double>());
  return out;
}

const std::vector<Shape> shapes{{1, 1}, {3, 3}, {5, 2}, {2, 5}, {4, 1}, {1, 4}, {17, 9}};

}  // namespace

TEST_CASE("reference: matrix products, transposed, batched, added") {
  ReferenceKernels kernels;
  for (const bool transpose_a : {false, true})
    for (const bool transpose_b : {false, true})
      for (const std::int64_t k : {0, 1, 4}) {
        const Tensor a = random({3, k}, 1), b = random({k, 5}, 2);
        Tensor out = random({1, 3, 5}, 3);
        const Tensor left = batched(transpose_a ? transposed(a) : a), right = batched(transpose_b ? transposed(b) : b);
        const Tensor before = out.clone();
        kernels.matmul(left, right, transpose_a, transpose_b, false, out);
        CHECK(difference(out, product(a, b)) < 1e-14);
        kernels.matmul(left, right, transpose_a, transpose_b, true, out);
        CHECK(dot(out, out) == doctest::Approx(4.0 * dot(product(a, b), product(a, b))).epsilon(1e-12));
      }
  const Tensor a = random({4, 2, 3}, 1), b = random({1, 3, 2}, 2);
  Tensor out = zeros({4, 2, 2});
  kernels.matmul(a, b, false, false, false, out);
  for (std::int64_t i = 0; i < 4; ++i) {
    Tensor left = zeros({2, 3}), right = zeros({3, 2});
    std::copy_n(a.data<double>() + i * 6, 6, left.data<double>());
    std::copy_n(b.data<double>(), 6, right.data<double>());
    const Tensor expected = product(left, right);
    for (std::int64_t j = 0; j < 4; ++j)
      CHECK(out.data<double>()[i * 4 + j] == doctest::Approx(expected.data<double>()[j]).epsilon(1e-13));
  }
}

TEST_CASE("reference: integers multiply exactly and wrap around") {
  ReferenceKernels kernels;
  const Tensor a = nyala::tensor(std::vector<std::int64_t>{1, 2, (std::int64_t{1} << 60) + 1, 3}, Shape{1, 2, 2});
  Tensor out = Tensor::empty({1, 2, 2}, DType::int64);
  kernels.matmul(a, a, false, false, false, out);
  CHECK(out.to_vector<std::int64_t>() == std::vector<std::int64_t>{1 + 2 * ((std::int64_t{1} << 60) + 1), 8,
                                                                   4 * ((std::int64_t{1} << 60) + 1),
                                                                   2 * ((std::int64_t{1} << 60) + 1) + 9});
}

TEST_CASE("reference: dense with bias and activation") {
  ReferenceKernels kernels;
  const Tensor x = random({4, 3}, 1), kernel = random({3, 5}, 2), bias = random({5}, 3);
  Tensor before = zeros({4, 5}), out = zeros({4, 5}), none;
  kernels.dense(x, kernel, bias, FusedActivation::relu, before, out, nullptr);
  const Tensor expected = product(x, kernel);
  for (std::int64_t i = 0; i < 20; ++i) {
    const double sum = expected.data<double>()[i] + bias.data<double>()[i % 5];
    CHECK(before.data<double>()[i] == doctest::Approx(sum).epsilon(1e-13));
    CHECK(out.data<double>()[i] == doctest::Approx(std::max(sum, 0.0)).epsilon(1e-13));
  }
  kernels.dense(x, kernel, none, FusedActivation::none, none, out, nullptr);
  CHECK(difference(out, expected) < 1e-14);
}

TEST_CASE("reference: QR, reduced and complete") {
  ReferenceKernels kernels;
  for (const Shape& shape : shapes)
    for (const bool complete : {false, true}) {
      INFO(shape.str() << (complete ? " complete" : " reduced"));
      const std::int64_t m = shape[0], n = shape[1], k = complete ? m : std::min(m, n);
      const Tensor x = random(shape, 1);
      Tensor q = zeros({m, k}), r = zeros({k, n});
      kernels.qr(x, complete, q, r);
      CHECK(difference(product(q, r), x) < 1e-13);
      CHECK(difference(product(transposed(q), q), identity(k)) < 1e-13);
      for (std::int64_t i = 0; i < k * n; ++i)
        if (i / n > i % n) CHECK(r.data<double>()[i] == 0.0);
    }
}

TEST_CASE("reference: singular values") {
  ReferenceKernels kernels;
  for (const Shape& shape : shapes)
    for (const bool full : {false, true}) {
      INFO(shape.str() << (full ? " full" : " reduced"));
      const std::int64_t m = shape[0], n = shape[1], k = std::min(m, n);
      const Tensor x = random(shape, 1);
      Tensor u = zeros({m, full ? m : k}), s = zeros({k}), vh = zeros({full ? n : k, n});
      kernels.svd(x, full, u, s, vh);
      Tensor middle = zeros({u.shape()[1], vh.shape()[0]});
      for (std::int64_t i = 0; i < k; ++i) middle.data<double>()[i * (vh.shape()[0] + 1)] = s.data<double>()[i];
      CHECK(difference(product(product(u, middle), vh), x) < 1e-13);
      CHECK(difference(product(transposed(u), u), identity(u.shape()[1])) < 1e-13);
      CHECK(std::is_sorted(s.data<double>(), s.data<double>() + k, std::greater<>()));
    }
  Tensor bad = zeros({2, 2}), u = zeros({2, 2}), s = zeros({2}), vh = zeros({2, 2});
  bad.data<double>()[1] = std::nan("");
  CHECK_THROWS_AS(kernels.svd(bad, false, u, s, vh), nyala::Error);
}

TEST_CASE("reference: Cholesky, solve, determinant") {
  ReferenceKernels kernels;
  for (const std::int64_t n : {1, 2, 5}) {
    const Tensor a = random({n, n}, 1), b = random({n, 3}, 2);
    Tensor square = product(a, transposed(a));
    for (std::int64_t i = 0; i < n; ++i) square.data<double>()[i * (n + 1)] += 1.0;
    Tensor factor = zeros({n, n});
    kernels.cholesky(square, factor);
    CHECK(difference(product(factor, transposed(factor)), square) < 1e-13);
    for (std::int64_t i = 0; i < n * n; ++i)
      if (i % n > i / n) CHECK(factor.data<double>()[i] == 0.0);
    Tensor x = zeros({1, n, 3});
    kernels.solve(batched(square), batched(b), x);
    Tensor flat = zeros({n, 3});
    std::copy_n(x.data<double>(), n * 3, flat.data<double>());
    CHECK(difference(product(square, flat), b) < 1e-12);
    double expected = 1.0;
    for (std::int64_t i = 0; i < n; ++i) expected *= std::pow(factor.data<double>()[i * (n + 1)], 2);
    Tensor of = zeros({1});
    kernels.determinant(square, of);
    CHECK(of.data<double>()[0] == doctest::Approx(expected).epsilon(1e-12));
  }
  Tensor singular = zeros({1, 2, 2}), x = zeros({1, 2, 1}), of = zeros({1}), factor = zeros({1, 2, 2});
  CHECK_THROWS_AS(kernels.solve(singular, zeros({1, 2, 1}), x), nyala::Error);
  CHECK_THROWS_AS(kernels.cholesky(singular, factor), nyala::Error);
  kernels.determinant(singular, of);
  CHECK(of.data<double>()[0] == 0.0);
}

TEST_CASE("reference: bilinear resizing and its gradient") {
  ReferenceKernels kernels;
  const Tensor row = from_doubles({0, 1, 2, 3}, {1, 1, 4, 1}, DType::float64);
  Tensor wide = zeros({1, 1, 8, 1}), narrow = zeros({1, 1, 2, 1});
  kernels.resize_bilinear(row, wide);
  CHECK(wide.to_vector<double>() == std::vector<double>{0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3});
  kernels.resize_bilinear(row, narrow);
  CHECK(narrow.to_vector<double>() == std::vector<double>{0.5, 2.5});
  Tensor x = random({2, 3, 5, 2}, 1), out = zeros({2, 7, 4, 2}), dx = zeros({2, 3, 5, 2});
  const Tensor weight = random(out.shape(), 2);
  kernels.resize_bilinear_backward(weight, dx);
  check_gradient(
      "x",
      [&] {
        kernels.resize_bilinear(x, out);
        return dot(out, weight);
      },
      x, dx);
}
