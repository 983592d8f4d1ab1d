#include "nn_check.hpp"
#include "support/device.hpp"

using namespace nyala;
using namespace nyala::testing;
using nn::numbers;

namespace {

Tensor probabilities(const Shape& shape, double phase) { return softmax(numbers(shape, phase, 1.5)); }

}  // namespace

TEST_CASE("categorical_crossentropy: gradients with respect to output and target") {
  for (const int axis : {-1, 0}) {
    const Tensor target = probabilities({3, 4}, 0.2);
    const nn::Function logits = [&](const std::vector<Tensor>& in) {
      return categorical_crossentropy(in[0], in[1], true, axis);
    };
    nn::check_gradients(logits, {target, numbers({3, 4}, 0.7, 2.0)});
    nn::check_second_gradients(logits, {target, numbers({3, 4}, 0.7, 2.0)});
    const nn::Function given = [&](const std::vector<Tensor>& in) {
      return categorical_crossentropy(in[0], in[1], false, axis);
    };
    nn::check_gradients(given, {target, numbers({3, 4}, 0.9, 0.3, 0.6)});
    nn::check_second_gradients(given, {target, numbers({3, 4}, 0.9, 0.3, 0.6)});
  }
}

TEST_CASE("sparse_categorical_crossentropy: gradients, and the same value as one-hot targets") {
  const Tensor labels = tensor({0, 3, 2});
  const Tensor logits = numbers({3, 4}, 0.7, 2.0), given = numbers({3, 4}, 0.9, 0.3, 0.6);
  for (const bool from_logits : {true, false}) {
    CAPTURE(from_logits);
    const Tensor& output = from_logits ? logits : given;
    const nn::Function f = [&](const std::vector<Tensor>& in) {
      return sparse_categorical_crossentropy(labels, in[0], from_logits);
    };
    nn::check_gradients(f, {output});
    nn::check_second_gradients(f, {output});
    const Tensor hot = one_hot(labels, 4, -1, DType::float64);
    nn::check_close(f({output}), categorical_crossentropy(hot, output, from_logits), 1e-14);
  }
}

TEST_CASE("sparse_categorical_crossentropy: shapes, axes and dtypes of labels") {
  const Tensor output = numbers({2, 3, 4}, 0.7, 2.0);
  const Tensor labels = tensor({{0, 3, 2}, {1, 1, 0}});
  const Tensor wanted = sparse_categorical_crossentropy(labels, output, true);
  CHECK(wanted.shape() == Shape{2, 3});
  for (const DType dtype : {DType::uint8, DType::int64, DType::float32, DType::uint32}) {
    nn::check_close(sparse_categorical_crossentropy(cast(labels, dtype), output, true), wanted, 0.0);
  }
  nn::check_close(sparse_categorical_crossentropy(expand_dims(labels, -1), output, true), wanted, 0.0);
  for (const bool from_logits : {true, false}) {
    const Tensor last = sparse_categorical_crossentropy(labels, abs(output), from_logits);
    nn::check_close(sparse_categorical_crossentropy(labels, moveaxis(abs(output), -1, 1), from_logits, 1), last, 1e-15);
    nn::check_gradients(
        [&](const std::vector<Tensor>& in) { return sparse_categorical_crossentropy(labels, in[0], from_logits, 1); },
        {moveaxis(abs(output), -1, 1)});
  }
  CHECK(sparse_categorical_crossentropy(Tensor::empty({0}, DType::int32), zeros({0, 3}), true).shape() == Shape{0});
}

TEST_CASE("binary_crossentropy: gradients with respect to output and target") {
  const Tensor target = numbers({2, 5}, 0.4, 0.5, 0.5);
  for (const bool from_logits : {true, false}) {
    CAPTURE(from_logits);
    const Tensor output = from_logits ? numbers({2, 5}, 0.7, 3.0) : numbers({2, 5}, 0.7, 0.4, 0.5);
    const nn::Function f = [&](const std::vector<Tensor>& in) {
      return binary_crossentropy(in[0], in[1], from_logits);
    };
    nn::check_gradients(f, {target, output});
    nn::check_second_gradients(f, {target, output});
  }
}

TEST_CASE("crossentropies from logits are exact where probabilities round") {
  const Tensor logits = tensor({{40.0, -40.0}});
  const Tensor right = binary_crossentropy(tensor({{1.0, 0.0}}), logits, true);
  for (const double value : right.to_vector<double>()) CHECK(std::abs(value / std::exp(-40.0) - 1.0) < 1e-5);
  const Tensor wrong = binary_crossentropy(tensor({{0.0, 1.0}}), logits, true);
  CHECK(wrong.to_vector<double>() == std::vector<double>{40.0, 40.0});
  const Tensor huge = sparse_categorical_crossentropy(tensor({1}), tensor({{1e4, 0.0}}), true);
  CHECK(huge.item<double>() == 1e4);
  Tensor at_zero = zeros({1, 1});
  GradientTape tape;
  tape.watch(at_zero);
  CHECK(tape.gradient(binary_crossentropy(tensor({{1.0}}), at_zero, true), at_zero).item<double>() == -0.5);
}

TEST_CASE("crossentropies of probabilities clip to epsilon as Keras does") {
  const Tensor sure = tensor({{1.0, 0.0}});
  const Tensor wrong = sparse_categorical_crossentropy(tensor({1}), sure);
  CHECK(std::abs(wrong.item<double>() + std::log(1e-7)) < 1e-4);
  const Tensor right = sparse_categorical_crossentropy(tensor({0}), sure);
  CHECK(std::abs(right.item<double>() - 1.1920929e-7) < 1e-8);
}

TEST_CASE("crossentropies name what they refuse") {
  const Tensor output = zeros({3, 10});
  const auto wrong_label = [](const std::string& rule, const char* label) {
    const std::string op = "sparse_categorical_crossentropy: labels must ";
    return on_gpu() ? found_later(op + "be whole numbers in [0, classes); the classes are 10")
                    : op + rule + " in [0, 10), as the output has 10 classes, got " + label;
  };
  CHECK(told([&] { sparse_categorical_crossentropy(tensor({1, 12, 3}), output, true); }) == wrong_label("lie", "12"));
  CHECK(told([&] { sparse_categorical_crossentropy(tensor({1, -1, 3}), output); }) == wrong_label("lie", "-1"));
  CHECK(told([&] {
          sparse_categorical_crossentropy(tensor({1.0, 2.5, 3.0}), output);
        }) == wrong_label("be whole numbers", "2.5"));
  CHECK(nn::refusal([&] {
          sparse_categorical_crossentropy(tensor({1, 2}), output);
        }) ==
        "sparse_categorical_crossentropy: target must have the output's shape but for its classes: (3,), got (2,) "
        "beside the output (3, 10)");
  CHECK(nn::refusal([&] {
          categorical_crossentropy(zeros({3, 9}), output);
        }) == "categorical_crossentropy: target and output must have the same shape, got (3, 9) and (3, 10)");
  CHECK(nn::refusal([&] { binary_crossentropy(zeros({3}), output); }) ==
        "binary_crossentropy: target and output must have the same shape, got (3,) and (3, 10)");
}
