#include <doctest/doctest.h>

#include <nyala/nyala.hpp>

using namespace nyala;

namespace {

Sequential model_with(const OptimizerRef& optimizer) {
  set_random_seed(3);
  Sequential model{Input({4}), Dense(3, {.activation = "tanh", .name = "first"}), Dense(2, {.name = "last"})};
  model.compile(optimizer, "mse");
  return model;
}

}  // namespace

TEST_CASE("MultiOptimizer: each variable is trained by the optimizer that its path says") {
  const auto sgd = std::make_shared<SGD>(SGDOptions{.learning_rate = 0.1});
  MultiOptimizer both(OptimizerMap{"adam", {{".*first/.*", sgd}}});
  Sequential model = model_with(both);
  const Tensor x = random::normal({8, 4}), y = random::normal({8, 2});
  Sequential alone = model_with(SGD({.learning_rate = 0.1})), other = model_with("adam");
  for (Sequential* one : {&model, &alone, &other}) one->train_on_batch(x, y);
  const auto weights = model.get_weights(), by_sgd = alone.get_weights(), by_adam = other.get_weights();
  for (std::size_t i = 0; i < 4; ++i) {
    const Tensor& expected = i < 2 ? by_sgd[i] : by_adam[i];
    CHECK(max(abs(weights[i] - expected)).item<double>() == 0.0);
  }
  CHECK(both.iterations() == 1);
  CHECK(both.variables().size() == 2 + 2 + 2 + 4);
}

TEST_CASE("MultiOptimizer goes on from a file as if it had not stopped") {
  const auto shared = std::make_shared<SGD>(SGDOptions{.learning_rate = 0.1, .momentum = 0.9});
  Sequential model = model_with(
      MultiOptimizer({"adam", {{".*first/kernel", shared}, {".*last/kernel", shared}}}, {.loss_scale_factor = 4.0}));
  const Tensor x = random::normal({8, 4}), y = random::normal({8, 2});
  for (int i = 0; i < 2; ++i) model.train_on_batch(x, y);
  const std::string path = "multi_optimizer_test.keras";
  model.save(path);
  Model again = load_model(path);
  std::remove(path.c_str());
  for (int i = 0; i < 2; ++i) CHECK(again.train_on_batch(x, y).at("loss") == model.train_on_batch(x, y).at("loss"));
}

TEST_CASE("MultiOptimizer refuses what it cannot mean") {
  CHECK_THROWS_WITH_AS(MultiOptimizer({"adam", {{"(", "sgd"}}}), doctest::Contains("regular expression"), Error);
  CHECK_THROWS_WITH_AS(MultiOptimizer({"adam", {{"a", "sgd"}, {"a", "sgd"}}}), doctest::Contains("given twice"), Error);
  CHECK_THROWS_WITH_AS(MultiOptimizer({LossScaleOptimizer("adam"), {}}), doctest::Contains("wrap"), Error);
  Sequential model = model_with(MultiOptimizer({"adam", {{".*kernel", "sgd"}, {".*first/.*", "sgd"}}}));
  CHECK_THROWS_WITH_AS(model.train_on_batch(random::normal({4, 4}), random::normal({4, 2})),
                       doctest::Contains("several optimizers"), Error);
  CHECK_THROWS_WITH_AS(MultiOptimizer({"adam", {}}).learning_rate(), doctest::Contains("no one learning rate"), Error);
}
