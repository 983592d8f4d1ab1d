#include "nn_check.hpp"

#include <algorithm>
#include <chrono>

#include <nyala/backend.hpp>

using namespace nyala;
using nn::numbers;

namespace {

struct ConvCase {
  const char* name;
  Shape x, kernel;
  ConvArguments arguments;
};

const ConvCase conv_cases[] = {
    {"1-D", {2, 7, 3}, {3, 3, 4}, {}},
    {"1-D same, stride 2", {2, 7, 2}, {4, 2, 3}, {.strides = {2}, .padding = "same"}},
    {"1-D causal, dilated", {2, 7, 2}, {3, 2, 3}, {.padding = "causal", .dilation_rate = {2}}},
    {"1-D causal, stride 2", {1, 6, 2}, {3, 2, 2}, {.strides = {2}, .padding = "causal"}},
    {"2-D", {2, 5, 6, 3}, {3, 2, 3, 2}, {}},
    {"2-D same, strides", {1, 5, 6, 2}, {3, 2, 2, 3}, {.strides = {2, 3}, .padding = "same"}},
    {"2-D dilated", {1, 7, 6, 2}, {3, 2, 2, 3}, {.dilation_rate = {2, 3}}},
    {"2-D strides and dilation", {1, 8, 7, 1}, {2, 3, 1, 2}, {.strides = {2, 1}, .dilation_rate = {3, 2}}},
    {"2-D same, dilated", {1, 5, 4, 2}, {3, 3, 2, 1}, {.padding = "same", .dilation_rate = {2, 1}}},
    {"2-D two groups", {2, 4, 5, 4}, {2, 3, 2, 6}, {.padding = "same"}},
    {"2-D a group per channel", {1, 4, 4, 3}, {2, 2, 1, 6}, {}},
    {"2-D channels first", {2, 3, 4, 5}, {2, 2, 3, 2}, {.padding = "same", .data_format = "channels_first"}},
    {"2-D 1 x 1", {2, 3, 2, 3}, {1, 1, 3, 4}, {.strides = {2}}},
    {"3-D", {1, 3, 4, 3, 2}, {2, 2, 3, 2, 2}, {}},
    {"3-D same, strides", {1, 3, 4, 3, 1}, {2, 3, 2, 1, 2}, {.strides = {2, 1, 2}, .padding = "same"}},
};

constexpr FusedActivation fused[] = {FusedActivation::relu, FusedActivation::sigmoid, FusedActivation::tanh,
                                     FusedActivation::gelu, FusedActivation::silu};

/// Cross-correlation by its definition, channels last, one group.
double by_definition(const Tensor& x, const Tensor& kernel, std::int64_t row, std::int64_t column,
                     std::int64_t filter) {
  double sum = 0.0;
  const Shape &k = kernel.shape(), &s = x.shape();
  const double *weights = kernel.data<double>(), *cells = x.data<double>();
  for (std::int64_t i = 0; i < k[0]; ++i)
    for (std::int64_t j = 0; j < k[1]; ++j)
      for (std::int64_t c = 0; c < k[2]; ++c)
        sum += weights[((i * k[1] + j) * k[2] + c) * k[3] + filter] * cells[((row + i) * s[2] + column + j) * s[3] + c];
  return sum;
}

}  // namespace

TEST_CASE("conv: gradients of first and second order over shapes, strides, dilation, groups and paddings") {
  for (const ConvCase& each : conv_cases) {
    CAPTURE(each.name);
    const nn::Function f = [&](const std::vector<Tensor>& in) { return conv(in[0], in[1], in[2], each.arguments); };
    const std::vector<Tensor> inputs{numbers(each.x, 0.1), numbers(each.kernel, 0.2),
                                     numbers({each.kernel.back()}, 0.3)};
    nn::check_gradients(f, inputs);
    nn::check_second_gradients(f, inputs);
  }
}

TEST_CASE("conv: gradients with every fused activation") {
  const std::vector<Tensor> inputs{numbers({1, 4, 4, 2}, 0.1), numbers({2, 2, 2, 3}, 0.2), numbers({3}, 0.3)};
  for (const FusedActivation activation : fused) {
    CAPTURE(static_cast<int>(activation));
    const nn::Function f = [&](const std::vector<Tensor>& in) {
      return conv(in[0], in[1], in[2], {.activation = activation});
    };
    nn::check_gradients(f, inputs);
    nn::check_second_gradients(f, inputs);
  }
}

