// Whole models of older Kerases (by live/older_models.py) predict and train on as they did.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include <nyala/nyala.hpp>

#include "saving_support.hpp"

using namespace nyala;
using saving_test::golden_file;

namespace {

Tensors arrays(const std::string& base, const std::string& kind, const Config& count) {
  Tensors values;
  for (int i = 0; i < (count.is_null() ? 0 : count.as_int()); ++i)
    values.push_back(load_npy(base + "." + kind + std::to_string(i) + ".npy"));
  return values;
}

void check_outputs(const Model& model, const std::string& base, const Config& fact, double tolerance) {
  const Tensors outputs = model.predict(arrays(base, "x", fact.at("inputs")), {.verbose = 0});
  const Tensors expected = arrays(base, "y", fact.at("outputs"));
  REQUIRE(outputs.size() == expected.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    REQUIRE(outputs[i].shape() == expected[i].shape());
    CHECK(max(abs(cast(outputs[i], DType::float32) - expected[i])).item<double>() < tolerance);
  }
}

}  // namespace

TEST_CASE("whole models of older Kerases predict, train and take their weights") {
  int seen = 0;
  for (const auto& version : std::filesystem::directory_iterator(golden_file("whole"))) {
    const Config told = Config::parse(saving_test::bytes_of((version.path() / "told.json").string()));
    for (const auto& [name, fact] : told.at("models").entries()) {
      const std::string base = (version.path() / name).string();
      CAPTURE(base);
      const double tolerance = name == "mixed" ? 3e-3 : 1e-5;
      Model model = load_model(base + ".h5");
      check_outputs(model, base, fact, tolerance);
      const saving_test::Folder folder;
      for (const char* ending : {".keras", ".h5"}) {
        const std::string again = folder.file(std::string("again") + ending);
        model.save(again);
        Model second = load_model(again);
        check_outputs(second, base, fact, tolerance);
        if (!fact.contains("losses")) continue;
        const Tensors x = arrays(base, "x", fact.at("inputs")), y = arrays(base, "t", fact.at("targets"));
        CHECK(second.test_on_batch(x, y).at("loss") == doctest::Approx(model.test_on_batch(x, y).at("loss")));
      }
      if (std::filesystem::exists(base + ".weights.h5")) {
        for (const Variable& weight : model.weights()) Variable(weight).assign(zeros_like(weight.value()));
        model.load_weights(base + ".weights.h5");
        check_outputs(model, base, fact, tolerance);
      }
      ++seen;
      if (!fact.contains("losses")) continue;
      model = load_model(base + ".h5");
      for (const Config& expected : fact.at("losses").items()) {
        model.reset_metrics();
        const double loss =
            model.train_on_batch(arrays(base, "x", fact.at("inputs")), arrays(base, "t", fact.at("targets")))
                .at("loss");
        CHECK(loss == doctest::Approx(expected.as_double()).epsilon(name == "mixed" ? 3e-3 : 1e-4));
      }
    }
  }
  CHECK(seen == 7);
}

TEST_CASE("layers whose names have a slash are found by name") {
  const std::string path = golden_file("whole/keras2.3.1/slashes.h5");
  Model model = load_model(path);
  CHECK(model.get_layer("block_one_dense")->name() == "block_one_dense");
  const Tensors before = model.predict(load_npy(golden_file("whole/keras2.3.1/slashes.x0.npy")), {.verbose = 0});
  for (const Variable& weight : model.weights()) Variable(weight).assign(zeros_like(weight.value()));
  model.load_weights(path, {.by_name = true});
  const Tensors after = model.predict(load_npy(golden_file("whole/keras2.3.1/slashes.x0.npy")), {.verbose = 0});
  CHECK(saving_test::same({before.only()}, {after.only()}));
}

TEST_CASE("the names that losses and metrics had are known, and written as Keras 3 has them") {
  const saving_test::Folder folder;
  Model model = load_model(golden_file("whole/tf2.4.4/video.h5"));
  const Config settings = Config::parse(model.to_json()).at("compile_config");
  CHECK(settings.at("loss") == Config("kl_divergence"));
}

