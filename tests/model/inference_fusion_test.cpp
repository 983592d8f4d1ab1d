#include <doctest/doctest.h>

#include <nyala/nyala.hpp>

#include "ops/follow_up.hpp"
#include "support/device.hpp"

// What follows a convolution or a dense product in inference is done by it: the same results, and less memory.

using namespace nyala;

namespace {

double largest_of(const Tensor& x) { return max(abs(x)).item<double>(); }

/// Numbers that tell every weight from its neutral value.
void disturb(Model& model) {
  for (const Variable& weight : model.variables()) {
    const bool spread = weight.name() == "moving_variance" || weight.name() == "gamma";
    weight.assign(spread ? random::uniform(weight.shape(), 0.5, 1.5, weight.dtype())
                         : random::normal(weight.shape(), 0.0, 0.3, weight.dtype()));
  }
}

/// What one layer after the other gives.
Tensor one_by_one(const std::vector<LayerRef>& layers, Tensor x) {
  for (const LayerRef& layer : layers) x = (*layer)(x);
  return x;
}

/// Bytes of tensors that a call needs at most at a time.
template <class F>
std::size_t peak_in_call(F&& call) {
  call();
  const std::size_t before = memory_stats().live;
  reset_peak_memory();
  const Tensor y = call();
  return memory_stats().peak - before;
}

const Shape images{3, 12, 12, 4};

}  // namespace

TEST_CASE("a Sequential normalises where its products end") {
  set_random_seed(5);
  for (const std::vector<LayerRef>& layers : {
           std::vector<LayerRef>{Conv2D(24, 1), BatchNormalization()},
           std::vector<LayerRef>{Conv2D(24, 3, {.activation = "relu"}), BatchNormalization({.scale = false})},
           std::vector<LayerRef>{Conv2D(24, 3), BatchNormalization({.axis = 3, .center = false}), ReLU()},
           std::vector<LayerRef>{Conv2D(24, 3, {.use_bias = false}), BatchNormalization({.trainable = false}),
                                 ReLU({.max_value = 6.0})},
           std::vector<LayerRef>{DepthwiseConv2D(3), BatchNormalization({.center = false, .scale = false}),
                                 Activation("relu6")},
           std::vector<LayerRef>{SeparableConv2D(16, 3, {.activation = "tanh"}), BatchNormalization()},
           std::vector<LayerRef>{Conv2D(16, 3), Activation("relu")},
           std::vector<LayerRef>{Dense(16), BatchNormalization(), Activation("relu")},
           std::vector<LayerRef>{Conv2D(16, 3, {.activation = "elu"}), BatchNormalization()},
           std::vector<LayerRef>{Conv2D(16, 3), BatchNormalization({.axis = 1}), ReLU()},
           std::vector<LayerRef>{Conv2D(16, 3, {.data_format = "channels_first"}), BatchNormalization({.axis = 1})},
           std::vector<LayerRef>{Conv2D(10, 3, {.data_format = "channels_first"}), BatchNormalization()},
       }) {
    Sequential model(layers);
    const Tensor x = random::normal(images);
    CAPTURE(layers.front()->config().json());
    CAPTURE(layers[1]->config().json());
    model(x);
    disturb(model);
    const Tensor wanted = one_by_one(layers, x);
    CHECK(largest_of(wanted) > 0.1);
    CHECK(largest_of(model(x) - wanted) <= 1e-6 * largest_of(wanted));
    const Tensor predicted = Tensor(model.predict(x, {.verbose = 0})).to(wanted.device());
    CHECK(largest_of(predicted - wanted) <= 1e-6 * largest_of(wanted));
  }
}

