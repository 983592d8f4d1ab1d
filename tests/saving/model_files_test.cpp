#include <doctest/doctest.h>

#include <sys/resource.h>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include <nyala/nyala.hpp>

#include "saving_support.hpp"

using namespace nyala;
using saving_test::bytes_of;
using saving_test::Folder;
using saving_test::golden_file;
using saving_test::same;
using saving_test::write_bytes;

namespace {

Model trained() {
  Sequential model{Input({6, 4}), Bidirectional(LSTM(3)), BatchNormalization(), Dropout(0.2),
                   Dense(2, {.kernel_regularizer = L2(0.01)})};
  model.compile(Adam({.learning_rate = 0.01}), MeanSquaredError(), {.metrics = {"mae"}});
  model.fit(random::normal({8, 6, 4}), random::normal({8, 2}), {.epochs = 2, .verbose = 0});
  return model;
}

std::vector<double> step_losses(Model& model, const Tensor& x, const Tensor& y) {
  std::vector<double> all;
  for (int i = 0; i < 4; ++i) {
    model.reset_metrics();
    all.push_back(model.train_on_batch(x, y).at("loss"));
  }
  return all;
}

}  // namespace

TEST_CASE("whole models come back and train on as if nothing had happened") {
  const Folder folder;
  for (const char* name : {"m.keras", "m.h5", "m.hdf5"}) {
    set_random_seed(11);
    Sequential model{Input({4}), Dense(6, {.activation = "tanh"}), BatchNormalization(), Dense(2)};
    model.compile(Adam({.learning_rate = 0.01}), MeanSquaredError(), {.metrics = {"mae"}});
    const Tensor x = random::normal({8, 4}), y = random::normal({8, 2});
    model.fit(x, y, {.epochs = 2, .verbose = 0});
    model.save(folder.file(name));
    Model other = load_model(folder.file(name));
    CHECK(same(model.get_weights(), other.get_weights()));
    CHECK(other.optimizer().iterations() == model.optimizer().iterations());
    CHECK(same({model.predict(x, {.verbose = 0})}, {other.predict(x, {.verbose = 0})}));
    CHECK(step_losses(model, x, y) == step_losses(other, x, y));
    CHECK(other.metrics_names() == model.metrics_names());
    CHECK_FALSE(load_model(folder.file(name), {.compile = false}).compiled());
    Model weights_only = load_model(folder.file(name), {.compile = false});
    weights_only.load_weights(folder.file(name));
    CHECK(same(weights_only.get_weights(), load_model(folder.file(name)).get_weights()));
  }
}

TEST_CASE("every format carries the same model") {
  const Folder folder;
  const Model model = trained();
  model.save(folder.file("a.keras"));
  convert(folder.file("a.keras"), folder.file("b.h5"));
  convert(folder.file("b.h5"), folder.file("c.keras"));
  convert(folder.file("c.keras"), folder.file("d.weights.h5"));
  Model other = load_model(folder.file("c.keras"));
  CHECK(same(model.get_weights(), other.get_weights()));
  CHECK(other.optimizer().iterations() == model.optimizer().iterations());
  Model third = trained();
  third.load_weights(folder.file("d.weights.h5"));
  CHECK(same(model.get_weights(), third.get_weights()));
}

TEST_CASE("files of Keras 3 and of tf.keras 2.4 are the same model, Adam's state too") {
  set_random_seed(3);
  const Tensor x = random::normal({8, 3}), y = random::normal({8, 2});
  Model a = load_model(golden_file("dense_adam.keras"));
  Model b = load_model(golden_file("dense_adam.h5"));
  Model old = load_model(golden_file("keras2_model.h5"));
  Model packed = load_model(golden_file("dense_packed.keras"));
  const std::vector<Tensor> weights = a.get_weights();
  for (Model* other : {&b, &old, &packed}) {
    CHECK(same(weights, other->get_weights()));
    CHECK(other->optimizer().iterations() == 3);
    const auto state = a.optimizer().variables(), theirs = other->optimizer().variables();
    REQUIRE(state.size() == theirs.size());
    for (std::size_t i = 0; i < state.size(); ++i) CHECK(same({state[i].value()}, {theirs[i].value()}));
  }
}

