#include "nn_check.hpp"

using namespace nyala;
using nn::numbers;

// Whatever kernels this machine and build choose, against the reference: outputs and gradients, on sizes that leave
// every kind of rest behind vectors, blocks and threads.

namespace {

std::vector<Tensor> outputs_and_gradients(const nn::Function& f, const std::vector<Tensor>& inputs) {
  GradientTape tape;
  for (const Tensor& input : inputs) tape.watch(input);
  const Tensor y = f(inputs);
  std::vector<Tensor> all = tape.gradient(y, inputs, numbers(y.shape(), 0.4, 1.0, 0.3, y.dtype()));
  all.push_back(y);
  const StopRecording stop;
  all.push_back(f(inputs));
  return all;
}

void check_fast(const char* name, const nn::Function& f, const std::vector<Tensor>& inputs, double tolerance = 2e-5) {
  CAPTURE(name);
  const std::vector<Tensor> fast = outputs_and_gradients(f, inputs);
  const testing::ReferenceKernelsScope reference;
  const std::vector<Tensor> wanted = outputs_and_gradients(f, inputs);
  for (std::size_t i = 0; i < fast.size(); ++i) {
    CAPTURE(i);
    nn::check_close(cast(fast[i], DType::float64), cast(wanted[i], DType::float64), tolerance);
  }
}

const Shape shapes[] = {{1, 1}, {3, 5}, {7, 16}, {5, 33}, {67, 130}, {2, 9, 11, 19}};

}  // namespace

TEST_CASE("softmax, log_softmax and crossentropies: every choice of kernels agrees") {
  for (const Shape& shape : shapes) {
    const Tensor x = numbers(shape, 0.1, 4.0, 0.0, DType::float32);
    check_fast("softmax", [](const std::vector<Tensor>& in) { return softmax(in[0]); }, {x});
    check_fast("log_softmax", [](const std::vector<Tensor>& in) { return log_softmax(in[0]); }, {x});
    Shape rows = shape;
    rows.pop_back();
    const Tensor labels = cast(abs(numbers(rows, 0.7, 0.99 * static_cast<double>(shape.back()))), DType::int32);
    check_fast("sparse_categorical_crossentropy",
               [&](const std::vector<Tensor>& in) { return sparse_categorical_crossentropy(labels, in[0], true); },
               {x});
  }
}

TEST_CASE("normalisations: every choice of kernels agrees") {
  for (const Shape& shape : shapes) {
    const Tensor x = numbers(shape, 0.1, 2.0, 1.0, DType::float32);
    const Shape channels{shape.back()};
    const std::vector<Tensor> inputs{x, numbers(channels, 0.2, 1.0, 0.0, DType::float32),
                                     numbers(channels, 0.3, 1.0, 0.0, DType::float32)};
    if (shape.front() > 1) {
      check_fast(
          "batch_norm_train",
          [](const std::vector<Tensor>& in) { return batch_norm_train(in[0], in[1], in[2], -1, 1e-3).y; }, inputs,
          1e-4);
    }
    check_fast(
        "batch_normalization",
        [&](const std::vector<Tensor>& in) {
          return batch_normalization(in[0], inputs[1], square(inputs[2]), -1, in[1], in[2]);
        },
        inputs, 1e-4);
    check_fast(
        "layer_normalization",
        [](const std::vector<Tensor>& in) { return layer_normalization(in[0], in[1], in[2], -1, 1e-3); }, inputs, 1e-4);
  }
}

TEST_CASE("pooling and resizing: every choice of kernels agrees") {
  for (const Shape& shape : {Shape{2, 9, 11, 19}, Shape{3, 8, 6, 16}, Shape{1, 5, 4, 1}}) {
    const Tensor x = cast(nn::distinct(shape), DType::float32);
    for (const char* padding : {"valid", "same"}) {
      for (const std::int64_t size : {2, 3}) {
        const PoolArguments arguments{.strides = {2}, .padding = padding};
        check_fast("max_pool", [&](const std::vector<Tensor>& in) { return max_pool(in[0], {size}, arguments); }, {x});
        check_fast("average_pool",
                   [&](const std::vector<Tensor>& in) { return average_pool(in[0], {size}, arguments); }, {x});
      }
    }
    check_fast("resize", [](const std::vector<Tensor>& in) { return resize(in[0], {13, 7}); }, {x});
  }
}

TEST_CASE("activations: every choice of kernels agrees") {
  Tensor (*functions[])(const Tensor&) = {
      relu6,
      selu,
      sigmoid,
      log_sigmoid,
      hard_sigmoid,
      silu,
      hard_silu,
      softplus,
      softsign,
      mish,
      [](const Tensor& x) { return relu(x); },
      [](const Tensor& x) { return leaky_relu(x); },
      [](const Tensor& x) { return elu(x); },
      [](const Tensor& x) { return gelu(x); },
      [](const Tensor& x) { return gelu(x, true); },
  };
  for (const Shape& shape : shapes) {
    for (const double scale : {0.5, 8.0, 60.0}) {
      const Tensor x = numbers(shape, 0.1, scale, 0.01, DType::float32);
      int index = 0;
      for (const auto function : functions) {
        CAPTURE(index++);
        check_fast(
            "activation", [&](const std::vector<Tensor>& in) { return function(in[0]); }, {x}, 4e-6);
      }
    }
  }
}

TEST_CASE("bfloat16: every choice of kernels agrees to its eight bits") {
  const auto half = [](const Shape& shape, double phase) { return numbers(shape, phase, 1.0, 0.0, DType::bfloat16); };
  check_fast(
      "dense", [](const std::vector<Tensor>& in) { return dense(in[0], in[1], in[2], FusedActivation::relu); },
      {half({17, 40}, 0.1), half({40, 24}, 0.2), half({24}, 0.3)}, 4e-2);
  check_fast(
      "conv", [](const std::vector<Tensor>& in) { return conv(in[0], in[1], in[2], {.padding = "same"}); },
      {half({2, 6, 7, 16}, 0.1), half({3, 3, 16, 24}, 0.2), half({24}, 0.3)}, 4e-2);
  check_fast(
      "softmax", [](const std::vector<Tensor>& in) { return softmax(in[0]); }, {half({5, 33}, 0.1)}, 2e-2);
  check_fast(
      "layer_normalization", [](const std::vector<Tensor>& in) { return layer_normalization(in[0]); },
      {half({5, 33}, 0.1)}, 4e-2);
  check_fast(
      "max_pool", [](const std::vector<Tensor>& in) { return max_pool(in[0], {2}); }, {half({2, 6, 6, 8}, 0.1)}, 0.0);
  check_fast(
      "sigmoid", [](const std::vector<Tensor>& in) { return sigmoid(in[0]); }, {half({5, 33}, 0.1)}, 1e-2);
}
