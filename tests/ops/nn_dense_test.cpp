#include "nn_check.hpp"

#include <nyala/backend.hpp>

using namespace nyala;
using nn::numbers;

namespace {
constexpr FusedActivation fused_activations[] = {FusedActivation::none, FusedActivation::relu, FusedActivation::sigmoid,
                                                 FusedActivation::tanh, FusedActivation::gelu, FusedActivation::silu};
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