TEST_CASE("conv is cross-correlation") {
  const Tensor x = numbers({1, 5, 6, 3}, 0.1), kernel = numbers({3, 2, 3, 4}, 0.2);
  const Tensor y = conv(x, kernel), host_x = x.to("cpu"), host_kernel = kernel.to("cpu");
  REQUIRE(y.shape() == Shape{1, 3, 5, 4});
  std::vector<double> wanted;
  for (std::int64_t row = 0; row < 3; ++row)
    for (std::int64_t column = 0; column < 5; ++column)
      for (std::int64_t filter = 0; filter < 4; ++filter)
        wanted.push_back(by_definition(host_x, host_kernel, row, column, filter));
  nn::check_close(y, tensor(wanted, y.shape()), 1e-14);
}

TEST_CASE("conv: the fast kernels agree with the reference, forward and backward") {
  for (const ConvCase& each : conv_cases) {
    CAPTURE(each.name);
    const Tensor x = numbers(each.x, 0.1, 1.0, 0.0, DType::float32);
    const Tensor kernel = numbers(each.kernel, 0.2, 1.0, 0.0, DType::float32);
    const Tensor bias = numbers({each.kernel.back()}, 0.3, 1.0, 0.0, DType::float32);
    ConvArguments arguments = each.arguments;
    for (const FusedActivation activation : {FusedActivation::none, FusedActivation::relu, FusedActivation::gelu}) {
      arguments.activation = activation;
      const auto results = [&] {
        GradientTape tape;
        for (const Tensor& source : {x, kernel, bias}) tape.watch(source);
        const Tensor y = conv(x, kernel, bias, arguments);
        std::vector<Tensor> all =
            tape.gradient(y, std::vector<Tensor>{x, kernel, bias}, numbers(y.shape(), 0.4, 1.0, 0.0, DType::float32));
        all.push_back(y);
        return all;
      };
      const std::vector<Tensor> fast = results();
      set_cpu_kernels("reference");
      const std::vector<Tensor> reference = results();
      set_cpu_kernels("auto");
      for (std::size_t i = 0; i < fast.size(); ++i) nn::check_close(fast[i], reference[i], 1e-5);
    }
  }
}

TEST_CASE("depthwise_conv: gradients, and the order of its channels") {
  for (const char* format : {"channels_last", "channels_first"}) {
    for (const char* padding : {"valid", "same"}) {
      const ConvArguments arguments{.strides = {2}, .padding = padding, .data_format = format};
      const nn::Function f = [&](const std::vector<Tensor>& in) {
        return depthwise_conv(in[0], in[1], in[2], arguments);
      };
      const Shape shape = arguments.data_format == "channels_last" ? Shape{2, 5, 4, 3} : Shape{2, 3, 5, 4};
      const std::vector<Tensor> inputs{numbers(shape, 0.1), numbers({3, 2, 3, 2}, 0.2), numbers({6}, 0.3)};
      nn::check_gradients(f, inputs);
      nn::check_second_gradients(f, inputs);
    }
  }
  const Tensor x = numbers({1, 3, 3, 2}, 0.1), kernel = numbers({2, 2, 2, 3}, 0.2);
  const Tensor y = depthwise_conv(x, kernel);
  REQUIRE(y.shape() == Shape{1, 2, 2, 6});
  for (std::int64_t channel = 0; channel < 2; ++channel) {
    const Tensor alone =
        conv(x(ellipsis, Slice{channel, channel + 1}), kernel(ellipsis, Slice{channel, channel + 1}, Slice{}));
    nn::check_close(y(ellipsis, Slice{3 * channel, 3 * channel + 3}), alone, 1e-15);
  }
}

TEST_CASE("separable_conv is depthwise, then pointwise, then bias and activation") {
  const std::vector<Tensor> inputs{numbers({1, 5, 4, 2}, 0.1), numbers({3, 2, 2, 2}, 0.2), numbers({1, 1, 4, 3}, 0.3),
                                   numbers({3}, 0.4)};
  const ConvArguments arguments{.strides = {2}, .padding = "same", .activation = FusedActivation::tanh};
  const nn::Function f = [&](const std::vector<Tensor>& in) {
    return separable_conv(in[0], in[1], in[2], in[3], arguments);
  };
  nn::check_gradients(f, inputs);
  const Tensor middle = depthwise_conv(inputs[0], inputs[1], {}, {.strides = {2}, .padding = "same"});
  nn::check_close(f(inputs), tanh(conv(middle, inputs[2]) + inputs[3]), 1e-15);
}

