#include "nn_check.hpp"

using namespace nyala;
using nn::numbers;

namespace {

/// y, mean and variance in one tensor, so that gradients flow through all three.
Tensor joined(const BatchNormResult& result) {
  return concatenate({ravel(result.y), 0.7 * result.mean, -1.3 * result.variance});
}

}  // namespace

TEST_CASE("batch_norm_train: gradients of first and second order, through the statistics too") {
  for (const int axis : {-1, 1, 0}) {
    const Shape shape{3, 4, 2};
    const std::int64_t channels = shape.at(axis);
    CAPTURE(axis);
    const std::vector<Tensor> inputs{numbers(shape, 0.1, 1.4, 0.3), numbers({channels}, 0.2), numbers({channels}, 0.3)};
    const nn::Function y = [&](const std::vector<Tensor>& in) {
      return batch_norm_train(in[0], in[1], in[2], axis, 1e-3).y;
    };
    const nn::Function all = [&](const std::vector<Tensor>& in) {
      return joined(batch_norm_train(in[0], in[1], in[2], axis, 1e-3));
    };
    const nn::Function statistics = [&](const std::vector<Tensor>& in) {
      const BatchNormResult result = batch_norm_train(in[0], {}, {}, axis, 1e-3);
      return result.mean + square(result.variance);
    };
    nn::check_gradients(y, inputs);
    nn::check_gradients(all, inputs);
    nn::check_gradients(statistics, {inputs[0]});
    nn::check_second_gradients(y, inputs);
    nn::check_second_gradients(all, inputs);
  }
}

TEST_CASE("batch_norm_train normalises and gives the population's statistics") {
  const Tensor x = numbers({5, 3, 4}, 0.1, 2.0, 1.0);
  const BatchNormResult result = batch_norm_train(x, {}, {}, -1, 0.0);
  nn::check_close(result.mean, mean(x, {0, 1}), 1e-14);
  nn::check_close(result.variance, var(x, {0, 1}), 1e-14);
  nn::check_close(mean(result.y, {0, 1}), zeros({4}, DType::float64), 1e-14);
  nn::check_close(var(result.y, {0, 1}), ones({4}, DType::float64), 1e-13);
}

TEST_CASE("batch_norm_train: a mask leaves positions out of the statistics") {
  const Tensor x = numbers({2, 3, 2}, 0.1, 2.0, 1.0);
  const Tensor mask = tensor({{true, false, true}, {false, true, false}});
  const BatchNormResult result = batch_norm_train(x, {}, {}, -1, 1e-3, mask);
  const Tensor kept = stack({x(0, 0), x(0, 2), x(1, 1)});
  nn::check_close(result.mean, mean(kept, 0), 1e-6);
  nn::check_close(result.variance, var(kept, 0), 1e-6);
  const nn::Function f = [&](const std::vector<Tensor>& in) {
    return joined(batch_norm_train(in[0], in[1], in[2], -1, 1e-3, mask));
  };
  nn::check_gradients(f, {x, numbers({2}, 0.2), numbers({2}, 0.3)});
  nn::check_second_gradients(f, {x, numbers({2}, 0.2), numbers({2}, 0.3)});
}

TEST_CASE("batch_normalization: gradients in x, mean, variance, gamma and beta") {
  for (const int axis : {-1, 1}) {
    const Shape shape{3, 4, 2};
    const std::int64_t channels = shape.at(axis);
    const std::vector<Tensor> inputs{numbers(shape, 0.1), numbers({channels}, 0.2), numbers({channels}, 0.3, 0.5, 1.2),
                                     numbers({channels}, 0.4), numbers({channels}, 0.5)};
    const nn::Function f = [&](const std::vector<Tensor>& in) {
      return batch_normalization(in[0], in[1], in[2], axis, in[3], in[4], 1e-3);
    };
    nn::check_gradients(f, inputs);
    nn::check_second_gradients(f, inputs);
    const nn::Function bare = [&](const std::vector<Tensor>& in) {
      return batch_normalization(in[0], inputs[1], inputs[2], axis);
    };
    nn::check_gradients(bare, {inputs[0]});
  }
}

TEST_CASE("layer_normalization: gradients of first and second order over any axes") {
  const Shape shape{3, 4, 2};
  for (const Axes& axis : {Axes(-1), Axes{1, 2}, Axes(1), Axes{0, 2}, Axes()}) {
    Shape sizes;
    for (const int each : axis.resolve(3, "test")) sizes.push_back(shape.at(each));
    CAPTURE(sizes.str());
    const std::vector<Tensor> inputs{numbers(shape, 0.1), numbers(sizes, 0.2), numbers(sizes, 0.3)};
    const nn::Function f = [&](const std::vector<Tensor>& in) {
      return layer_normalization(in[0], in[1], in[2], axis, 1e-3);
    };
    const nn::Function bare = [&](const std::vector<Tensor>& in) {
      return layer_normalization(in[0], {}, {}, axis, 1e-3);
    };
    nn::check_gradients(f, inputs);
    nn::check_second_gradients(f, inputs);
    nn::check_gradients(bare, {inputs[0]});
    nn::check_second_gradients(bare, {inputs[0]});
  }
}

