#include <unistd.h>

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
  // Of this process: the suite runs for several instruction sets at once.
  const std::string path = "multi_optimizer_test_" + std::to_string(::getpid()) + ".keras";
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

TEST_CASE("callbacks that follow the learning rate follow that of each of MultiOptimizer's optimizers") {
  const auto sgd = std::make_shared<SGD>(SGDOptions{.learning_rate = 0.5});
  const Tensor x = random::normal({8, 4}), y = random::normal({8, 2});
  Sequential model = model_with(MultiOptimizer(OptimizerMap{Adam({.learning_rate = 0.25}), {{".*first/.*", sgd}}}));
  const History scheduled =
      model.fit(x, y, {.epochs = 2, .verbose = 0, .callbacks = {LearningRateScheduler([](int epoch, double rate) {
                                                    return epoch == 0 ? rate : rate / 2.0;
                                                  })}});
  CHECK(scheduled["learning_rate_sgd"] == std::vector<double>{0.5, 0.25});
  CHECK(scheduled["learning_rate_adam"] == std::vector<double>{0.25, 0.125});
  CHECK_FALSE(scheduled.contains("learning_rate"));
  // min_lr holds for each: the one that lies there already stays.
  const History reduced = model.fit(
      x, y,
      {.epochs = 3,
       .verbose = 0,
       .callbacks = {
           ReduceLROnPlateau({.monitor = "loss", .factor = 0.5, .patience = 1, .min_delta = 1e9, .min_lr = 0.125})}});
  CHECK(reduced["learning_rate_sgd"] == std::vector<double>{0.25, 0.25, 0.125});
  CHECK(reduced["learning_rate_adam"] == std::vector<double>{0.125, 0.125, 0.125});
}
