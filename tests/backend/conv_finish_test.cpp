#include "core/tensor_impl.hpp"
#include "nn_check.hpp"
#include "nn_windows.hpp"
#include "simd_support.hpp"

// What follows a convolution in inference, done by the convolution, beside the same by kernels of their own.

using namespace nn_check;
using nyala::FusedActivation;
using nyala::backend::Finish;
using nyala::backend::Kernels;
using nyala::backend::Unary;

namespace {

constexpr DType single = DType::float32;

Tensor positive(const Shape& shape, std::uint64_t seed) {
  std::vector<double> values = numbers(shape.elements(), seed);
  for (double& value : values) value = value * value + 0.1;
  return from_doubles(values, shape, single);
}

std::vector<ConvCase> finish_cases() {
  auto cases = conv_cases();
  cases.push_back(conv_case("one channel", {2, 9, 14, 1}, {3, 3, 1, 33}));
  cases.push_back(conv_case("Winograd's", {3, 13, 14, 32}, {3, 3, 32, 48}, 1, 1, 1, 1));
  cases.push_back(conv_case("Winograd's on tiles", {3, 14, 13, 64}, {3, 3, 64, 64}, 1, 1, 1, 1));
  cases.push_back(conv_case("on tiles", {4, 20, 20, 64}, {5, 5, 64, 64}, 1, 1, 2, 2));
  return cases;
}

std::vector<Finish> finishes(const Shape& out) {
  const Shape channels{out.back()};
  const Tensor mean = random(channels, 11, single), variance = positive(channels, 12),
               gamma = random(channels, 13, single), beta = random(channels, 14, single),
               residual = random(out, 15, single), none;
  return {{mean, variance, gamma, beta, 1e-3, residual, Unary::relu},
          {mean, variance, gamma, beta, 1e-3, none, std::nullopt},
          {mean, variance, none, beta, 1e-5, none, Unary::relu6},
          {mean, variance, gamma, none, 1e-2, residual, std::nullopt},
          {none, none, none, none, 0.0, residual, Unary::relu6},
          {none, none, none, none, 0.0, none, Unary::relu}};
}

void compare_finished(Kernels& kernels, const ConvCase& c) {
  CAPTURE(kernels.name());
  CAPTURE(c.name);
  const auto [x, kernel, bias] = operands_of(c, single);
  const Shape rows{c.out().elements() / c.out().back(), c.out().back()};
  for (const auto activation : {FusedActivation::none, FusedActivation::relu, FusedActivation::tanh}) {
    Tensor none, plain = zeros(c.out(), single);
    kernels.conv(x, kernel, bias, c.window, activation, none, plain);
    for (const Finish& finish : finishes(c.out())) {
      CAPTURE(static_cast<int>(activation));
      CAPTURE(finish.mean.defined());
      CAPTURE(finish.residual.defined());
      Tensor wanted = from_doubles(plain.to_vector<double>(), rows, single);
      Finish by_rows = finish;
      if (finish.residual.defined()) by_rows.residual = nyala::detail::alias(finish.residual, rows);
      kernels.Kernels::finish(by_rows, wanted);
      const auto run = [&] {
        Tensor found = random(c.out(), 9, single);
        kernels.conv_finished(x, kernel, bias, c.window, activation, finish, found);
        return found;
      };
      const Tensor found = run();
      CHECK(difference(found, wanted) < 1e-6);
      if (finish.mean.defined() && plain.size() > 0) CHECK(difference(plain, found) > 1e-3);
      Tensor swept = from_doubles(plain.to_vector<double>(), rows, single);
      kernels.finish(by_rows, swept);
      CHECK(difference(swept, wanted) < 1e-6);
      CHECK(nyala::test::equal_for_threads(run));
    }
  }
}

}  // namespace

TEST_CASE("a convolution does what follows it as kernels of their own do") {
  for (const ConvCase& each : finish_cases()) {
    compare_finished(nyala::backend::kernels_for(nyala::Device()), each);
    nyala::test::for_each_isa([&](Kernels& kernels) { compare_finished(kernels, each); });
  }
}

TEST_CASE("what a convolution cannot do along follows it all the same") {
  nyala::backend::ReferenceKernels reference;
  const ConvCase c = conv_case("double", {2, 6, 7, 3}, {3, 3, 3, 4});
  const Tensor x = random(c.x, 1), kernel = random(c.kernel, 2), residual = random(c.out(), 3);
  Tensor none, plain = zeros(c.out()), sum = zeros(c.out()), wanted = zeros(c.out());
  reference.conv(x, kernel, none, c.window, FusedActivation::none, none, plain);
  reference.binary(nyala::backend::Binary::add, plain, residual, sum);
  reference.unary(Unary::tanh, sum, wanted, {});
  for (Kernels* kernels : {static_cast<Kernels*>(&reference), &nyala::backend::kernels_for(nyala::Device())}) {
    Tensor found = zeros(c.out());
    Finish finish;
    finish.residual = residual;
    finish.activation = Unary::tanh;
    kernels->conv_finished(x, kernel, none, c.window, FusedActivation::none, finish, found);
    CHECK(difference(found, wanted) < 1e-12);
  }
}
