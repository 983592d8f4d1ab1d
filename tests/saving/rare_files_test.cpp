// Cells of one's own, maps of dtype policies, frozen parts: files of real Keras (golden/make_rare.py), through Nyala's
// own too.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <nyala/nyala.hpp>

#include "saving_support.hpp"

using namespace nyala;

namespace {

std::string rare(const std::string& name) { return saving_test::golden_file("rare/" + name); }

/// x W + h U.
class OneState : public LayerOf<OneState, RecurrentCell> {
 public:
  OneState(int units, const BaseOptions& options) : LayerOf(options), units_(units) {}
  static OneState from_config(const Config& config) {
    return {config.at("units").as_int(), with_base(BaseOptions{}, config)};
  }
  void build(const Shape& input) override {
    kernel_ = add_weight("kernel", {input.back(), units_});
    recurrent_kernel_ = add_weight("recurrent_kernel", {units_, units_});
  }
  Tensors call(const Tensors& inputs, bool) override {
    const Tensor y = matmul(inputs[0], kernel_) + matmul(inputs[1], recurrent_kernel_);
    return std::vector<Tensor>{y, y};
  }
  std::vector<std::int64_t> state_sizes() const override { return {units_}; }
  Config config() const override {
    Config config = base_config();
    config["units"] = units_;
    return config;
  }

 private:
  int units_;
  Variable kernel_, recurrent_kernel_;
};

/// tanh(x W + h) * (1 + steps / 10); the steps are a state that begins at 1.
class Counting : public LayerOf<Counting, RecurrentCell> {
 public:
  Counting(int units, const BaseOptions& options) : LayerOf(options), units_(units) {}
  static Counting from_config(const Config& config) {
    return {config.at("units").as_int(), with_base(BaseOptions{}, config)};
  }
  void build(const Shape& input) override { kernel_ = add_weight("kernel", {input.back(), units_}); }
  Tensors call(const Tensors& inputs, bool) override {
    const Tensor h = tanh(matmul(inputs[0], kernel_) + inputs[1]) * (inputs[2] / 10.0 + 1.0);
    return std::vector<Tensor>{h, h, inputs[2] + 1.0};
  }
  std::vector<std::int64_t> state_sizes() const override { return {units_, 1}; }
  std::vector<Tensor> initial_states(const Shape& step) const override {
    return {zeros({step[0], units_}), ones({step[0], 1})};
  }
  Config config() const override {
    Config config = base_config();
    config["units"] = units_;
    return config;
  }

 private:
  int units_;
  Variable kernel_;
};

void register_cells() {
  register_layer<OneState>("tests>OneState");
  register_layer<Counting>("tests>Counting");
}

bool is_quantized(const LayerRef& layer) {
  const std::vector<Variable> weights = layer->weights();
  return std::any_of(weights.begin(), weights.end(), [](const Variable& w) { return w.dtype() == DType::int8; });
}

/// Without the numbers by which Keras finds objects again that it wrote before.
Config without_numbers(const Config& value) {
  if (value.is_array()) {
    Config items = Config::array();
    for (const Config& item : value.items()) items.push_back(without_numbers(item));
    return items;
  }
  if (!value.is_object()) return value;
  Config object = Config::object();
  for (const auto& [key, entry] : value.entries()) {
    if (key != "shared_object_id") object[key] = without_numbers(entry);
  }
  // Keras tells the batch by which an activation's weights were made.
  if (object.get("class_name") == Config("PReLU")) object.erase("build_config");
  return object;
}

/// Loaded, saved in both formats and loaded from each.
std::vector<Model> rare_generations(const std::string& file) {
  const saving_test::Folder folder;
  std::vector<Model> models{load_model(rare(file))};
  for (const char* ending : {".keras", ".h5"}) {
    const std::string again = folder.file(std::string("again") + ending);
    models.front().save(again);
    models.push_back(load_model(again));
  }
  return models;
}

/// Predictions, losses of further steps and the config are Keras'.
void check_rare(const std::string& name, double tolerance) {
  CAPTURE(name);
  const Tensor x = load_npy(rare(name + ".x0.npy")), y = load_npy(rare(name + ".y.npy"));
  const Tensor expected = load_npy(rare(name + ".predicted.npy"));
  const auto losses = load_npy(rare(name + ".losses.npy")).to_vector<float>();
  for (const char* ending : {".keras", ".h5"}) {
    if (!std::filesystem::exists(rare(name + ending))) continue;
    CAPTURE(ending);
    for (Model& model : rare_generations(name + ending)) {
      const Tensor got = cast(model.predict(x, {.verbose = 0})[0], DType::float32);
      CHECK(max(abs(got - expected)).item<double>() < tolerance);
      for (const float loss : losses) {
        model.reset_metrics();
        CHECK(model.train_on_batch(x, y).at("loss") == doctest::Approx(loss).epsilon(10 * tolerance));
      }
    }
  }
  const Model model = load_model(rare(name + ".keras"));
  const Config expected_config = Config::parse(saving_test::bytes_of(rare(name + ".json"))).at("config");
  CHECK(without_numbers(model.get_config()) == without_numbers(expected_config));
}

}  // namespace

