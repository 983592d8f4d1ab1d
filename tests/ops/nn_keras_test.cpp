#include "keras_values/activation.hpp"
#include "keras_values/attention.hpp"
#include "keras_values/convolution.hpp"
#include "keras_values/crossentropy.hpp"
#include "keras_values/normalisation.hpp"
#include "keras_values/pooling.hpp"
#include "keras_values/recurrent.hpp"
#include "keras_values/resizing.hpp"
#include "keras_values/transposed_convolution.hpp"
#include "nn_check.hpp"

using namespace nyala;
using nn::numbers;

// The calls of nn_keras_values.py, on the same numbers.

namespace {

void check_keras(const nn::Values& values, const std::string& name, const Tensor& got, double tolerance = 1e-9) {
  CAPTURE(name);
  const auto found = values.find(name);
  REQUIRE(found != values.end());
  REQUIRE(got.size() == static_cast<std::int64_t>(found->second.size()));
  nn::check_close(ravel(got), tensor(found->second), tolerance, name);
}

Tensor flat(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> parts;
  for (const Tensor& each : tensors) {
    if (each.defined()) parts.push_back(ravel(each));
  }
  return concatenate(parts);
}

/// The same set of activations by Keras' names.
const std::vector<std::pair<const char*, Tensor (*)(const Tensor&)>> named{
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"relu6", relu6},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
    {"elu", [](const Tensor& x) { return elu(x); }},
    {"selu", selu},
    {"celu", [](const Tensor& x) { return celu(x); }},
    {"gelu", [](const Tensor& x) { return gelu(x); }},
    {"sigmoid", sigmoid},
    {"log_sigmoid", log_sigmoid},
    {"hard_sigmoid", hard_sigmoid},
    {"silu", silu},
    {"hard_silu", hard_silu},
    {"softplus", softplus},
    {"softsign", softsign},
    {"mish", mish},
    {"hard_tanh", hard_tanh},
    {"tanh_shrink", tanh_shrink},
    {"soft_shrink", [](const Tensor& x) { return soft_shrink(x); }},
    {"hard_shrink", [](const Tensor& x) { return hard_shrink(x); }},
    {"squareplus", [](const Tensor& x) { return squareplus(x); }},
    {"sparse_plus", sparse_plus},
    {"sparse_sigmoid", sparse_sigmoid},
    {"exponential", exponential},
    {"glu", [](const Tensor& x) { return glu(x); }},
    {"softmax", [](const Tensor& x) { return softmax(x); }},
    {"log_softmax", [](const Tensor& x) { return log_softmax(x); }},
    {"sparsemax", [](const Tensor& x) { return sparsemax(x); }},
    {"relu_with_all", [](const Tensor& x) { return relu(x, 0.1, 1.5, 0.25); }},
    {"relu_negative_threshold", [](const Tensor& x) { return relu(x, 0.1, 1.5, -0.5); }},
    {"relu_slope_and_maximum", [](const Tensor& x) { return relu(x, 0.2, 6.0); }},
    {"gelu_approximate", [](const Tensor& x) { return gelu(x, true); }},
    {"threshold", [](const Tensor& x) { return threshold(x, 0.5, 20.0); }},
};

}  // namespace

TEST_CASE("activations give Keras' values") {
  const Tensor x = numbers({3, 4}, 0.4, 2.5);
  for (const auto& [name, function] : named) check_keras(nn::activation_values(), name, function(x));
}

TEST_CASE("convolutions give Keras' values") {
  const Tensor x = numbers({2, 5, 6, 4}, 0.1), kernel = numbers({3, 2, 4, 3}, 0.2);
  check_keras(nn::convolution_values(), "conv_same", conv(x, kernel, {}, {.strides = {2, 3}, .padding = "same"}));
  check_keras(nn::convolution_values(), "conv_dilated",
              conv(x, kernel, {}, {.padding = "same", .dilation_rate = {2, 1}}));
  check_keras(nn::convolution_values(), "conv_groups", conv(x, numbers({2, 2, 2, 6}, 0.2)));
  const ConvArguments same{.strides = {2}, .padding = "same"};
  check_keras(nn::convolution_values(), "depthwise", depthwise_conv(x, numbers({3, 3, 4, 2}, 0.2), {}, same));
  check_keras(nn::convolution_values(), "separable",
              separable_conv(x, numbers({3, 3, 4, 2}, 0.2), numbers({1, 1, 8, 3}, 0.3), {}, same));
  check_keras(nn::convolution_values(), "conv_causal",
              conv(numbers({1, 6, 2}, 0.1), numbers({3, 2, 3}, 0.2), {}, {.strides = {2}, .padding = "causal"}));
}

