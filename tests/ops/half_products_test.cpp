#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <nyala/autograd.hpp>
#include <nyala/ops.hpp>
#include <nyala/random.hpp>
#include <nyala/threads.hpp>

// dense and matmul of 16-bit numbers, of any number of rows: float32 sums, rounded once, beside float64.

using namespace nyala;

TEST_CASE("dense: 16-bit rows of every number and length are sums rounded once") {
  set_random_seed(3);
  for (const DType half : {DType::bfloat16, DType::float16})
    for (const std::int64_t rows : {1, 2, 33, 70})
      for (const std::int64_t in : {1, 7, 784, 3000})
        for (const std::int64_t units : {1, 10, 64, 512})
          for (const FusedActivation activation : {FusedActivation::none, FusedActivation::relu}) {
            CAPTURE(half);
            CAPTURE(rows);
            CAPTURE(in);
            CAPTURE(units);
            const auto normal = [&](const Shape& shape) { return cast(random::normal(shape, 0.0, 0.1), half); };
            const Tensor x = normal({rows, in}), kernel = normal({in, units}), bias = normal({units});
            const auto exact = [](const Tensor& of) { return cast(of, DType::float64); };
            Tensor wanted = matmul(exact(x), exact(kernel)) + exact(bias);
            if (activation == FusedActivation::relu) wanted = relu(wanted);
            const Tensor magnitudes = matmul(abs(exact(x)), abs(exact(kernel))) + abs(exact(bias));
            const double digits = half == DType::bfloat16 ? 0x1p-8 : 0x1p-10;
            const Tensor error = abs(exact(dense(x, kernel, bias, activation)) - wanted);
            CHECK(max(error - abs(wanted) * digits - magnitudes * 1e-6 - 1e-7).item<double>() <= 0.0);
            const Tensor plain = abs(exact(matmul(x, kernel)) - matmul(exact(x), exact(kernel)));
            CHECK(
                max(plain - abs(matmul(exact(x), exact(kernel))) * digits - magnitudes * 1e-6 - 1e-7).item<double>() <=
                0.0);
          }
}

TEST_CASE("dense: one 16-bit row with NaN and infinite numbers, and the same bits for any number of threads") {
  const Tensor x = cast(random::normal({1, 2000}), DType::bfloat16);
  Tensor kernel = cast(random::normal({2000, 300}), DType::float32);
  const Tensor wide = where(arange(300) == 7, full({2000, 300}, NAN), kernel);
  const Tensor y = dense(x, cast(wide, DType::bfloat16), {});
  const std::vector<float> values = cast(y, DType::float32).to_vector<float>();
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(std::isnan(values[i]) == (i == 7));
  const int before = num_threads();
  const Tensor half = cast(kernel, DType::bfloat16);
  const std::vector<float> two = cast(dense(x, half, {}), DType::float32).to_vector<float>();
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    CHECK(cast(dense(x, half, {}), DType::float32).to_vector<float>() == two);
  }
  set_num_threads(before);
}
