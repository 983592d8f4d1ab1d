// What older Kerases computed otherwise keeps its meaning, through Nyala's own files too (golden/make_old_meanings.py).
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <nyala/nyala.hpp>

#include "saving_support.hpp"

using namespace nyala;

namespace {

std::filesystem::path files() {
  const char* folder = std::getenv("NYALA_GOLDEN_DIR");
  return std::filesystem::path(folder != nullptr ? folder : NYALA_SOURCE_DIR "/tests/golden") / "files";
}

bool is_model(const std::filesystem::path& path) { return path.extension() == ".h5" || path.extension() == ".keras"; }

double worst(const Tensor& got, const Tensor& expected) {
  REQUIRE(got.shape() == expected.shape());
  return max(abs(got - expected)).item<double>();
}

/// Loaded, saved in both formats and loaded from each.
std::vector<Model> generations(const std::filesystem::path& path) {
  const saving_test::Folder folder;
  std::vector<Model> models{load_model(path.string())};
  for (const char* ending : {".keras", ".h5"}) {
    const std::string again = folder.file(std::string("again") + ending);
    models.front().save(again);
    models.push_back(load_model(again));
  }
  return models;
}

}  // namespace

TEST_CASE("old optimizers and activity regularizers train on as they did, after Nyala saved them too") {
  int seen = 0;
  for (const auto& version : std::filesystem::directory_iterator(files() / "versions")) {
    if (version.path().filename().string().rfind("meanings_", 0) != 0) continue;
    for (const auto& entry : std::filesystem::directory_iterator(version.path())) {
      if (!is_model(entry.path())) continue;
      CAPTURE(entry.path().string());
      const std::string base = version.path() / entry.path().stem();
      const Tensor x = load_npy(base + ".x0.npy"), y = load_npy(base + ".y.npy");
      const auto losses = load_npy(base + ".losses.npy").to_vector<float>();
      for (Model& model : generations(entry.path())) {
        for (const float expected : losses) {
          model.reset_metrics();
          CHECK(model.train_on_batch(x, y).at("loss") == doctest::Approx(expected).epsilon(1e-5));
        }
        ++seen;
      }
    }
  }
  CHECK(seen >= 51);
}

TEST_CASE("RandomCrop, Softmax and UpSampling2D of old files compute as they did, after Nyala saved them too") {
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(files() / "meanings")) {
    if (!is_model(entry.path())) continue;
    CAPTURE(entry.path().string());
    const std::string base = entry.path().parent_path() / entry.path().stem();
    Tensors x;
    for (int i = 0; std::filesystem::exists(base + ".x" + std::to_string(i) + ".npy"); ++i)
      x.push_back(load_npy(base + ".x" + std::to_string(i) + ".npy"));
    for (Model& model : generations(entry.path())) {
      CHECK(worst(model.predict(x, {.verbose = 0})[0], load_npy(base + ".predicted.npy")) < 1e-6);
      ++seen;
    }
  }
  CHECK(seen >= 33);
}

TEST_CASE("what Keras has no word for stands beside a config, not in it") {
  const auto path = files() / "versions" / "meanings_keras2.3.1" / "rmsprop.h5";
  const Config object = Config::parse(load_model(path.string()).to_json());
  const Config& optimizer = object.at("compile_config").at("optimizer");
  CHECK(optimizer.at("nyala").at("nyala_epsilon_outside_root") == Config(true));
  CHECK_FALSE(optimizer.at("config").contains("nyala_epsilon_outside_root"));
  const auto layer = files() / "versions" / "meanings_keras2.3.1" / "activity.h5";
  CHECK(load_model(layer.string()).to_json().find("\"nyala\": {\"nyala_activity_summed\": true}") != std::string::npos);
}

TEST_CASE("the hard_sigmoid of Keras 2 goes by a name that today's Keras knows") {
  const std::string json =
      R"({"keras_version": "2.15.0", "class_name": "Sequential", "config": {"name": "m", "layers": [
      {"class_name": "InputLayer", "config": {"batch_input_shape": [null, 4, 3], "name": "x"}},
      {"class_name": "Bidirectional", "config": {"name": "both", "layer": {"class_name": "LSTM", "config": {"name": "l",
      "units": 2, "recurrent_activation": "hard_sigmoid"}}}},
      {"class_name": "Dense", "config": {"name": "d", "units": 2, "activation": "hard_sigmoid"}}]}})";
  const Model model = model_from_json(json);
  const std::string written = model.to_json();
  CHECK(written.find("\"keras2_hard_sigmoid\"") == std::string::npos);
  CHECK(written.find("\"recurrent_activation\": \"hard_sigmoid\"") != std::string::npos);
  Model again = model_from_json(written);
  again.set_weights(model.get_weights());
  const Tensor x = random::normal({2, 4, 3});
  CHECK(worst(again.predict(x, {.verbose = 0})[0], model.predict(x, {.verbose = 0})[0]) == 0.0);
  CHECK(again.get_layer("d")->config().at("activation") == Config("keras2_hard_sigmoid"));
}

TEST_CASE("what is frozen in a frozen model of Keras 2, whatever its layers say") {
  const std::string json =
      R"({"keras_version": "2.15.0", "class_name": "Sequential", "config": {"name": "m", "layers": [
      {"class_name": "InputLayer", "config": {"batch_input_shape": [null, 3], "name": "x"}},
      {"class_name": "Sequential", "config": {"name": "inner", "trainable": false, "layers": [
      {"class_name": "Dense", "config": {"name": "a", "units": 2, "trainable": true}}]}},
      {"class_name": "Dense", "config": {"name": "d", "units": 2}}]}})";
  CHECK(model_from_json(json).trainable_variables().size() == 2);
  std::string of_today = json;
  of_today.replace(of_today.find("2.15.0"), 6, "3.15.0");
  CHECK(model_from_json(of_today).trainable_variables().size() == 4);
}

TEST_CASE("today's models have no such settings") {
  Sequential model{Input({3}), Dense(2, {.activity_regularizer = L2(0.1)}), Softmax()};
  model.compile(RMSprop(), "mse");
  CHECK(model.to_json().find("nyala") == std::string::npos);
}