TEST_CASE("conv_transpose gives Keras' values for every padding") {
  const Tensor x = numbers({1, 3, 4, 2}, 0.1);
  for (const std::string padding : {"valid", "same"})
    for (const std::int64_t stride : {1, 2, 3})
      for (const std::int64_t size : {2, 3})
        for (const std::int64_t more : {-1, 1, 2}) {
          if (more >= stride) continue;
          const std::string last = more < 0 ? "none" : std::to_string(more);
          const ConvArguments arguments{.strides = {stride}, .padding = padding};
          check_keras(nn::transposed_convolution_values(),
                      "transpose_" + padding + "_" + std::to_string(stride) + "_" + std::to_string(size) + "_" + last,
                      conv_transpose(x, numbers({size, size, 1, 2}, 0.2), {}, arguments,
                                     more < 0 ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{more}));
        }
  check_keras(nn::transposed_convolution_values(), "transpose_dilated",
              conv_transpose(x, numbers({3, 2, 1, 2}, 0.2), {}, {.padding = "same", .dilation_rate = {2}}));
}

TEST_CASE("pooling gives Keras' values") {
  const Tensor x = numbers({1, 5, 6, 2}, 0.1);
  for (const std::string padding : {"valid", "same"}) {
    check_keras(nn::pooling_values(), "max_pool_" + padding,
                max_pool(x, {3, 2}, {.strides = {2, 2}, .padding = padding}));
    check_keras(nn::pooling_values(), "average_pool_" + padding,
                average_pool(x, {3, 2}, {.strides = {2, 2}, .padding = padding}));
  }
}

TEST_CASE("normalisations give Keras' values") {
  // Keras takes means and variances in float32.
  const Tensor x = numbers({3, 2, 4}, 0.1, 2.0, 0.5);
  const BatchNormResult second = batch_norm_train(x, numbers({2}, 0.2), numbers({2}, 0.3), 1, 1e-3);
  check_keras(nn::normalisation_values(), "batch_norm", second.y, 1e-6);
  check_keras(nn::normalisation_values(), "batch_norm_mean", second.mean, 1e-6);
  check_keras(nn::normalisation_values(), "batch_norm_variance", second.variance, 1e-6);
  check_keras(nn::normalisation_values(), "batch_norm_inference",
              batch_normalization(x, numbers({4}, 0.2), numbers({4}, 0.3, 0.5, 1.0), -1, numbers({4}, 0.4),
                                  numbers({4}, 0.5), 1e-3),
              1e-6);
  const BatchNormResult masked =
      batch_norm_train(x, {}, {}, -1, 1e-3, tensor({{true, false}, {true, true}, {false, true}}));
  check_keras(nn::normalisation_values(), "batch_norm_masked", masked.y, 1e-6);
  check_keras(nn::normalisation_values(), "batch_norm_masked_variance", masked.variance, 1e-6);
  check_keras(nn::normalisation_values(), "layer_norm",
              layer_normalization(x, numbers({4}, 0.2), numbers({4}, 0.3), -1, 1e-3), 1e-6);
  check_keras(nn::normalisation_values(), "layer_norm_axes",
              layer_normalization(x, numbers({3, 4}, 0.2), numbers({3, 4}, 0.3), {0, 2}, 1e-3), 1e-6);
  check_keras(nn::normalisation_values(), "group_norm", group_normalization(x, numbers({4}, 0.2), numbers({4}, 0.3), 2),
              1e-6);
  check_keras(nn::normalisation_values(), "rms_norm", rms_normalization(x, numbers({4}, 0.2)), 1e-6);
}

