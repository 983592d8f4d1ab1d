#include <limits>

#include "backend/cpu/reference/reference_kernels.hpp"
#include "nn_check.hpp"
#include "nn_windows.hpp"
#include "simd_support.hpp"

using namespace nn_check;
using nyala::backend::ReferenceKernels;

namespace {

/// Poolings: channels in place of filters.
std::vector<ConvCase> pool_cases() {
  const auto pool = [](const std::string& name, const Shape& x, const Shape& size, std::int64_t stride,
                       std::int64_t before, std::int64_t after) {
    Shape kernel = size;
    kernel.push_back(1);
    kernel.push_back(x.back());
    return conv_case(name, x, kernel, stride, 1, before, after);
  };
  return {pool("1-D", {2, 9, 3}, {2}, 2, 0, 0),
          pool("2-D", {2, 6, 8, 5}, {2, 2}, 2, 0, 0),
          pool("2-D same", {2, 7, 7, 4}, {3, 3}, 2, 1, 1),
          pool("2-D overlapping", {1, 5, 6, 2}, {3, 2}, 1, 0, 1),
          pool("3-D", {2, 4, 4, 5, 3}, {2, 2, 2}, 2, 0, 1),
          pool("no sample", {0, 4, 4, 2}, {2, 2}, 2, 0, 0)};
}

}  // namespace

TEST_CASE("reference: pooling and its gradients") {
  ReferenceKernels kernels;
  for (const ConvCase& c : pool_cases()) {
    CAPTURE(c.name);
    Tensor x = random(c.x, 1), out = zeros(c.out()), dx = random(c.x, 2), none;
    Tensor argmax = Tensor::empty(c.out(), DType::int32);
    const Tensor weight = random(c.out(), 3);
    kernels.max_pool(x, c.window, out, argmax);
    kernels.max_pool_backward(weight, argmax, c.window, dx);
    check_gradient(
        "max pool",
        [&] {
          kernels.max_pool(x, c.window, out, none);
          return dot(out, weight);
        },
        x, dx);
    kernels.average_pool(x, c.window, out);
    kernels.average_pool_backward(weight, c.window, dx);
    check_gradient(
        "average pool",
        [&] {
          kernels.average_pool(x, c.window, out);
          return dot(out, weight);
        },
        x, dx);
  }
}

TEST_CASE("reference: pooling counts real cells, takes the first of equals and keeps NaN") {
  ReferenceKernels kernels;
  const ConvCase c = conv_case("1-D", {1, 4, 1}, {3, 1, 1}, 1, 1, 1, 1);
  const Tensor x = from_doubles({2, 2, -4, 6}, c.x, DType::float64);
  Tensor out = zeros(c.out()), argmax = Tensor::empty(c.out(), DType::int32);
  kernels.average_pool(x, c.window, out);
  CHECK(out.to_vector<double>() == std::vector<double>{2.0, 0.0, 4.0 / 3.0, 1.0});
  kernels.max_pool(x, c.window, out, argmax);
  CHECK(out.to_vector<double>() == std::vector<double>{2, 2, 6, 6});
  CHECK(argmax.to_vector<std::int32_t>() == std::vector<std::int32_t>{0, 0, 3, 3});
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  kernels.max_pool(from_doubles({1, nan, 3, -infinity}, c.x, DType::float64), c.window, out, argmax);
  const auto values = out.to_vector<double>();
  CHECK(std::isnan(values[0]));
  CHECK(std::isnan(values[2]));
  CHECK(values[3] == 3.0);
}

// Maxima and their gradients are numbers that were there: the same bits in every instruction set.
TEST_CASE("pooling of float16 and bfloat16 moves bits") {
  ReferenceKernels reference;
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const DType dtype : {DType::bfloat16, DType::float16})
    for (const std::int64_t channels : {1, 7, 16, 37, 70})
      for (const ConvCase& c : pool_cases()) {
        CAPTURE(c.name);
        CAPTURE(channels);
        nyala::Shape in = c.x, to = c.out();
        in.back() = to.back() = channels;
        Tensor numbers = nyala::test::noise(in, -3, 3), x = Tensor::empty(in, dtype),
               gradient = Tensor::empty(to, dtype);
        const std::array<float, 7> special{0.0F, 1e-40F, infinity, -infinity, nan, 2.0F, 2.0F};
        for (std::int64_t i = 0; i < in.elements(); i += 3)
          numbers.data<float>()[i] = special[static_cast<std::size_t>(i / 3 % 7)];
        reference.cast(numbers, x);
        reference.cast(nyala::test::noise(to, -1, 1, 2), gradient);
        const auto run = [&](nyala::backend::Kernels& kernels) {
          std::vector<Tensor> found{Tensor::empty(to, dtype), Tensor::empty(to, dtype), Tensor::empty(to, DType::int32),
                                    Tensor::empty(in, dtype)};
          Tensor none;
          kernels.max_pool(x, c.window, found[0], none);
          kernels.max_pool(x, c.window, found[1], found[2]);
          kernels.max_pool_backward(gradient, found[2], c.window, found[3]);
          return found;
        };
        const std::vector<Tensor> expected = run(reference);
        nyala::test::for_each_isa([&](nyala::backend::SimdKernels& kernels) {
          CAPTURE(kernels.name());
          const std::vector<Tensor> found = run(kernels);
          for (std::size_t i = 0; i < found.size(); ++i) {
            CAPTURE(i);
            CHECK(nyala::test::same_bits(found[i], expected[i]));
          }
        });
      }
}
