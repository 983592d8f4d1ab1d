#include "nn_check.hpp"

using namespace nyala;
using nn::numbers;

namespace {

std::int64_t length(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
                    const std::string& padding, const std::vector<std::int64_t>& output_padding) {
  const ConvArguments arguments{.strides = {stride}, .padding = padding, .dilation_rate = {dilation}};
  return conv_transpose(zeros({1, in, 1}), zeros({kernel, 1, 1}), {}, arguments, output_padding).shape()[1];
}

}  // namespace

TEST_CASE("conv_transpose: the lengths that Keras documents") {
  for (const std::int64_t in : {1, 4, 5})
    for (const std::int64_t kernel : {1, 2, 3, 5})
      for (const std::int64_t stride : {1, 2, 3})
        for (const std::int64_t dilation : {1, 2}) {
          const std::int64_t covered = (kernel - 1) * dilation + 1;
          CAPTURE(in);
          CAPTURE(covered);
          CAPTURE(stride);
          CHECK(length(in, kernel, stride, dilation, "valid", {}) == (in - 1) * stride + std::max(covered, stride));
          CHECK(length(in, kernel, stride, dilation, "same", {}) == in * stride);
          for (const std::int64_t more : {1, 2, 4}) {
            CHECK(length(in, kernel, stride, dilation, "valid", {more}) == (in - 1) * stride + covered + more);
            CHECK(length(in, kernel, stride, dilation, "same", {more}) == (in - 1) * stride + covered % 2 + more);
          }
        }
}

TEST_CASE("conv_transpose: gradients of first and second order") {
  struct Case {
    const char* name;
    Shape x, kernel;
    ConvArguments arguments;
    std::vector<std::int64_t> output_padding;
  };
  const Case cases[] = {
      {"1-D", {2, 4, 3}, {3, 2, 3}, {}, {}},
      {"2-D stride 2", {1, 3, 4, 2}, {3, 2, 3, 2}, {.strides = {2}}, {}},
      {"2-D same, strides", {1, 3, 4, 2}, {3, 4, 3, 2}, {.strides = {2, 3}, .padding = "same"}, {}},
      {"2-D kernel smaller than stride", {1, 3, 2, 2}, {1, 2, 1, 2}, {.strides = {3}}, {}},
      {"2-D output padding", {1, 3, 2, 2}, {3, 2, 1, 2}, {.strides = {2}}, {1, 4}},
      {"2-D same, output padding", {1, 3, 2, 2}, {3, 4, 1, 2}, {.strides = {3}, .padding = "same"}, {2}},
      {"2-D dilated", {1, 3, 2, 2}, {3, 2, 1, 2}, {.dilation_rate = {2, 1}}, {}},
      {"2-D channels first", {1, 2, 3, 4}, {3, 2, 3, 2}, {.strides = {2}, .data_format = "channels_first"}, {}},
      {"3-D", {1, 2, 2, 2, 2}, {2, 2, 3, 1, 2}, {.strides = {1, 2, 2}, .padding = "same"}, {}},
      {"activation", {1, 3, 4, 2}, {2, 2, 3, 2}, {.activation = FusedActivation::silu}, {}},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    const nn::Function f = [&](const std::vector<Tensor>& in) {
      return conv_transpose(in[0], in[1], in[2], each.arguments, each.output_padding);
    };
    const std::vector<Tensor> inputs{numbers(each.x, 0.1), numbers(each.kernel, 0.2),
                                     numbers({each.kernel[each.kernel.size() - 2]}, 0.3)};
    nn::check_gradients(f, inputs);
    nn::check_second_gradients(f, inputs);
  }
}

TEST_CASE("conv_transpose is the input gradient of conv") {
  const Tensor kernel = numbers({3, 2, 2, 4}, 0.2), y = numbers({2, 3, 3, 4}, 0.3);
  Tensor x = numbers({2, 7, 6, 2}, 0.1);
  GradientTape tape;
  tape.watch(x);
  const Tensor gradient = tape.gradient(conv(x, kernel, {}, {.strides = {2}}), x, y);
  nn::check_close(conv_transpose(y, kernel, {}, {.strides = {2}}), gradient, 1e-14);
}

TEST_CASE("conv_transpose names what it refuses") {
  const Tensor x = zeros({2, 4, 4, 3});
  CHECK(nn::refusal([&] {
          conv_transpose(x, zeros({3, 3, 3, 8}));
        }) == "conv_transpose: the kernel (3, 3, 3, 8) (k…, filters, channels) takes 8 channels, x (2, 4, 4, 3) has 3");
  CHECK(nn::refusal([&] {
          conv_transpose(x, zeros({3, 3, 8, 3}), {}, {}, {-1});
        }) == "conv_transpose: output_padding must not be negative, got -1");
  CHECK(nn::refusal([&] {
          conv_transpose(x, zeros({3, 3, 8, 3}), {}, {}, {1, 1, 1});
        }) == "conv_transpose: output_padding must hold no number, one, or one per spatial axis (2), got 3 numbers");
  CHECK(nn::refusal([&] {
          conv_transpose(x, zeros({3, 3, 8, 3}), zeros({3}));
        }) == "conv_transpose: the bias must have the shape (8,), one number per filter, got (3,)");
  CHECK(nn::refusal([&] {
          conv_transpose(x, zeros({3, 3, 8, 3}), {}, {.padding = "causal"});
        }).find("conv_transpose: padding must be") == 0);
}