TEST_CASE("crossentropies give Keras' values") {
  const Tensor target = softmax(numbers({3, 4}, 0.2)), output = numbers({3, 4}, 0.9, 0.3, 0.35);
  for (const bool logits : {true, false}) {
    const std::string name = logits ? "logits" : "probabilities";
    check_keras(nn::crossentropy_values(), "categorical_" + name, categorical_crossentropy(target, output, logits));
    check_keras(nn::crossentropy_values(), "categorical_first_" + name,
                categorical_crossentropy(target, output, logits, 0));
    check_keras(nn::crossentropy_values(), "sparse_" + name,
                sparse_categorical_crossentropy(tensor({0, 3, 2}), output, logits));
    check_keras(nn::crossentropy_values(), "binary_" + name, binary_crossentropy(target, output, logits));
  }
}

TEST_CASE("dot_product_attention gives Keras' values") {
  const Tensor query = numbers({2, 3, 2, 4}, 0.1), key = numbers({2, 5, 2, 4}, 0.2), value = numbers({2, 5, 2, 4}, 0.3);
  const Tensor seen = numbers({2, 1, 3, 5}, 0.9) > -0.6;
  const Tensor row = logical_not(logical_and(reshape(arange(2) < 1, {2, 1, 1, 1}),
                                             reshape(logical_and(arange(3) > 0, arange(3) < 2), {1, 1, 3, 1})));
  check_keras(nn::attention_values(), "attention", dot_product_attention(query, key, value), 1e-6);
  check_keras(nn::attention_values(), "attention_masked",
              dot_product_attention(query, key, value, numbers({1, 2, 3, 5}, 0.4), logical_and(seen, row), 0.3), 1e-6);
  check_keras(nn::attention_values(), "attention_causal", dot_product_attention(query, key, value, {}, {}, {}, true),
              1e-6);
}

TEST_CASE("resize gives Keras' values") {
  const Tensor x = numbers({1, 3, 4, 2}, 0.1);
  for (const std::string name : {"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"}) {
    check_keras(nn::resizing_values(), "resize_" + name + "_larger", resize(x, {5, 7}, name), 1e-6);
    check_keras(nn::resizing_values(), "resize_" + name + "_smaller", resize(x, {2, 3}, name), 1e-6);
  }
}

TEST_CASE("recurrent sequences give Keras' values") {
  const Tensor x = numbers({2, 4, 3}, 0.1), h0 = numbers({2, 2}, 0.2, 0.7), c0 = numbers({2, 2}, 0.6, 0.5);
  const Tensor mask = tensor({{true, false, true, true}, {true, true, false, false}});
  const auto kernel = [](std::int64_t gates) { return numbers({3, 2 * gates}, 0.3, 0.8); };
  const auto recurrent = [](std::int64_t gates) { return numbers({2, 2 * gates}, 0.4, 0.9); };
  const auto bias = [](const Shape& shape) { return numbers(shape, 0.5, 0.6); };
  struct Variant {
    std::string name;
    Tensor mask;
    RnnArguments arguments;
  };
  const Variant variants[] = {
      {"plain", {}, {}},
      {"masked", mask, {}},
      {"backwards", mask, {.go_backwards = true, .zero_output_for_mask = true}},
      {"activations", {}, {.activation = "softsign", .recurrent_activation = "hard_sigmoid"}},
  };
  for (const Variant& each : variants) {
    const RnnResult long_short = lstm(x, h0, c0, kernel(4), recurrent(4), bias({8}), each.mask, each.arguments);
    check_keras(nn::recurrent_values(), "lstm_" + each.name,
                flat({long_short.sequence, long_short.state, long_short.cell_state}), 2e-6);
    const RnnResult gated = gru(x, h0, kernel(3), recurrent(3), bias({2, 6}), each.mask, each.arguments);
    check_keras(nn::recurrent_values(), "gru_" + each.name, flat({gated.sequence, gated.state}), 2e-6);
    RnnArguments before = each.arguments;
    before.reset_after = false;
    const RnnResult old = gru(x, h0, kernel(3), recurrent(3), bias({6}), each.mask, before);
    check_keras(nn::recurrent_values(), "gru_before_" + each.name, flat({old.sequence, old.state}), 2e-6);
    const RnnResult simple = simple_rnn(x, h0, kernel(1), recurrent(1), bias({2}), each.mask, each.arguments);
    check_keras(nn::recurrent_values(), "simple_" + each.name, flat({simple.sequence, simple.state}), 2e-6);
  }
}
