#include "backend/cpu/reference/reference_kernels.hpp"
#include "nn_check.hpp"

using namespace nn_check;
using nyala::backend::ReferenceKernels;

TEST_CASE("reference: batch normalisation and its gradients") {
  ReferenceKernels kernels;
  const Shape shape{7, 3}, channels{3};
  const double epsilon = 1e-3;
  Tensor x = random(shape, 1), gamma = random(channels, 2), beta = random(channels, 3), none;
  Tensor y = zeros(shape), mean = zeros(channels), variance = zeros(channels);
  kernels.batch_norm_train(x, gamma, beta, epsilon, y, mean, variance);
  for (std::int64_t c = 0; c < 3; ++c) {
    double sum = 0.0, squares = 0.0;
    for (std::int64_t row = 0; row < 7; ++row) sum += x.data<double>()[row * 3 + c];
    for (std::int64_t row = 0; row < 7; ++row) squares += std::pow(x.data<double>()[row * 3 + c] - sum / 7.0, 2);
    CHECK(mean.data<double>()[c] == doctest::Approx(sum / 7.0).epsilon(1e-13));
    CHECK(variance.data<double>()[c] == doctest::Approx(squares / 7.0).epsilon(1e-13));
    const double first = (x.data<double>()[c] - sum / 7.0) / std::sqrt(squares / 7.0 + epsilon);
    CHECK(y.data<double>()[c] ==
          doctest::Approx(first * gamma.data<double>()[c] + beta.data<double>()[c]).epsilon(1e-12));
  }
  const Tensor weight = random(shape, 4);
  Tensor dx = zeros(shape), dgamma = zeros(channels), dbeta = zeros(channels);
  kernels.batch_norm_backward(x, weight, gamma, mean, variance, epsilon, dx, dgamma, dbeta);
  const auto loss = [&] {
    kernels.batch_norm_train(x, gamma, beta, epsilon, y, mean, variance);
    return dot(y, weight);
  };
  check_gradient("x", loss, x, dx);
  check_gradient("gamma", loss, gamma, dgamma);
  check_gradient("beta", loss, beta, dbeta);
  kernels.batch_norm_backward(x, weight, none, mean, variance, epsilon, dx, none, none);
  check_gradient(
      "x, without scale",
      [&] {
        kernels.batch_norm_train(x, none, none, epsilon, y, mean, variance);
        return dot(y, weight);
      },
      x, dx);
}

TEST_CASE("reference: layer normalisation and its gradients") {
  ReferenceKernels kernels;
  const Shape shape{4, 6}, width{6}, rows{4};
  Tensor x = random(shape, 1), gamma = random(width, 2), beta = random(width, 3), none;
  Tensor y = zeros(shape), mean = zeros(rows), inverse = zeros(rows);
  const auto loss_with = [&](const Tensor& scale, const Tensor& shift, const Tensor& weight) {
    kernels.layer_norm(x, scale, shift, 1e-3, y, mean, inverse);
    return dot(y, weight);
  };
  const Tensor weight = random(shape, 4);
  Tensor dx = zeros(shape), dgamma = zeros(width), dbeta = zeros(width);
  loss_with(gamma, beta, weight);
  kernels.layer_norm_backward(x, weight, gamma, mean, inverse, dx, dgamma, dbeta);
  check_gradient(
      "x", [&] { return loss_with(gamma, beta, weight); }, x, dx);
  check_gradient(
      "gamma", [&] { return loss_with(gamma, beta, weight); }, gamma, dgamma);
  check_gradient(
      "beta", [&] { return loss_with(gamma, beta, weight); }, beta, dbeta);
  loss_with(none, none, weight);
  kernels.layer_norm_backward(x, weight, none, mean, inverse, dx, none, none);
  check_gradient(
      "x, without scale", [&] { return loss_with(none, none, weight); }, x, dx);
  kernels.layer_norm(x, none, none, 0.0, y, none, none);
  CHECK(dot(y, y) == doctest::Approx(24.0).epsilon(1e-12));
}
