#include "nn_check.hpp"

#include <limits>

using namespace nyala;
using nn::check_gradients;
using nn::check_second_gradients;
using nn::numbers;

namespace {

struct Activation {
  const char* name;
  Tensor (*function)(const Tensor&);
};

const Activation activations[] = {
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"relu with slope", [](const Tensor& x) { return relu(x, 0.3); }},
    {"relu with a maximum", [](const Tensor& x) { return relu(x, 0.0, 1.5); }},
    {"relu with all", [](const Tensor& x) { return relu(x, 0.1, 1.5, 0.25); }},
    {"relu6", [](const Tensor& x) { return relu6(x * 4.0); }},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
    {"leaky_relu, negative slope", [](const Tensor& x) { return leaky_relu(x, -0.4); }},
    {"elu", [](const Tensor& x) { return elu(x, 0.7); }},
    {"elu, negative alpha", [](const Tensor& x) { return elu(x, -0.7); }},
    {"selu", [](const Tensor& x) { return selu(x); }},
    {"celu", [](const Tensor& x) { return celu(x, 1.3); }},
    {"gelu", [](const Tensor& x) { return gelu(x); }},
    {"gelu, approximate", [](const Tensor& x) { return gelu(x, true); }},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
    {"log_sigmoid", [](const Tensor& x) { return log_sigmoid(x); }},
    {"hard_sigmoid", [](const Tensor& x) { return hard_sigmoid(x * 2.0); }},
    {"silu", [](const Tensor& x) { return silu(x); }},
    {"hard_silu", [](const Tensor& x) { return hard_silu(x * 2.0); }},
    {"softplus", [](const Tensor& x) { return softplus(x); }},
    {"softsign", [](const Tensor& x) { return softsign(x); }},
    {"mish", [](const Tensor& x) { return mish(x); }},
    {"hard_tanh", [](const Tensor& x) { return hard_tanh(x); }},
    {"tanh_shrink", [](const Tensor& x) { return tanh_shrink(x); }},
    {"soft_shrink", [](const Tensor& x) { return soft_shrink(x); }},
    {"hard_shrink", [](const Tensor& x) { return hard_shrink(x); }},
    {"squareplus", [](const Tensor& x) { return squareplus(x); }},
    {"sparse_plus", [](const Tensor& x) { return sparse_plus(x); }},
    {"sparse_sigmoid", [](const Tensor& x) { return sparse_sigmoid(x); }},
    {"threshold", [](const Tensor& x) { return threshold(x, 0.5, 20.0); }},
    {"exponential", [](const Tensor& x) { return exponential(x); }},
    {"linear", [](const Tensor& x) { return linear(x); }},
    {"glu", [](const Tensor& x) { return glu(x); }},
    {"glu, first axis", [](const Tensor& x) { return glu(x, 0); }},
    {"softmax", [](const Tensor& x) { return softmax(x); }},
    {"softmax, first axis", [](const Tensor& x) { return softmax(x, 0); }},
    {"softmax, both axes",
     [](const Tensor& x) {
       return softmax(x, {0, 1});
     }},
    {"log_softmax", [](const Tensor& x) { return log_softmax(x); }},
    {"log_softmax, first axis", [](const Tensor& x) { return log_softmax(x, 0); }},
    {"sparsemax", [](const Tensor& x) { return sparsemax(x); }},
    {"sparsemax, first axis", [](const Tensor& x) { return sparsemax(x, 0); }},
};

}  // namespace

TEST_CASE("activations: gradients of first and second order") {
  const Tensor x = numbers({4, 6}, 0.4, 2.2);
  for (const Activation& activation : activations) {
    CAPTURE(activation.name);
    const nn::Function f = [&](const std::vector<Tensor>& in) { return activation.function(in[0]); };
    check_gradients(f, {x});
    check_second_gradients(f, {x});
  }
}

TEST_CASE("softmax over two of three axes equals softmax of the flattened axes") {
  const Tensor x = numbers({3, 4, 5}, 0.9, 3.0);
  const Tensor moved = reshape(transpose(x, {1, 0, 2}), {4, 15});
  nn::check_close(softmax(x, {0, 2}), transpose(reshape(softmax(moved), {4, 3, 5}), {1, 0, 2}), 1e-15);
  nn::check_close(log_softmax(x, {0, -1}), log(softmax(x, {0, 2})), 1e-13);
  nn::check_close(sum(softmax(x, Axes())), Tensor(1.0), 1e-15);
}

TEST_CASE("softmax neither overflows nor loses its sum") {
  const Tensor y = softmax(tensor({{1e4, 1e4 - 1.0, -1e4}}));
  CHECK(std::abs(y.to_vector<double>()[0] - 1.0 / (1.0 + std::exp(-1.0))) < 1e-6);
  const double boundless = std::numeric_limits<double>::infinity();
  CHECK(softmax(tensor({{0.0, -boundless}})).to_vector<double>() == std::vector<double>{1.0, 0.0});
}

TEST_CASE("activations of integers compute in floatx; relu keeps them") {
  CHECK(relu(tensor({-1, 2})).dtype() == DType::int32);
  CHECK(relu(tensor({-1, 2})).to_vector<int>() == std::vector<int>{0, 2});
  CHECK(sigmoid(tensor({0, 1})).dtype() == DType::float32);
  CHECK(softmax(tensor({0, 0})).to_vector<float>() == std::vector<float>{0.5f, 0.5f});
}

TEST_CASE("activations take tensors without elements") {
  const Tensor nothing = Tensor::empty({0, 3}, DType::float32);
  CHECK(relu(nothing).shape() == Shape{0, 3});
  CHECK(softmax(nothing).shape() == Shape{0, 3});
  CHECK(softmax(Tensor::empty({2, 0}, DType::float32)).shape() == Shape{2, 0});
  CHECK(log_softmax(nothing, 0).shape() == Shape{0, 3});
}

TEST_CASE("activations name what they refuse") {
  const Tensor x = zeros({2, 3});
  CHECK(nn::refusal([&] { glu(x); }) == "glu: axis -1 of x (2, 3) must be even, so that it has two halves");
  CHECK(nn::refusal([&] { softmax(Tensor(1.0f)); }) == "softmax: x must have at least one axis, got a scalar");
  CHECK(nn::refusal([&] { softmax(x, 2); }).find("softmax: ") == 0);
  CHECK(nn::refusal([&] { relu(x, 0.0, -1.0); }) == "relu: max_value must not be negative, got -1");
  CHECK(nn::refusal([&] { celu(x, 0.0); }) == "celu: alpha must not be 0");
  CHECK(nn::refusal([&] { sigmoid(Tensor()); }).find("sigmoid: ") == 0);
  CHECK(nn::refusal([&] { sigmoid(tensor({"a"})); }).find("sigmoid: takes numbers") == 0);
}