TEST_CASE("conv takes an empty batch") {
  CHECK(conv(zeros({0, 5, 5, 2}), zeros({3, 3, 2, 4})).shape() == Shape{0, 3, 3, 4});
  Tensor kernel = ones({3, 3, 2, 4});
  GradientTape tape;
  tape.watch(kernel);
  const Tensor gradient = tape.gradient(conv(zeros({0, 5, 5, 2}), kernel), kernel);
  nn::check_close(gradient, zeros({3, 3, 2, 4}), 0.0);
}

TEST_CASE("conv names what it refuses") {
  const Tensor x = zeros({2, 28, 28, 1});
  CHECK(nn::refusal([&] {
          conv(x, zeros({3, 3, 4, 8}));
        }) == "conv: the kernel (3, 3, 4, 8) takes 4 channels, x (2, 28, 28, 1) has 1");
  CHECK(nn::refusal([&] {
          conv(zeros({2, 8, 8, 4}), zeros({3, 3, 2, 3}));
        }) ==
        "conv: the number of filters must be divisible by the number of groups, got 3 filters and 2 groups (kernel "
        "(3, 3, 2, 3), x (2, 8, 8, 4))");
  CHECK(nn::refusal([&] {
          conv(x, zeros({3, 1, 8}));
        }) == "conv: x (2, 28, 28, 1) takes a kernel of 4 axes, got (3, 1, 8)");
  CHECK(nn::refusal([&] {
          conv(zeros({28, 28}), zeros({3, 1}));
        }) == "conv: x must have 3 to 5 axes: batch, one to three spatial ones, and channels; got (28, 28)");
  CHECK(nn::refusal([&] {
          conv(x, zeros({3, 3, 1, 8}), zeros({7}));
        }) == "conv: the bias must have the shape (8,), one number per filter, got (7,)");
  CHECK(nn::refusal([&] {
          conv(x, zeros({3, 3, 1, 8}), {}, {.strides = {0}});
        }) == "conv: strides must be positive, got 0");
  CHECK(nn::refusal([&] {
          conv(x, zeros({3, 3, 1, 8}), {}, {.dilation_rate = {1, 2, 3}});
        }) == "conv: dilation_rate must hold one number, or one per spatial axis (2), got 3 numbers");
  CHECK(nn::refusal([&] {
          conv(x, zeros({3, 3, 1, 8}), {}, {.padding = "full"});
        }) == "conv: padding must be \"valid\" or \"same\", got \"full\"");
  CHECK(nn::refusal([&] {
          conv(x, zeros({3, 3, 1, 8}), {}, {.padding = "causal"});
        }) ==
        "conv: padding must be \"valid\" or \"same\", got \"causal\", which only one-dimensional convolution has");
  CHECK(nn::refusal([&] {
          conv(x, zeros({3, 3, 1, 8}), {}, {.data_format = "NHWC"});
        }) == "conv: data_format must be \"channels_last\" or \"channels_first\", got \"NHWC\"");
  CHECK(nn::refusal([&] {
          conv(zeros({1, 2, 9, 1}), zeros({3, 3, 1, 8}));
        }) ==
        "conv: the output would be empty: a window of 3 cells does not fit into spatial axis 0 of x (1, 2, 9, 1) "
        "(channels last) with padding \"valid\"");
  CHECK(nn::refusal([&] {
          depthwise_conv(x, zeros({3, 3, 2, 1}));
        }) == "depthwise_conv: the kernel (3, 3, 2, 1) takes 2 channels, x (2, 28, 28, 1) has 1");
  CHECK(nn::refusal([&] {
          separable_conv(x, zeros({3, 3, 1, 1}), zeros({2, 1, 1, 1}));
        }) == "separable_conv: the pointwise kernel must cover one cell, got (2, 1, 1, 1)");
}

TEST_CASE("conv: a single image costs no more than two, however its rows are shared out") {
  const Tensor kernel = numbers({5, 5, 64, 36}, 0.1, 1.0, 0.0, DType::float32);
  const auto seconds = [&](std::int64_t batch) {
    const Tensor x = numbers({batch, 31, 31, 64}, 0.1, 1.0, 0.0, DType::float32);
    double best = 1e9;
    for (int i = 0; i < 4; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      conv(x, kernel, {}, {.strides = {2}, .padding = "same"});
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    return best;
  };
  CHECK(seconds(1) <
        8 * seconds(2));  // oneDNN's reference, which a last piece of few rows had come to, takes 500 times
}
