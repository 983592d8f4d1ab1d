#include "nn_check.hpp"

#include <nyala/backend.hpp>

using namespace nyala;
using nn::numbers;

namespace {
constexpr FusedActivation fused_activations[] = {
    FusedActivation::none, FusedActivation::relu, FusedActivation::sigmoid,  FusedActivation::tanh,
    FusedActivation::gelu, FusedActivation::silu, FusedActivation::gelu_tanh};

Tensor activated(const Tensor& x, FusedActivation activation) {
  switch (activation) {
    case FusedActivation::relu: return relu(x);
    case FusedActivation::sigmoid: return sigmoid(x);
    case FusedActivation::tanh: return tanh(x);
    case FusedActivation::gelu: return gelu(x);
    case FusedActivation::silu: return silu(x);
    case FusedActivation::gelu_tanh: return gelu(x, true);
    case FusedActivation::none: break;
  }
  return x;
}

/// x, and the kernels and biases of two layers.
std::vector<Tensor> two_layers(const Shape& shape, DType dtype = DType::float64) {
  return {numbers(shape, 0.1, 1.0, 0.0, dtype), numbers({shape.back(), 5}, 0.2, 1.0, 0.0, dtype),
          numbers({5}, 0.3, 1.0, 0.0, dtype), numbers({5, 3}, 0.4, 1.0, 0.0, dtype),
          numbers({3}, 0.5, 1.0, 0.0, dtype)};
}
}  // namespace

TEST_CASE("dense: gradients of first and second order with every fused activation") {
  for (const FusedActivation activation : fused_activations) {
    CAPTURE(static_cast<int>(activation));
    const nn::Function f = [&](const std::vector<Tensor>& in) { return dense(in[0], in[1], in[2], activation); };
    const std::vector<Tensor> inputs{numbers({3, 4}, 0.1), numbers({4, 5}, 0.2), numbers({5}, 0.3)};
    nn::check_gradients(f, inputs);
    nn::check_second_gradients(f, inputs);
  }
}

TEST_CASE("dense after dense: gradients of first and second order") {
  for (const FusedActivation activation : fused_activations) {
    CAPTURE(static_cast<int>(activation));
    const nn::Function f = [&](const std::vector<Tensor>& in) {
      return dense(dense(in[0], in[1], in[2], activation), in[3], in[4], FusedActivation::tanh);
    };
    nn::check_gradients(f, two_layers({2, 3}));
    // One whose gradient is found from the value after it, one from that before.
    if (activation != FusedActivation::relu && activation != FusedActivation::gelu) continue;
    nn::check_gradients(f, two_layers({2, 1, 2}));
    nn::check_second_gradients(f, two_layers({2, 2}));
  }
}

TEST_CASE("dense after dense: whoever else uses what lies between, or asks for its gradient, gets the same") {
  for (const FusedActivation activation : fused_activations) {
    for (int way = 0; way < 6; ++way) {
      CAPTURE(static_cast<int>(activation));
      CAPTURE(way);
      const auto gradients = [&](bool with_fusion) {
        const std::vector<Tensor> in = two_layers({2, 3, 4}, DType::float32);
        GradientTape tape({.persistent = way == 3});
        for (std::size_t i = 0; i < in.size(); ++i) {
          if (way != 4 || i != 2) tape.watch(in[i]);  // 4: the first bias needs none
        }
        const Tensor bias = way == 5 ? Tensor() : in[2];
        const Tensor between =
            with_fusion ? dense(in[0], in[1], bias, activation) : activated(dense(in[0], in[1], bias), activation);
        Tensor out = dense(between, in[3], in[4]);
        if (way == 1) out = sum(out) + sum(square(between));
        std::vector<Tensor> sources = in;
        if (way == 2) sources.push_back(between);
        if (way == 3) tape.gradient(out, sources);
        return tape.gradient(out, sources);
      };
      const std::vector<Tensor> found = gradients(true), expected = gradients(false);
      for (std::size_t i = 0; i < found.size(); ++i) {
        CAPTURE(i);
        REQUIRE(found[i].defined() == expected[i].defined());
        if (found[i].defined()) nn::check_close(found[i], expected[i], 5e-6);
      }
    }
  }
}

