#include <doctest/doctest.h>

#include <cstring>

#include <nyala/nyala.hpp>

#include "autograd/node.hpp"
#include "core/tensor_impl.hpp"

using namespace nyala;

namespace {

bool holds_fused(const autograd::Node* node) {
  if (node == nullptr) return false;
  if (std::strcmp(node->op, "batch_norm_activation") == 0) return true;
  for (const autograd::Edge& edge : node->inputs) {
    if (holds_fused(edge.node.get())) return true;
  }
  return false;
}

double largest(const Tensor& x) { return max(abs(x)).item<double>(); }

/// Training outputs, gradients of inputs and weights, and moving averages of a model against those of the plain
/// operations; `expected` gets x, gamma and beta.
template <class F>
void compare(Model& model, const Tensor& x, bool fused, F&& expected) {
  const Tensor weights = random::normal(model(x).shape(), 0.0, 1.0);
  const Variable gamma = model.trainable_variables()[0], beta = model.trainable_variables()[1];
  gamma.assign(random::uniform(gamma.shape(), 0.5, 1.5));
  beta.assign(random::uniform(beta.shape(), -0.5, 0.5));
  const auto gradients = [&](const std::function<Tensor()>& run, Tensor& y) {
    GradientTape tape({.persistent = true});
    tape.watch(x);
    y = run();
    const Tensor loss = sum(y * weights);
    std::vector<Tensor> found = tape.gradient(loss, std::vector<Variable>{gamma, beta});
    found.push_back(tape.gradient(loss, x));
    return found;
  };
  Tensor y, y_expected;
  const auto got = gradients(
      [&] {
        const Tensor result = model(x, true);
        CHECK(holds_fused(result.impl()->node.get()) == fused);
        return result;
      },
      y);
  const auto wanted = gradients([&] { return expected(x, gamma, beta); }, y_expected);
  CHECK(largest(y - y_expected) < 2e-6);
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(largest(got[i] - wanted[i]) < 2e-4 * (1.0 + largest(wanted[i])));
  }
  const Tensor mean = model.non_trainable_variables()[0].value();
  CHECK(largest(mean) > 0.0);
}

Tensor normalised(const Tensor& x, const Variable& gamma, const Variable& beta) {
  return batch_norm_train(x, gamma, beta, -1, 1e-3).y;
}

}  // namespace

TEST_CASE("a graph leaves the activation after a batch normalisation to it") {
  set_random_seed(3);
  const Tensor x = random::normal({4, 5, 5, 19}, 0.5, 2.0);
  const auto in = Input({5, 5, 19});
  SUBCASE("ReLU") {
    Model model(in, ReLU()(BatchNormalization()(in)));
    compare(model, x, true, [](auto& a, auto& g, auto& b) { return relu(normalised(a, g, b)); });
  }
  SUBCASE("relu by name") {
    Model model(in, Activation("relu")(BatchNormalization()(in)));
    compare(model, x, true, [](auto& a, auto& g, auto& b) { return relu(normalised(a, g, b)); });
  }
  SUBCASE("relu6") {
    Model model(in, ReLU({.max_value = 6.0})(BatchNormalization()(in)));
    compare(model, x, true, [](auto& a, auto& g, auto& b) { return relu6(normalised(a, g, b)); });
  }
  SUBCASE("a sum between, either way round") {
    for (const bool first : {true, false}) {
      const KerasTensor normal = BatchNormalization()(in);
      const KerasTensor total = first ? Add()({in, normal}) : Add()({normal, in});
      Model model(in, ReLU()(total));
      compare(model, x, true, [](auto& a, auto& g, auto& b) { return relu(normalised(a, g, b) + a); });
    }
  }
  SUBCASE("a sum with itself, twice over") {
    const KerasTensor normal = BatchNormalization()(in);
    Model model(in, ReLU()(Add()({normal, normal})));
    compare(model, x, false, [](auto& a, auto& g, auto& b) { return relu(normalised(a, g, b) * 2.0); });
  }
  SUBCASE("not where something else sees the result between") {
    const KerasTensor normal = BatchNormalization()(in);
    Model model(in, Subtract()({ReLU()(normal), normal}));
    compare(model, x, false, [](auto& a, auto& g, auto& b) {
      const Tensor middle = normalised(a, g, b);
      return relu(middle) - middle;
    });
  }
  SUBCASE("not other rectifiers") {
    Model model(in, ReLU({.negative_slope = 0.1})(BatchNormalization()(in)));
    compare(model, x, false, [](auto& a, auto& g, auto& b) { return leaky_relu(normalised(a, g, b), 0.1); });
  }
  SUBCASE("not with an activity regularizer, whose loss is of the result between") {
    Model model(in, ReLU()(BatchNormalization({.activity_regularizer = "l2"})(in)));
    compare(model, x, false, [](auto& a, auto& g, auto& b) { return relu(normalised(a, g, b)); });
  }
  SUBCASE("not with channels in front") {
    Model model(in, ReLU()(BatchNormalization({.axis = 1})(in)));
    compare(model, x, false, [](auto& a, auto& g, auto& b) { return relu(batch_norm_train(a, g, b, 1, 1e-3).y); });
  }
}

TEST_CASE(
    "what a batch normalisation of a graph does along has second derivatives, and none of it changes predictions") {
  set_random_seed(4);
  const Tensor x = random::normal({6, 7}, 0.5, 2.0);
  const auto in = Input({7});
  Model model(in, ReLU()(Add()({in, BatchNormalization()(in)})));
  const auto second = [&](const std::function<Tensor()>& run) {
    GradientTape outer;
    outer.watch(x);
    Tensor first;
    {
      GradientTape inner;
      inner.watch(x);
      first = inner.gradient(sum(square(run())), x);
    }
    return outer.gradient(sum(square(first)), x);
  };
  const Tensor got = second([&] { return model(x, true); });
  const Tensor gamma = model.trainable_variables()[0], beta = model.trainable_variables()[1];
  const Tensor wanted = second([&] { return relu(batch_norm_train(x, gamma, beta, -1, 1e-3).y + x); });
  CHECK(largest(wanted) > 0.0);
  CHECK(largest(got - wanted) < 1e-4 * largest(wanted));
  const Tensor moved =
      (x - model.non_trainable_variables()[0].value()) * rsqrt(model.non_trainable_variables()[1].value() + 1e-3);
  CHECK(largest(model(x) - relu(moved + x)) < 1e-5);
}