TEST_CASE("arguments by keyword are walked in the order of the alphabet, as Keras lists the layers of a graph") {
  const auto place = [](const char* name) {
    return R"({"class_name": "__keras_tensor__", "config": {"shape": [null, 4, 8], "dtype": "float32",
            "keras_history": [")" +
           std::string(name) + R"(", 0, 0]}})";
  };
  const auto input = [](const char* name) {
    return R"({"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [null, 4, 8],
            "dtype": "float32", "name": ")" +
           std::string(name) + R"("}, "name": ")" + name + R"(", "inbound_nodes": []})";
  };
  const std::string json =
      R"({"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional",
      "config": {"name": "m", "trainable": true, "layers": [)" +
      input("q") + "," + input("v") + "," + input("k") +
      R"(, {"module": "keras.layers", "class_name": "MultiHeadAttention", "config": {"name": "heads", "num_heads": 2,
      "key_dim": 3}, "name": "heads", "inbound_nodes": [{"args": [], "kwargs": {"query": )" +
      place("q") + R"(, "value": )" + place("v") + R"(, "key": )" + place("k") +
      R"(}}]}], "input_layers": [["q", 0, 0], ["v", 0, 0], ["k", 0, 0]], "output_layers": [["heads", 0, 0]]}})";
  const Model model = model_from_json(json);
  std::vector<std::string> names;
  for (const LayerRef& layer : model.layers()) names.push_back(layer->name());
  CHECK(names == std::vector<std::string>{"k", "q", "v", "heads"});
}

TEST_CASE("a DTypePolicyMap whose policies quantize nothing means the default") {
  const std::string map =
      R"({"module": "keras.dtype_policies", "class_name": "DTypePolicyMap", "config": {"default_policy": null,
      "policy_map": {"m/a": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": null},
      "registered_name": null}}}, "registered_name": null})";
  const std::string json = R"({"class_name": "Sequential", "config": {"name": "m", "layers": [{"module": "keras.layers",
      "class_name": "Dense", "config": {"name": "a", "units": 2, "dtype": )" +
                           map + R"(}}], "build_input_shape": [null, 3]}})";
  CHECK(model_from_json(json).weights().front().dtype() == DType::float32);
}

TEST_CASE("initializers with a generator for a seed, and Keras' base constraint, are read") {
  const std::string json =
      R"({"class_name": "Sequential", "config": {"name": "m", "layers": [{"module": "keras.layers",
      "class_name": "Dense", "config": {"name": "a", "units": 2, "kernel_constraint": {"module": "keras.constraints",
      "class_name": "Constraint", "config": {}, "registered_name": null}, "kernel_initializer": {
      "module": "keras.initializers", "class_name": "RandomNormal", "config": {"mean": 0.0, "stddev": 0.05, "seed": {
      "module": "keras.random", "class_name": "SeedGenerator", "config": {"name": "g", "seed": 1337},
      "registered_name": null}}, "registered_name": null}}}], "build_input_shape": [null, 3]}})";
  const Config config = Config::parse(model_from_json(json).to_json());
  const Config& layers = config.at("config").at("layers");
  const Config& dense = layers[layers.size() - 1].at("config");
  CHECK(dense.at("kernel_initializer").at("config").at("seed") == Config(1337));
  CHECK(dense.at("kernel_constraint").is_null());
}

TEST_CASE("LossScaleOptimizer as Keras up to 3.11 wrote it") {
  const std::string json =
      R"({"class_name": "Sequential", "config": {"name": "m", "layers": [{"module": "keras.layers",
      "class_name": "Dense", "config": {"name": "a", "units": 2}}], "build_input_shape": [null, 3]}, "compile_config": {
      "loss": "mse", "optimizer": {"module": "keras.optimizers", "class_name": "LossScaleOptimizer", "config": {
      "name": "scale", "weight_decay": null, "clipnorm": null, "global_clipnorm": null, "clipvalue": null,
      "use_ema": false, "ema_momentum": 0.99, "ema_overwrite_frequency": null, "loss_scale_factor": null,
      "gradient_accumulation_steps": null, "inner_optimizer": {"module": "keras.optimizers", "class_name": "Adam",
      "config": {"learning_rate": 0.01}, "registered_name": null}, "initial_scale": 1024.0,
      "dynamic_growth_steps": 9}, "registered_name": null}}})";
  const Model model = model_from_json(json);
  REQUIRE(model.compiled());
  CHECK(model.optimizer().learning_rate() == doctest::Approx(0.01));
}