TEST_CASE("dense: relu passes no gradient where the sum is exactly 0") {
  for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
    std::vector<Tensor> in = two_layers({3, 4}, dtype);
    in[0] = zeros({3, 4}, dtype);
    in[2] = zeros({5}, dtype);
    GradientTape tape;
    for (const Tensor& each : in) tape.watch(each);
    const std::vector<Tensor> gradients =
        tape.gradient(dense(dense(in[0], in[1], in[2], FusedActivation::relu), in[3], in[4]), in);
    nn::check_close(gradients[2], zeros({5}, dtype), 0.0);
    nn::check_close(gradients[4], full({3}, 3.0, dtype), 0.0);
  }
}

TEST_CASE("dense: a gradient that somebody holds is not written over") {
  const std::vector<Tensor> in = two_layers({3, 4}, DType::float32);
  const Tensor given = ones({3, 5}, DType::float32), copy = given.clone();
  {
    GradientTape tape;
    tape.watch(in[1]);
    tape.gradient(dense(in[0], in[1], in[2], FusedActivation::tanh), in[1], given);
    nn::check_close(given, copy, 0.0);
  }
  Tensor held;
  GradientTape tape;
  tape.watch(in[1]);
  const Tensor y = dense(in[0], in[1], in[2], FusedActivation::tanh);
  const Tensors same = custom_gradient(
      {y}, [](const Tensors& x) { return x; },
      [&](const Tensors& gradients) {
        held = gradients[0];
        return gradients;
      });
  tape.gradient(same[0] * 1.0, in[1]);
  nn::check_close(held, copy, 0.0);
}

TEST_CASE("dense: any rank, with and without bias") {
  for (const Shape& shape : {Shape{4}, Shape{1, 4}, Shape{2, 3, 4}, Shape{2, 1, 2, 4}}) {
    CAPTURE(shape.str());
    const Tensor x = numbers(shape, 0.5), kernel = numbers({4, 3}, 0.6);
    const Tensor y = dense(x, kernel);
    Shape wanted = shape;
    wanted.back() = 3;
    CHECK(y.shape() == wanted);
    nn::check_close(y, reshape(matmul(reshape(x, {-1, 4}), kernel), wanted), 1e-14);
    nn::check_gradients([](const std::vector<Tensor>& in) { return dense(in[0], in[1]); }, {x, kernel});
  }
}

TEST_CASE("dense promotes its operands and takes no rows") {
  CHECK(dense(zeros({2, 3}, DType::float64), zeros({3, 1})).dtype() == DType::float64);
  CHECK(dense(zeros({2, 3}, DType::int32), zeros({3, 1})).dtype() == DType::float32);
  CHECK(dense(Tensor::empty({0, 3}, DType::float32), zeros({3, 2})).shape() == Shape{0, 2});
}

TEST_CASE("dense: the fast kernels agree with the reference") {
  const Tensor x = numbers({33, 70}, 0.1, 1.0, 0.0, DType::float32);
  const Tensor kernel = numbers({70, 19}, 0.2, 0.2, 0.0, DType::float32);
  const Tensor bias = numbers({19}, 0.3, 1.0, 0.0, DType::float32);
  for (const FusedActivation activation : fused_activations) {
    const Tensor fast = dense(x, kernel, bias, activation);
    set_cpu_kernels("reference");
    const Tensor reference = dense(x, kernel, bias, activation);
    set_cpu_kernels("auto");
    nn::check_close(fast, reference, 2e-6);
  }
}

TEST_CASE("dense names what it refuses") {
  const Tensor x = zeros({32, 100});
  CHECK(nn::refusal([&] {
          dense(x, zeros({784, 128}));
        }) == "dense: the kernel (784, 128) takes 784 features, x (32, 100) has 100");
  CHECK(nn::refusal([&] { dense(x, zeros({100})); }) ==
        "dense: the kernel must have two axes (features, units), got (100,)");
  CHECK(nn::refusal([&] {
          dense(x, zeros({100, 4}), zeros({5}));
        }) == "dense: the kernel (100, 4) takes a bias (4,), got (5,)");
  CHECK(nn::refusal([&] {
          dense(Tensor(1.0f), zeros({1, 4}));
        }) == "dense: x must have at least one axis, got a scalar");
  CHECK(nn::refusal([&] { dense({}, zeros({1, 4})); }).find("dense: ") == 0);
}