TEST_CASE("an RNN around cells of one's own: loaded, run, trained and saved") {
  CHECK_THROWS_WITH_AS(load_model(rare("own_cell.keras")), doctest::Contains("(OneState)"), Error);
  CHECK_THROWS_WITH_AS(load_model(rare("own_cell.keras")), doctest::Contains("register_layer<T>(\"tests>OneState\")"),
                       Error);
  register_cells();
  check_rare("own_cell", 1e-6);
  check_rare("own_cells", 1e-6);
}

TEST_CASE("a DTypePolicyMap holds for each layer by its path, and for those within it") {
  check_rare("policy_map", 1e-2);
  check_rare("default_map", 1e-2);
  const Model model = load_model(rare("policy_map.keras"));
  CHECK(model.get_layer("narrow")->compute_dtype() == DType::bfloat16);
  CHECK(model.get_layer("narrow")->variable_dtype() == DType::bfloat16);
  CHECK(model.get_layer("plain")->compute_dtype() == DType::float32);
  const std::vector<LayerRef> heads = model.get_layer("heads")->sublayers();
  CHECK(heads[0]->compute_dtype() == DType::bfloat16);
  CHECK(heads[0]->variable_dtype() == DType::float32);
  CHECK(heads[2]->compute_dtype() == DType::float32);

  const std::string json = saving_test::bytes_of(rare("quantized_map.json"));
  const Model quantized = model_from_json(json);
  CHECK(quantized.get_config() == Config::parse(json).at("config"));
  const std::vector<LayerRef> parts = quantized.get_layer("heads")->sublayers();
  CHECK(is_quantized(parts[0]));
  CHECK_FALSE(is_quantized(parts[1]));
  CHECK(is_quantized(quantized.get_layer("own")));
}

TEST_CASE("a DTypePolicyMap made here") {
  const DTypePolicyMap map("float32", {{"first", "mixed_bfloat16"}, {"se.*d", "float64"}, {"heads/query", "float64"}});
  CHECK(Dense(2, {.dtype = map, .name = "first"}).compute_dtype() == DType::bfloat16);
  CHECK(Dense(2, {.dtype = map, .name = "second"}).variable_dtype() == DType::float64);
  CHECK(Dense(2, {.dtype = map, .name = "third"}).variable_dtype() == DType::float32);
  const LayerRef heads = MultiHeadAttention({.num_heads = 2, .key_dim = 3, .dtype = map, .name = "heads"});
  heads->build_now({{None, 4, 5}, {None, 4, 5}});
  CHECK(heads->sublayers()[0]->variable_dtype() == DType::float64);
  CHECK(heads->sublayers()[1]->variable_dtype() == DType::float32);
  CHECK(layer_from_config(to_config(heads))->config() == heads->config());
  const DTypePolicyMap twice({}, {{"a", "float32"}, {"b", "float64"}});
  CHECK_THROWS_WITH_AS(Dense(2, {.dtype = twice, .name = "ab"}), doctest::Contains("several policies"), Error);
}

TEST_CASE("frozen models: what is frozen after loading, and how it is written") {
  check_rare("frozen", 1e-5);
  check_rare("all_frozen", 1e-6);
  const Model model = load_model(rare("all_frozen.keras"));
  CHECK(model.trainable_variables().empty());
  CHECK(model.get_layer("last")->trainable_variables().size() == 2);
}

TEST_CASE("layers as activations bring their weights along") {
  check_rare("learnt_activations", 1e-6);
  const Model model = load_model(rare("learnt_activations.keras"));
  CHECK(model.get_layer("dense")->trainable_variables().size() == 3);
  CHECK(model.get_layer("dense")->sublayers()[0]->class_name() == "PReLU");
}

TEST_CASE("an optimizer that Keras wrapped for mixed_float16 keeps its state") {
  check_rare("scaled", 1e-2);
  const Model model = load_model(rare("scaled.keras"));
  const std::vector<Variable> state = model.optimizer().variables();
  CHECK(model.optimizer().class_name() == "Adam");
  CHECK(state[0].value().item<double>() == 1.0);
  CHECK(max(abs(state[2].value())).item<double>() > 1e-3);
}

TEST_CASE("SpectralNormalization trains on as Keras with TensorFlow does") { check_rare("spectral", 1e-6); }

TEST_CASE("a metric of several numbers keeps them together") {
  check_rare("per_class", 1e-6);
  Model model = load_model(rare("per_class.keras"));
  const Tensor x = load_npy(rare("per_class.x0.npy")), y = load_npy(rare("per_class.y.npy"));
  const Logs logs = model.evaluate(x, y, {.verbose = 0});
  CHECK(logs.values("f1_score") == std::vector<double>{logs.at("f1_score[0]"), logs.at("f1_score[1]")});
  CHECK(logs.values("accuracy") == std::vector<double>{logs.at("accuracy")});
  CHECK_THROWS_WITH_AS(logs.at("f1_score"), doctest::Contains("values(\"f1_score\")"), Error);
  const History history = model.fit(x, y, {.epochs = 2, .verbose = 0, .validation_split = 0.5});
  CHECK(history.values("val_f1_score").size() == 2);
  CHECK(history.values("val_f1_score")[1] ==
        std::vector<double>{history["val_f1_score[0]"][1], history["val_f1_score[1]"][1]});
  CHECK(model.metric_direction("val_f1_score[1]") == "max");
}
