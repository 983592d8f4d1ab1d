#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <string>

#include <nyala/nyala.hpp>

#include "saving/model_config.hpp"

using namespace nyala;

namespace {

Config golden(const std::string& name) {
  const std::string path = std::string(NYALA_SOURCE_DIR) + "/tests/golden/configs/" + name;
  std::ifstream file(path);
  REQUIRE_MESSAGE(file.good(), path);
  return Config::parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

/// Where two values differ first, keys in order: "config.layers[2].name: 1 against 2"; "" if nowhere.
std::string difference(const Config& a, const Config& b, const std::string& place = "") {
  if (a.is_object() && b.is_object()) {
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
      const std::string key = i < a.size() ? a.entries()[i].first : "nothing";
      const std::string other = i < b.size() ? b.entries()[i].first : "nothing";
      if (key != other) return place + ": the key " + key + " against " + other;
      const std::string found = difference(a.entries()[i].second, b.entries()[i].second, place + "." + key);
      if (!found.empty()) return found;
    }
    return "";
  }
  if (a.is_array() && b.is_array()) {
    if (a.size() != b.size()) return place + ": " + a.json() + " against " + b.json();
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::string found = difference(a[i], b[i], place + "[" + std::to_string(i) + "]");
      if (!found.empty()) return found;
    }
    return "";
  }
  return a == b ? "" : place + ": " + a.json() + " against " + b.json();
}

void set_weights_by_formula(Model& model) {
  std::vector<Tensor> values;
  const std::vector<Variable> weights = model.weights();
  for (std::size_t index = 0; index < weights.size(); ++index) {
    std::vector<double> numbers(static_cast<std::size_t>(weights[index].shape().elements()));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const double value = 0.4 * std::sin(0.37 * static_cast<double>(i) + static_cast<double>(index));
      numbers[i] = weights[index].name().find("variance") != std::string::npos ? std::abs(value) + 0.5 : value;
    }
    values.push_back(tensor(numbers, weights[index].shape()));
  }
  model.set_weights(values);
}

Tensors inputs_by_formula(const Model& model) {
  // By name: the places are those of Keras' own order of inputs.
  Tensors inputs;
  const std::vector<KerasTensor> places = model.inputs();
  for (std::size_t place = 0; place < places.size(); ++place) {
    Shape shape = places[place].shape();
    for (std::int64_t& size : shape) size = size == None ? 3 : size;
    const bool whole = !is_floating(places[place].dtype());
    std::vector<double> numbers(static_cast<std::size_t>(shape.elements()));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = whole ? static_cast<double>((i * 5 + place) % 7)
                         : std::cos(0.61 * static_cast<double>(i) + static_cast<double>(place));
    }
    inputs.push_back(cast(tensor(numbers, shape), whole ? DType::int32 : DType::float32));
  }
  return inputs;
}

void check_outputs(Model& model, const Config& expected, const std::string& name) {
  set_weights_by_formula(model);
  const Tensors outputs = model.outputs(inputs_by_formula(model));
  REQUIRE(outputs.size() == expected.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::vector<double> values = outputs[i].to_vector<double>();
    REQUIRE(values.size() == expected[i].size());
    double worst = 0.0;
    for (std::size_t j = 0; j < values.size(); ++j) {
      worst = std::max(worst, std::abs(values[j] - expected[i][j].as_double()) / (1.0 + std::abs(values[j])));
    }
    CHECK(worst < (name == "mixed_policies" ? 1e-3 : 1e-5));  // float16 inside
  }
}

}  // namespace

TEST_CASE("models that Keras described come back, say the same and compute the same") {
  const Config cases = golden("models.json");
  for (const Config& one : cases.items()) {
    INFO(one.at("name").as_string());
    Model model = model_from_json(one.at("object").json());
    CHECK(difference(saving::model_config(model), one.at("object")) == "");
    if (one.contains("outputs")) check_outputs(model, one.at("outputs"), one.at("name").as_string());

    const Model clone = clone_model(model);
    CHECK(difference(clone.get_config(), one.at("object").at("config")) == "");
  }
}

TEST_CASE("the legacy form of .h5 files") {
  const Config cases = golden("models.json");
  for (const Config& one : cases.items()) {
    INFO(one.at("name").as_string());
    Model model = saving::model_from_config(one.at("legacy_model_config"));
    CHECK(difference(saving::model_config(model, saving::Form::legacy), one.at("legacy_model_config")) == "");
    if (one.contains("legacy_training_config")) {
      saving::compile_from_config(model, one.at("legacy_training_config"));
      REQUIRE(model.compiled());
      CHECK(difference(saving::training_config(model), one.at("legacy_training_config")) == "");
    }
    if (one.contains("outputs")) check_outputs(model, one.at("outputs"), one.at("name").as_string());
  }
}

TEST_CASE("the config of every layer is Keras' own, with its keys in order") {
  int count = 0;
  for (const char* file : {"attention", "conv", "core", "merging", "norm", "pool", "reshaping", "rnn"}) {
    const Config cases = golden(std::string("../data/layers_") + file + ".json");
    for (const Config& one : cases.at("cases").items()) {
      INFO(one.at("name").as_string());
      const std::vector<std::string> known = layer_class_names();
      if (std::find(known.begin(), known.end(), one.at("class_name").as_string()) == known.end()) continue;
      const LayerRef layer =
          layer_from_config(Config::object({{"class_name", one.at("class_name")}, {"config", one.at("config")}}));
      CHECK(difference(layer->get_config(), one.at("config")) == "");
      ++count;
    }
  }
  CHECK(count > 100);
}

TEST_CASE("`.h5` files call GroupQueryAttention as Python does, `.keras` files as Keras exports it") {
  auto in = Input({4, 8});
  const Model model(in, GroupQueryAttention({.head_dim = 2, .num_query_heads = 4, .num_key_value_heads = 2})({in, in}));
  const Config legacy = saving::model_config(model, saving::Form::legacy), today = saving::model_config(model);
  CHECK(legacy.at("config").at("layers")[1].at("class_name").as_string() == "GroupedQueryAttention");
  CHECK(today.at("config").at("layers")[1].at("class_name").as_string() == "GroupQueryAttention");
  CHECK(saving::model_from_config(legacy).layers()[1]->class_name() == "GroupQueryAttention");
}