TEST_CASE("group_normalization: gradients, and agreement with layer_normalization") {
  for (const int groups : {1, 2, 4}) {
    for (const int axis : {-1, 1}) {
      const Shape shape = axis == -1 ? Shape{2, 3, 2, 4} : Shape{2, 4, 3, 2};
      const std::vector<Tensor> inputs{numbers(shape, 0.1), numbers({4}, 0.2), numbers({4}, 0.3)};
      const nn::Function f = [&](const std::vector<Tensor>& in) {
        return group_normalization(in[0], in[1], in[2], groups, axis);
      };
      nn::check_gradients(f, inputs);
      nn::check_second_gradients(f, inputs);
    }
  }
  const Tensor x = numbers({2, 3, 2, 4}, 0.1);
  nn::check_close(group_normalization(x, {}, {}, 1, -1, 1e-3), layer_normalization(x, {}, {}, {1, 2, 3}, 1e-3), 1e-14);
  nn::check_close(group_normalization(x, {}, {}, 4, -1, 1e-3), layer_normalization(x, {}, {}, {1, 2}, 1e-3), 1e-14);
}

TEST_CASE("rms_normalization: value and gradients") {
  const Tensor x = numbers({3, 4, 2}, 0.1);
  nn::check_close(mean(square(rms_normalization(x, {}, {1, 2}, 0.0)), {1, 2}), ones({3}, DType::float64), 1e-14);
  for (const Axes& axis : {Axes(-1), Axes(1), Axes{1, 2}}) {
    Shape sizes;
    for (const int each : axis.resolve(3, "test")) sizes.push_back(x.shape().at(each));
    const nn::Function f = [&](const std::vector<Tensor>& in) { return rms_normalization(in[0], in[1], axis); };
    nn::check_gradients(f, {x, numbers(sizes, 0.2)});
    nn::check_second_gradients(f, {x, numbers(sizes, 0.2)});
  }
}

TEST_CASE("normalisations of half precision keep their statistics in float32") {
  const Tensor x = numbers({64, 4}, 0.1, 3.0, 200.0);
  const Tensor half = cast(x, DType::bfloat16), rounded = cast(half, DType::float32);
  const BatchNormResult result = batch_norm_train(half, {}, {}, -1, 1e-3);
  CHECK(result.y.dtype() == DType::bfloat16);
  CHECK(result.mean.dtype() == DType::float32);
  nn::check_close(result.mean, batch_norm_train(rounded, {}, {}, -1, 1e-3).mean, 1e-6);
  CHECK(layer_normalization(half, ones({4}), zeros({4})).dtype() == DType::bfloat16);
  nn::check_close(cast(layer_normalization(half, ones({4}), zeros({4})), DType::float32),
                  layer_normalization(rounded, ones({4}), zeros({4})), 1e-2);
  CHECK(group_normalization(half, ones({4}), {}, 2).dtype() == DType::bfloat16);
  CHECK(rms_normalization(half, ones({4})).dtype() == DType::bfloat16);
}

TEST_CASE("normalisations take an empty batch") {
  CHECK(layer_normalization(zeros({0, 4})).shape() == Shape{0, 4});
  CHECK(group_normalization(zeros({0, 4}), {}, {}, 2).shape() == Shape{0, 4});
  CHECK(batch_normalization(zeros({0, 4}), zeros({4}), ones({4}), -1).shape() == Shape{0, 4});
}

TEST_CASE("normalisations name what they refuse") {
  const Tensor x = zeros({2, 5, 8});
  CHECK(nn::refusal([&] { batch_norm_train(x, zeros({5}), {}, -1, 1e-3); }) ==
        "batch_norm_train: gamma must have the shape (8,), one number per channel of x (2, 5, 8), got (5,)");
  CHECK(nn::refusal([&] {
          batch_norm_train(x, {}, {}, -1, 1e-3, zeros({2, 4}, DType::boolean));
        }) == "batch_norm_train: the mask must have the shape (2, 5) of x (2, 5, 8) without its last axis, got (2, 4)");
  CHECK(nn::refusal([&] { batch_normalization(x, zeros({8}), zeros({7}), -1); }) ==
        "batch_normalization: variance must have the shape (8,), one number per channel of x (2, 5, 8), got (7,)");
  CHECK(nn::refusal([&] { batch_normalization(x, {}, zeros({7}), -1); }).find("batch_normalization: ") == 0);
  CHECK(nn::refusal([&] { batch_norm_train(x, {}, {}, 3, 1e-3); }) ==
        "batch_norm_train: there is no axis 3 in a tensor of rank 3");
  CHECK(nn::refusal([&] {
          layer_normalization(x, zeros({8}), {}, {1, 2});
        }) == "layer_normalization: gamma must have the shape (5, 8) of the normalised axes of x (2, 5, 8), got (8,)");
  CHECK(nn::refusal([&] { group_normalization(x, {}, {}, 3); }) ==
        "group_normalization: the number of groups must divide the 8 channels of x (2, 5, 8), got 3");
  CHECK(nn::refusal([&] { group_normalization(x, {}, {}, 2, 0); }) ==
        "group_normalization: x must have a batch axis before its channels, got (2, 5, 8) with axis 0");
}
