#include <limits>

#include "backend/cpu/reference/reference_kernels.hpp"
#include "nn_check.hpp"

using namespace nn_check;
using nyala::backend::ReferenceKernels;

TEST_CASE("reference: softmax, its logarithm and their gradients") {
  ReferenceKernels kernels;
  const Shape shape{5, 7};
  Tensor x = random(shape, 1), y = zeros(shape), dx = zeros(shape);
  const Tensor weight = random(shape, 2);
  kernels.softmax(x, y);
  double sum = 0.0;
  for (std::int64_t i = 0; i < 7; ++i) sum += std::exp(x.data<double>()[i]);
  CHECK(y.data<double>()[3] == doctest::Approx(std::exp(x.data<double>()[3]) / sum).epsilon(1e-13));
  kernels.softmax_backward(y, weight, dx);
  check_gradient(
      "softmax",
      [&] {
        kernels.softmax(x, y);
        return dot(y, weight);
      },
      x, dx);
  kernels.log_softmax(x, y);
  CHECK(y.data<double>()[3] == doctest::Approx(x.data<double>()[3] - std::log(sum)).epsilon(1e-13));
  kernels.log_softmax_backward(y, weight, dx);
  check_gradient(
      "log softmax",
      [&] {
        kernels.log_softmax(x, y);
        return dot(y, weight);
      },
      x, dx);
}

TEST_CASE("reference: crossentropy of class numbers") {
  ReferenceKernels kernels;
  Tensor logits = random({4, 3}, 1), loss = zeros({4}), dlogits = zeros({4, 3}), logs = zeros({4, 3});
  const Tensor labels = nyala::tensor(std::vector<std::int64_t>{2, 0, 1, 2}), weight = random({4}, 2);
  kernels.sparse_crossentropy(logits, labels, loss);
  kernels.log_softmax(logits, logs);
  CHECK(loss.data<double>()[0] == doctest::Approx(-logs.data<double>()[2]).epsilon(1e-13));
  kernels.sparse_crossentropy_backward(logits, labels, weight, dlogits);
  check_gradient(
      "logits",
      [&] {
        kernels.sparse_crossentropy(logits, labels, loss);
        return dot(loss, weight);
      },
      logits, dlogits);
  const Tensor narrow = nyala::tensor(std::vector<std::int32_t>{2, 0, 1, 2});
  Tensor same = zeros({4});
  kernels.sparse_crossentropy(logits, labels, loss);
  kernels.sparse_crossentropy(logits, narrow, same);
  CHECK(difference(same, loss) == 0.0);
}

TEST_CASE("reference: softmax of huge, infinite and missing numbers") {
  ReferenceKernels kernels;
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  Tensor y = zeros({3, 3});
  kernels.softmax(from_doubles({1e300, 1e300, -1e300, -infinity, 0, 0, nan, 0, 0}, {3, 3}, DType::float64), y);
  const auto values = y.to_vector<double>();
  CHECK(values[0] == 0.5);
  CHECK(values[2] == 0.0);
  CHECK(values[3] == 0.0);
  CHECK(values[4] == 0.5);
  CHECK(std::isnan(values[7]));
  Tensor half = Tensor::empty({1, 4}, DType::bfloat16), out = Tensor::empty({1, 4}, DType::bfloat16);
  kernels.fill(half, 3.0);
  kernels.softmax(half, out);
  CHECK(out.to_vector<double>() == std::vector<double>(4, 0.25));
}