TEST_CASE("what is done along needs no memory of its own, in Sequential and in graphs") {
  if (testing::on_gpu()) return;  // libraries have workspaces of their own there
  const Tensor x = random::normal({8, 16, 16, 4});
  const std::size_t result = 8 * 16 * 16 * 24 * 4;
  const auto in = Input({16, 16, 4});
  Sequential chain{Conv2D(24, 1), BatchNormalization(), ReLU()};
  Model graph(in, ReLU()(BatchNormalization()(Conv2D(24, 1)(in))));
  for (Model* model : {static_cast<Model*>(&chain), &graph}) {
    CHECK(peak_in_call([&] { return (*model)(x); }) < result * 3 / 2);
    // Where gradients are recorded, each layer keeps what its own needs.
    GradientTape tape;
    CHECK(peak_in_call([&] { return (*model)(x); }) > result * 3 / 2);
  }
}

TEST_CASE("a residual block adds where its convolution ends") {
  set_random_seed(6);
  const auto in = Input({12, 12, 4});
  const LayerRef conv = layer(Conv2D(4, 3, {.padding = "same"})), normal = layer(BatchNormalization()),
                 beside = layer(Conv2D(4, 1));
  const Tensor x = random::normal(images);
  const auto expected = [&](bool projected) {
    const Tensor sum = (*normal)((*conv)(x)) + (projected ? (*beside)(x) : x);
    return relu(sum);
  };
  for (const bool first : {true, false}) {
    for (const bool projected : {true, false}) {
      CAPTURE(first);
      CAPTURE(projected);
      const KerasTensor other = projected ? beside(in) : in, main = normal(conv(in));
      Model model(in, ReLU()(first ? Add()({main, other}) : Add()({other, main})));
      disturb(model);
      const Tensor wanted = expected(projected);
      CHECK(largest_of(wanted) > 0.1);
      CHECK(largest_of(model(x) - wanted) <= 1e-6 * largest_of(wanted));
    }
  }
  SUBCASE("a result that is used elsewhere too stays as it is") {
    const KerasTensor main = conv(in), after = normal(main);
    Model model(std::vector<KerasTensor>{in}, {main, ReLU()(after)});
    disturb(model);
    const Tensors found = model.outputs(x);
    CHECK(largest_of(found[0] - (*conv)(x)) == 0.0);
    CHECK(largest_of(found[1] - relu((*normal)((*conv)(x)))) < 1e-5);
  }
}

TEST_CASE("other dtypes than float32 go through the layers' own operations") {
  set_random_seed(7);
  for (const char* dtype : {"float64", "float16", "bfloat16", "mixed_bfloat16"}) {
    CAPTURE(dtype);
    const std::vector<LayerRef> layers{Conv2D(16, 3, {.dtype = dtype}), BatchNormalization({.dtype = dtype}),
                                       ReLU({.dtype = dtype})};
    Sequential model(layers);
    const Tensor x = random::normal(images);
    model(x);
    disturb(model);
    const Tensor wanted = one_by_one(layers, x);
    CHECK(largest_of(wanted) > 0.1);
    CHECK(largest_of(cast(model(x), DType::float64) - cast(wanted, DType::float64)) == 0.0);
  }
}

TEST_CASE("an offer is taken by the operation that can, and once") {
  const Tensor x = random::normal(images), kernel = random::normal({1, 1, 4, 6}),
               residual = random::normal({3, 12, 12, 6});
  const auto taken = [&](const Tensor& input, const Tensor& other, const ConvArguments& arguments) {
    ops::FollowUp next;
    next.finish.residual = other;
    const ops::OfferFollowUp offer(&next);
    const Tensor y = conv(input, kernel, {}, arguments);
    const bool result = next.taken;
    next.taken = false;
    conv(input, kernel, {}, arguments);
    CHECK_FALSE(next.taken);
    return result;
  };
  CHECK(taken(x, residual, {}));
  CHECK_FALSE(taken(x, residual(Slice{0, 1}), {}));  // it would have to be broadcast
  CHECK_FALSE(taken(x, cast(residual, DType::float64), {}));
  CHECK_FALSE(taken(transpose(x, {0, 3, 1, 2}), residual, {.data_format = "channels_first"}));
  GradientTape tape;
  tape.watch(x);
  CHECK_FALSE(taken(x, residual, {}));
}
