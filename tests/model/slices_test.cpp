#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <vector>

#include <nyala/nyala.hpp>

#include "support/device.hpp"

using namespace nyala;

namespace {

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  return max(abs(a.to(Device()) - b.to(Device()))).item<float>();
}

/// The most that tensors held during the work, beside what they held before.
std::size_t peak_of(const std::function<void()>& work) {
  reset_peak_memory();
  const std::size_t before = memory_stats().peak;
  work();
  return memory_stats().peak - before;
}

Sequential convolutions() {
  return {Input({32, 32, 3}),
          Conv2D(16, 3, {.padding = "same", .activation = "relu"}),
          BatchNormalization(),
          MaxPooling2D(2),
          Conv2DTranspose(8, 2, {.strides = 2}),
          Dropout(0.5),
          Flatten(),
          Dense(5, {.activation = "softmax"})};
}

/// Looks at more than one row.
class Centered : public Layer {
 public:
  Tensor forward(const Tensor& x, bool) override {
    ++calls;
    return x - mean(x, 0, /*keepdims=*/true);
  }
  static inline int calls = 0;
};

}  // namespace

TEST_CASE("predict takes a model of convolutions in slices, with the same results in less memory") {
  set_random_seed(4);
  Sequential model = convolutions();
  const Tensor x = random::normal({90, 32, 32, 3});
  const Tensor whole = model(x);
  const std::size_t of_whole = peak_of([&] { static_cast<void>(model(x)); });
  Tensor sliced;
  const std::size_t of_slices = peak_of([&] { sliced = model.predict(x, {.batch_size = 90}); });
  CHECK(largest_difference(whole, sliced) < 1e-6);
  if (!testing::on_gpu()) CHECK(of_slices < of_whole / 2);  // a GPU works on the whole batch

  const int threads = num_threads();
  for (const int count : {1, 2}) {
    set_num_threads(count);
    CHECK(Tensor(model.predict(x, {.batch_size = 90})).to_vector<float>() == sliced.to_vector<float>());
  }
  set_num_threads(threads);

  model.compile("sgd", "sparse_categorical_crossentropy", {.metrics = {"accuracy"}});
  const Tensor y = random::randint({90}, 0, 5);
  const Logs at_once = model.evaluate(x, y, {.batch_size = 90, .verbose = 0});
  const Logs in_small = model.evaluate(x, y, {.batch_size = 2, .verbose = 0});
  CHECK(at_once["loss"] == doctest::Approx(in_small["loss"]).epsilon(1e-5));
  CHECK(at_once["accuracy"] == doctest::Approx(in_small["accuracy"]));
}

TEST_CASE("slices of a graph with several inputs and outputs and a model within") {
  set_random_seed(5);
  const KerasTensor left = Input({24, 24, 4}), right = Input({24, 24, 4});
  const KerasTensor inner_in = Input({24, 24, 4});
  const Model inner(inner_in, ReLU()(Conv2D(8, 3, {.padding = "same"})(inner_in)));
  const KerasTensor a = inner(left), b = inner(right);
  const KerasTensor joined = Concatenate()({a, b});
  Model model({left, right}, {Conv2D(2, 1)(joined), GlobalAveragePooling2D()(Add()({a, b}))});
  const Tensor x = random::normal({64, 24, 24, 4}), y = random::normal({64, 24, 24, 4});
  const Tensors whole = model.outputs({x, y}, CallContext{.training = false});
  const Tensors sliced = model.predict({x, y}, {.batch_size = 64});
  CHECK(largest_difference(whole[0], sliced[0]) < 1e-6);
  CHECK(largest_difference(whole[1], sliced[1]) < 1e-6);
}

TEST_CASE("a layer that looks at several rows sees them all") {
  set_random_seed(6);
  const Tensor x = random::normal({64, 32, 32, 3});
  Centered::calls = 0;
  Sequential own{Input({32, 32, 3}), Conv2D(8, 3, {.activation = "relu"}), Centered()};
  const Tensor expected = own(x);
  const int before = Centered::calls;
  CHECK(largest_difference(expected, own.predict(x, {.batch_size = 64})) == 0);
  CHECK(Centered::calls == before + 1);

  Sequential softmax{Input({32, 32, 3}), Conv2D(8, 3), Softmax({.axis = 0})};
  CHECK(largest_difference(softmax(x), softmax.predict(x, {.batch_size = 64})) == 0);

  Sequential function{Input({32, 32, 3}),
                      Conv2D(8, 3, {.activation = [](const Tensor& t) { return t - mean(t, 0, true); }})};
  CHECK(largest_difference(function(x), function.predict(x, {.batch_size = 64})) == 0);

  const KerasTensor in = Input({32, 32, 3});
  const KerasTensor h = Conv2D(8, 3)(in);
  Model graph(in, h * random::normal({64, 1, 1, 1}));
  CHECK(largest_difference(graph(x), graph.predict(x, {.batch_size = 64})) == 0);

  Sequential grown = convolutions();
  static_cast<void>(Tensor(grown.predict(x, {.batch_size = 64})));
  grown.pop();
  grown.add(Centered());
  CHECK(largest_difference(grown(x), grown.predict(x, {.batch_size = 64})) == 0);
}

TEST_CASE("what is wrong with a slice is told as of the whole") {
  Sequential model = convolutions();
  CHECK_THROWS_WITH_AS(static_cast<void>(Tensor(model.predict(ones({64, 32, 32, 4}), {.batch_size = 64}))),
                       doctest::Contains("(64, 32, 32, 4)"), Error);
}
