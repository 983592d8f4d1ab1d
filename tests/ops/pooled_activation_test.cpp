#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <nyala/autograd.hpp>
#include <nyala/ops.hpp>
#include <nyala/random.hpp>
#include <nyala/threads.hpp>

// max_pool undoes the activation of the convolution or dense product before it; the gradients are those of the
// operations one by one.

using namespace nyala;

namespace {

Tensor activated_apart(FusedActivation activation, const Tensor& x) {
  switch (activation) {
    case FusedActivation::relu: return relu(x);
    case FusedActivation::sigmoid: return sigmoid(x);
    case FusedActivation::tanh: return tanh(x);
    case FusedActivation::gelu: return gelu(x, false);
    case FusedActivation::silu: return silu(x);
    default: return x;
  }
}

double largest_difference(const Tensor& a, const Tensor& b) {
  return max(abs(cast(a, DType::float64) - cast(b, DType::float64))).item<double>();
}

}  // namespace

TEST_CASE("max_pool: gradients through the activation before it are those of the operations one by one") {
  for (const DType dtype : {DType::float64, DType::float32})
    for (const FusedActivation activation : {FusedActivation::none, FusedActivation::relu, FusedActivation::sigmoid,
                                             FusedActivation::tanh, FusedActivation::gelu, FusedActivation::silu})
      for (const bool biased : {true, false})
        for (const std::string padding : {"valid", "same"})
          for (const int stride : {2, 1}) {
            CAPTURE(dtype);
            CAPTURE(static_cast<int>(activation));
            CAPTURE(biased);
            CAPTURE(padding);
            CAPTURE(stride);
            const auto normal = [&](const Shape& shape) { return cast(random::normal(shape), dtype); };
            const Tensor x = normal({2, 7, 6, 3}), kernel = normal({3, 3, 3, 5}),
                         bias = biased ? normal({5}) : Tensor();
            const auto gradients = [&](bool apart) {
              GradientTape tape;
              std::vector<Tensor> sources{x, kernel};
              if (biased) sources.push_back(bias);
              for (const Tensor& source : sources) tape.watch(source);
              ConvArguments arguments{.padding = "same"};
              if (!apart) arguments.activation = activation;
              Tensor y = conv(x, kernel, bias, arguments);
              if (apart) y = activated_apart(activation, y);
              const Tensor pooled = max_pool(y, {2, 2}, {.strides = {stride, stride}, .padding = padding});
              const Tensor weights = reshape(cast(arange(pooled.size()), dtype), pooled.shape());
              return tape.gradient(sum(pooled * weights), sources);
            };
            const std::vector<Tensor> together = gradients(false), apart = gradients(true);
            for (std::size_t i = 0; i < together.size(); ++i) {
              const double size = max(abs(cast(apart[i], DType::float64))).item<double>();
              CHECK(largest_difference(together[i], apart[i]) <= size * (dtype == DType::float64 ? 1e-13 : 2e-6));
            }
          }
}

TEST_CASE("max_pool: an activation whose result another operation uses as well is undone for both") {
  const Tensor x = random::normal({2, 6, 6, 2}), kernel = random::normal({3, 3, 2, 4}), bias = random::normal({4});
  const auto gradient = [&](bool apart) {
    GradientTape tape;
    tape.watch(kernel);
    Tensor y = conv(x, kernel, bias, {.activation = apart ? FusedActivation::none : FusedActivation::relu});
    if (apart) y = relu(y);
    return tape.gradient(sum(square(max_pool(y, {2, 2}))) + sum(y), {kernel})[0];
  };
  CHECK(largest_difference(gradient(false), gradient(true)) < 1e-4);
}

TEST_CASE("max_pool: second derivatives flow through the activation before it") {
  const Tensor x = random::normal({1, 6, 6, 2}, 0.0, 1.0, DType::float64);
  const Tensor kernel = random::normal({3, 3, 2, 3}, 0.0, 1.0, DType::float64);
  const auto second = [&](bool apart) {
    GradientTape outer;
    outer.watch(x);
    Tensor inner;
    {
      GradientTape tape;
      tape.watch(x);
      Tensor y = conv(x, kernel, {}, {.activation = apart ? FusedActivation::none : FusedActivation::tanh});
      if (apart) y = tanh(y);
      inner = tape.gradient(sum(square(max_pool(y, {2, 2}))), {x})[0];
    }
    return outer.gradient(sum(square(inner)), {x})[0];
  };
  CHECK(largest_difference(second(false), second(true)) < 1e-9);
}