TEST_CASE("a save that fails leaves the previous file and nothing else") {
  const Folder folder;
  const Model model = trained();
  for (const char* name : {"m.keras", "m.h5", "m.weights.h5"}) {
    const std::string path = folder.file(name);
    const auto save = [&] {
      if (std::string(name).find("weights") != std::string::npos)
        model.save_weights(path);
      else
        model.save(path);
    };
    save();
    const std::string before = bytes_of(path);
    const std::size_t files = folder.files();
    // A disk that is full after so many bytes.
    const auto previous = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{}, tight{};
    getrlimit(RLIMIT_FSIZE, &limit);
    for (const rlim_t bytes : {rlim_t{0}, rlim_t{100}, rlim_t{5000}, static_cast<rlim_t>(before.size() - 1)}) {
      tight = limit;
      tight.rlim_cur = bytes;
      setrlimit(RLIMIT_FSIZE, &tight);
      std::string text;
      try {
        save();
      } catch (const Error& error) {
        text = error.what();
      }
      setrlimit(RLIMIT_FSIZE, &limit);
      CHECK_MESSAGE(text.find(path) != std::string::npos, text);
      CHECK(bytes_of(path) == before);
      CHECK(folder.files() == files);
    }
    std::signal(SIGXFSZ, previous);
    save();
  }
  std::filesystem::create_directories(folder.file("folder.keras"));
  CHECK_THROWS_WITH_AS(model.save(folder.file("folder.keras")), doctest::Contains("irectory"), Error);
  CHECK_THROWS_WITH_AS(model.save("/nowhere/m.h5"), doctest::Contains("/nowhere/m.h5"), Error);
  CHECK_THROWS_WITH_AS(model.save(folder.file("m.keras"), {.overwrite = false}), doctest::Contains("there already"),
                       Error);
  CHECK_THROWS_WITH_AS(model.save(folder.file("m.onnx")), doctest::Contains(".keras"), Error);
  CHECK_THROWS_WITH_AS(model.save(folder.file("x.weights.json")), doctest::Contains("save_weights"), Error);
}

TEST_CASE("a whole model may have the name of weights, as in Keras") {
  const Folder folder;
  Model model = trained();
  model.save(folder.file("x.weights.h5"));
  CHECK(same(load_model(folder.file("x.weights.h5")).get_weights(), model.get_weights()));
  Model other = clone_model(model);
  other.load_weights(folder.file("x.weights.h5"));
  CHECK(same(other.get_weights(), model.get_weights()));
}

TEST_CASE("what a killed process left is removed by the next save") {
  const Folder folder;
  const Model model = trained();
  const std::string gone = folder.file("m.keras.tmp-999999999-0");  // no process has this number
  const std::string alive = folder.file("m.keras.tmp-" + std::to_string(::getpid()) + "-77");
  write_bytes(gone, "half");
  write_bytes(alive, "half");
  model.save(folder.file("m.keras"));
  CHECK_FALSE(std::filesystem::exists(gone));
  CHECK(std::filesystem::exists(alive));
}

TEST_CASE("threads save and load at the same time") {
  const Folder folder;
  const Model model = trained();
  const std::vector<Tensor> expected = model.get_weights();
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (std::size_t i = 0; i < good.size(); ++i) {
    threads.emplace_back([&, i] {
      const std::string path = folder.file("t" + std::to_string(i) + (i % 2 == 0 ? ".keras" : ".h5"));
      for (int round = 0; round < 4; ++round) {
        model.save(path);
        good[i] += same(load_model(path).get_weights(), expected) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == std::vector<int>{4, 4, 4, 4});
}
