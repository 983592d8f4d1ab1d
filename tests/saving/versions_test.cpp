// Models that real older versions of Keras and tf.keras trained and saved (tests/golden/make_versions.py).
#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include <nyala/nyala.hpp>

#include "saving/archive.hpp"
#include "saving/older_keras.hpp"

using namespace nyala;

namespace {

std::filesystem::path versions() {
  const char* folder = std::getenv("NYALA_GOLDEN_DIR");
  return std::filesystem::path(folder != nullptr ? folder : NYALA_SOURCE_DIR "/tests/golden") / "files" / "versions";
}

Tensors inputs_of(const std::string& base) {
  Tensors inputs;
  for (int i = 0; std::filesystem::exists(base + ".x" + std::to_string(i) + ".npy"); ++i)
    inputs.push_back(load_npy(base + ".x" + std::to_string(i) + ".npy"));
  return inputs;
}

double difference(const Tensor& got, const Tensor& expected) {
  REQUIRE(got.shape() == expected.shape());
  double worst = 0.0;
  const auto a = got.to_vector<float>(), b = expected.to_vector<float>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    worst = std::isnan(error) ? error : std::max(worst, error);
  }
  return worst;
}

void check(const std::filesystem::path& path) {
  const std::string base = path.parent_path() / path.stem();
  CAPTURE(path.string());
  Model model = load_model(path.string());
  const Tensors x = inputs_of(base);
  CHECK(difference(model.predict(x, {.verbose = 0})[0], load_npy(base + ".predicted.npy")) < 2e-6);
  REQUIRE(model.compiled());
  // Keras 1 kept the optimizer's state in an order that nothing in the file tells; it is dropped with a warning.
  if (path.parent_path().filename() == "keras1.2.2") return;
  // Training goes on where it was, so the optimizer's state came along.
  const Tensor y = load_npy(base + ".y.npy");
  const auto losses = load_npy(base + ".losses.npy").to_vector<float>();
  // TensorFlow 1 may count a step before or after it uses the number, as it happens.
  const double tolerance = path.parent_path().filename() == "keras2.3.1" ? 5e-4 : 1e-4;
  for (const float expected : losses) {
    model.reset_metrics();
    CHECK(model.train_on_batch(x, y).at("loss") == doctest::Approx(expected).epsilon(tolerance));
  }
}

}  // namespace

TEST_CASE("models of older versions of Keras compute and train on as they did there") {
  std::set<std::string> names;
  std::size_t files = 0;
  for (const auto& version : std::filesystem::directory_iterator(versions())) {
    names.insert(version.path().filename());
    for (const auto& entry : std::filesystem::directory_iterator(version.path())) {
      const std::string name = entry.path().filename();
      if (name.ends_with(".weights.h5") || !(name.ends_with(".h5") || name.ends_with(".keras"))) continue;
      ++files;
      CHECK_NOTHROW(check(entry.path()));
    }
  }
  CHECK(names.size() >= 3);
  CHECK(files >= 20);
}

TEST_CASE("weights of older versions of Keras fit the model that the same version described") {
  for (const auto& version : std::filesystem::directory_iterator(versions())) {
    for (const auto& entry : std::filesystem::directory_iterator(version.path())) {
      const std::string weights = entry.path();
      if (!weights.ends_with(".weights.h5")) continue;
      CAPTURE(weights);
      const std::string base = weights.substr(0, weights.size() - std::string(".weights.h5").size());
      const Model whole = load_model(base + ".keras");
      Model model = clone_model(whole);
      model.load_weights(weights);
      const Tensors x = inputs_of(base);
      CHECK(difference(model.predict(x, {.verbose = 0})[0], load_npy(base + ".predicted.npy")) < 2e-6);
    }
  }
}

TEST_CASE("a model of an older Keras 3 is saved without the keys that are new to it") {
  const std::string path =
      std::filesystem::temp_directory_path() / ("nyala_for_an_older_keras_" + std::to_string(::getpid()) + ".keras");
  const auto written = [&](const Model& model) {
    model.save(path);
    return saving::ArchiveReader(path, path).text("config.json", 1 << 20);
  };
  for (const char* version : {"keras3.0.5", "keras3.10.0"})
    for (const auto& entry : std::filesystem::directory_iterator(versions() / version)) {
      if (entry.path().extension() != ".keras") continue;
      CAPTURE(entry.path().string());
      const std::string config = written(load_model(entry.path().string()));
      const std::string given = saving::ArchiveReader(entry.path().string(), "given").text("config.json", 1 << 20);
      for (const char* word : {"quantization_config", "\"optional\"", "\"ragged\"", "DTypePolicy", "renorm", "use_gate",
                               "input_axes", "sliding_window"}) {
        CAPTURE(word);
        CHECK((config.find(word) != std::string::npos) == (given.find(word) != std::string::npos));
      }
      CHECK(load_model(path).layers().size() == load_model(entry.path().string()).layers().size());
    }
  // Made here: for the latest. What differs from the default stays in any case.
  Model fresh = Sequential{Input({3}), Dense(2)};
  CHECK(written(fresh).find("quantization_config") != std::string::npos);
  const Config gated =
      Config::parse(R"([{"class_name": "BatchNormalization", "config": {"renorm": true, "axis": 1}}])");
  CHECK(saving::in_words_of(gated, 6) == gated);
  const Config resizing = Resizing(2, 3).config();
  const Config written_for_3_0 =
      saving::in_words_of(Config::object({{"class_name", "Resizing"}, {"config", resizing}}), 0).at("config");
  for (const char* key : {"pad_to_aspect_ratio", "fill_mode", "fill_value", "antialias"}) {
    CAPTURE(key);
    CHECK(resizing.contains(key));
    CHECK_FALSE(written_for_3_0.contains(key));
  }
  CHECK(written_for_3_0.contains("crop_to_aspect_ratio"));
  std::filesystem::remove(path);
}
