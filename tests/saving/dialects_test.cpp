#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>

#include <nyala/nyala.hpp>

#include "saving/model_config.hpp"

using namespace nyala;

namespace {

std::string why_not(const std::string& json) {
  try {
    model_from_json(json);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string dense_json(const std::string& more = "") {
  return R"({"class_name": "Dense", "config": {"name": "d", "units": 2)" + more + "}}";
}

std::string sequential(const std::string& layers) {
  return R"({"class_name": "Sequential", "config": {"name": "s", "layers": [)" + layers + "]}}";
}

}  // namespace

TEST_CASE("Sequential of Keras 1 and 2") {
  Model listed = model_from_json(R"({"class_name": "Sequential", "config": [
    {"class_name": "Convolution2D", "config": {"name": "c", "nb_filter": 3, "nb_row": 2, "nb_col": 3,
      "border_mode": "same",
      "subsample": [1, 1], "dim_ordering": "tf", "bias": true, "init": "glorot_uniform", "activation": "relu",
      "trainable": true, "W_regularizer": null, "batch_input_shape": [null, 6, 6, 1], "input_dtype": "float32"}},
    {"class_name": "Dropout", "config": {"name": "p", "p": 0.5, "trainable": true}},
    {"class_name": "Flatten", "config": {"name": "f", "trainable": true}},
    {"class_name": "Dense", "config": {"name": "o", "output_dim": 2, "input_dim": null, "init": "uniform",
      "activation": "linear"}}]})");
  CHECK(listed.get_layer("c")->weights()[0].shape() == Shape{2, 3, 1, 3});
  CHECK(listed.output_shape() == Shape{None, 2});

  Model second = model_from_json(R"({"class_name": "Sequential", "config": {"name": "sequential", "layers": [
    {"class_name": "InputLayer", "config": {"batch_input_shape": [null, 5], "dtype": "float32", "sparse": false,
      "ragged": false, "name": "e_input"}},
    {"class_name": "Embedding", "config": {"name": "e", "trainable": true, "batch_input_shape": [null, 5],
      "dtype": "float32",
      "input_dim": 7, "output_dim": 3, "embeddings_initializer": {"class_name": "RandomUniform",
      "config": {"minval": -0.05, "maxval": 0.05, "seed": null, "dtype": "float32"}},
      "embeddings_regularizer": null, "activity_regularizer": null, "embeddings_constraint": null,
      "mask_zero": true, "input_length": 5}},
    {"class_name": "LSTM", "config": {"name": "l", "trainable": true, "dtype": {"class_name": "Policy",
      "config": {"name": "mixed_float16", "loss_scale": null}},
      "return_sequences": false, "units": 4, "time_major": false, "implementation": 2,
      "recurrent_activation": "hard_sigmoid"}},
    {"class_name": "BatchNormalization", "config": {"name": "b", "axis": [1], "momentum": 0.99, "fused": false,
      "virtual_batch_size": null}},
    {"class_name": "LeakyReLU", "config": {"name": "r", "alpha": 0.25}}]},
    "keras_version": "2.15.0", "backend": "tensorflow"})");
  CHECK(second.built());
  CHECK(second.get_layer("l")->dtype_policy().name() == "mixed_float16");
  CHECK(second.get_layer("r")->get_config().at("negative_slope") == Config(0.25));
}

TEST_CASE("graphs of tf.keras: lists of nodes, TensorFlow functions, nested models counted from 1") {
  Model model = model_from_json(R"({"class_name": "Functional", "config": {"name": "m", "trainable": true, "layers": [
    {"class_name": "InputLayer", "config": {"batch_input_shape": [null, 3], "dtype": "float32", "name": "x"},
      "name": "x", "inbound_nodes": []},
    {"class_name": "Sequential", "config": {"name": "inner", "layers": [
      {"class_name": "Activation", "config": {"name": "a", "activation": "relu", "batch_input_shape": [null, 3]}}]},
     "name": "inner", "inbound_nodes": [[["x", 0, 0, {}]]]},
    {"class_name": "TFOpLambda", "config": {"name": "tf.math.multiply", "trainable": true, "dtype": "float32",
      "function": "math.multiply"},
     "name": "tf.math.multiply", "inbound_nodes": [["inner", 1, 0, {"y": 2.0, "name": null}]]},
    {"class_name": "TFOpLambda", "config": {"name": "minus", "function": "math.subtract"},
     "name": "minus", "inbound_nodes": [["_CONSTANT_VALUE", -1, 1.0, {"y": ["tf.math.multiply", 0, 0], "name": null}]]},
    {"class_name": "SlicingOpLambda", "config": {"name": "part", "function": "__operators__.getitem"},
     "name": "part", "inbound_nodes": [["minus", 0, 0, {"slice_spec": {"class_name": "__tuple__", "items": [
        {"start": null, "stop": null, "step": null}, {"start": 1, "stop": null, "step": null}]}}]]},
    {"class_name": "TFOpLambda", "config": {"name": "mean", "function": "math.reduce_mean"},
     "name": "mean", "inbound_nodes": [["part", 0, 0, {"axis": -1, "keepdims": true}]]},
    {"class_name": "Add", "config": {"name": "sum", "trainable": true, "dtype": "float32"}, "name": "sum",
     "inbound_nodes": [[["part", 0, 0, {}], ["mean", 0, 0, {}]]]}],
    "input_layers": [["x", 0, 0]], "output_layers": [["sum", 0, 0], ["inner", 1, 0]]}})");
  const Tensors y = model.outputs(tensor({{1.0f, -2.0f, 3.0f}}));
  // 1 - 2 relu(x) = -1, 1, -5; without the first: 1, -5; mean -2.
  CHECK(y[0].to_vector<float>() == std::vector<float>{-1.0f, -7.0f});
  CHECK(y[1].to_vector<float>() == std::vector<float>{1.0f, 0.0f, 3.0f});
  CHECK(model_from_json(model.to_json()).outputs(tensor({{1.0f, -2.0f, 3.0f}}))[0].to_vector<float>() ==
        std::vector<float>{-1.0f, -7.0f});
}

TEST_CASE("settings that cannot be kept are refused by name") {
  CHECK(says(why_not(sequential(dense_json(R"(, "unitz": 3)"))), "no key \"unitz\"; did you mean \"units\"?"));
  CHECK(says(why_not(sequential(dense_json(R"(, "activation": 3)"))), "\"d\" (Dense)"));
  CHECK(says(why_not(sequential(R"({"class_name": "Dense", "config": {"name": "d", "units": "many"}})")),
             "the key \"units\": expected a whole number"));
  CHECK(says(why_not(sequential(R"({"class_name": "LSTM", "config": {"name": "l", "units": 1, "time_major": true}})")),
             "time_major"));
  CHECK(says(why_not(sequential(R"({"class_name": "Nonsense", "config": {"name": "n"}})")),
             "register_layer<T>(\"Nonsense\")"));
  CHECK(says(why_not(sequential(R"({"class_name": "Scale", "config": {}, "registered_name": "my>Scale"})")),
             "register_layer<T>(\"my>Scale\")"));
  CHECK(says(why_not(sequential(
                 R"({"class_name": "Dense", "config": {"name": "d", "units": 2,
      "dtype": {"class_name": "NoDTypePolicy", "config": {"mode": "int8"}}}})")),
             "NoDTypePolicy"));
}

TEST_CASE("hostile configs end in an Error, at once") {
  const auto big = [](const std::string& layer) {
    return sequential(R"({"class_name": "InputLayer", "config": {"batch_shape": [null, 1000], "name": "i"}}, )" +
                      layer);
  };
  CHECK(says(why_not(big(R"({"class_name": "Dense", "config": {"name": "d", "units": 1000000000}})")),
             "max_parameter_bytes"));
  CHECK(says(why_not(big(R"({"class_name": "Dense", "config": {"name": "d", "units": 1000000000000}})")), "units"));
  CHECK(says(why_not(big(R"({"class_name": "Dense", "config": {"name": "d", "units": -3}})")), "got -3"));
  CHECK(says(
      why_not(sequential(
          R"({"class_name": "InputLayer", "config": {"batch_shape": [null, 9223372036854775807], "name": "i"}}, )" +
          dense_json())),
      "\"d\""));
  CHECK_THROWS_AS(
      model_from_json(
          sequential(R"({"class_name": "InputLayer", "config": {"batch_shape": [null, 3], "name": "i"}}, )" +
                     dense_json()),
          {.max_parameter_bytes = 20}),
      Error);
  CHECK(says(why_not(sequential(dense_json() + ", " + dense_json())), "two layers have the name"));
  CHECK(says(why_not(std::string(100000, '[')), "levels of nesting"));
  for (const char* json :
       {"", "{}", "[]x", "null", "3", R"({"class_name": 3})", R"({"class_name": "Sequential"})",
        R"({"class_name": "Functional", "config": {}})", R"({"class_name": "Dense", "config": {"units": 1}})",
        R"({"class_name": "Sequential", "config": {"layers": {}}})",
        R"({"class_name": "Sequential", "config": {"layers": [null]}})"}) {
    CHECK_THROWS_AS(model_from_json(json), Error);
  }
  const auto graph = [](const std::string& a_from, const std::string& output) {
    return R"({"class_name": "Functional", "config": {"name": "m", "layers": [
      {"class_name": "InputLayer", "config": {"batch_shape": [null, 3], "name": "x"}, "name": "x", "inbound_nodes": []},
      {"class_name": "ReLU", "config": {"name": "a"}, "name": "a", "inbound_nodes": [[[)" +
           a_from + R"(]]]},
      {"class_name": "ReLU", "config": {"name": "b"}, "name": "b", "inbound_nodes": [[["a", 0, 0, {}]]]}],
      "input_layers": [["x", 0, 0]], "output_layers": [[)" +
           output + "]]}}";
  };
  CHECK(why_not(graph(R"("x", 0, 0, {})", R"("b", 0, 0)")) == "accepted");
  CHECK(says(why_not(graph(R"("b", 0, 0, {})", R"("b", 0, 0)")), "cycle"));
  CHECK(says(why_not(graph(R"("a", 0, 0, {})", R"("b", 0, 0)")), "cycle"));
  CHECK(says(why_not(graph(R"("nobody", 0, 0, {})", R"("b", 0, 0)")), "\"nobody\""));
  CHECK(says(why_not(graph(R"("x", 7, 0, {})", R"("b", 0, 0)")), "never made"));
  CHECK(says(why_not(graph(R"("x", -1, 0, {})", R"("b", 0, 0)")), "\"x\""));
  CHECK(says(why_not(graph(R"("x", 0, 9, {})", R"("b", 0, 0)")), "output 9"));
  CHECK(says(why_not(graph(R"("x", 0, 0, {})", R"("b", 3, 0)")), "output_layers"));
}

namespace {

/// The value with something else at its `place`-th node; counts down.
Config changed(const Config& value, std::size_t& place, const Config& other) {
  if (place-- == 0) return other;
  if (value.is_array()) {
    Config items = Config::array();
    for (const Config& item : value.items()) items.push_back(changed(item, place, other));
    return items;
  }
  if (!value.is_object()) return value;
  Config object = Config::object();
  for (const auto& [key, entry] : value.entries()) object[key] = changed(entry, place, other);
  return object;
}

std::size_t nodes(const Config& value) {
  std::size_t count = 1;
  if (value.is_array())
    for (const Config& item : value.items()) count += nodes(item);
  if (value.is_object())
    for (const auto& [key, entry] : value.entries()) count += nodes(entry);
  return count;
}

}  // namespace

TEST_CASE("any value in the wrong place is an Error or a model") {
  std::ifstream file(std::string(NYALA_SOURCE_DIR) + "/tests/golden/configs/models.json");
  const Config cases = Config::parse(std::string(std::istreambuf_iterator<char>(file), {}));
  const std::vector<Config> values = {Config(),
                                      true,
                                      -1,
                                      0,
                                      std::int64_t{1} << 40,
                                      std::numeric_limits<std::int64_t>::max(),
                                      1e300,
                                      "relu",
                                      "",
                                      Config::array(),
                                      Config::object(),
                                      Config::array({1, 2, 3})};
  std::mt19937 random(1);
  int accepted = 0, refused = 0;
  for (int i = 0; i < 600; ++i) {
    const Config& one = cases[random() % cases.size()];
    Config object = one.at(i % 3 == 0 ? "legacy_model_config" : "object");
    std::size_t place = random() % nodes(object);
    object = changed(object, place, values[random() % values.size()]);
    try {
      model_from_json(object.json(), {.compile = false, .max_parameter_bytes = 1 << 20});
      ++accepted;
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(accepted > 50);
  CHECK(refused > 50);
}

TEST_CASE("a very long chain is taken down without recursion") {
  std::string layers = R"({"class_name": "InputLayer", "config": {"batch_shape": [null, 3], "name": "i"}})";
  for (int i = 0; i < 5000; ++i) {
    layers += R"(, {"class_name": "ReLU", "config": {"name": "r)" + std::to_string(i) + "\"}}";
  }
  CHECK(model_from_json(sequential(layers)).layers().size() == 5000);
}

TEST_CASE("Lambda: its bytecode is never run") {
  const std::string json =
      sequential(R"({"class_name": "InputLayer", "config": {"batch_shape": [null, 3], "name": "i"}},
    {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "twice", "trainable": true,
      "dtype": "float32",
     "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": null, "closure": null}},
      "arguments": {}},
     "registered_name": null})");
  const std::string text = why_not(json);
  CHECK(says(text, "register_lambda(\"twice\", function)"));
  CHECK(says(text, "never run"));
  register_lambda("twice", [](const Tensor& x) { return x * 2.0; });
  Model model = model_from_json(json);
  CHECK(model(tensor({{1.0f, 2.0f, 3.0f}})).to_vector<float>() == std::vector<float>{2.0f, 4.0f, 6.0f});
  CHECK(says(model.to_json(), "4wEAAAA="));
}

namespace {

class Scale : public Layer {
 public:
  explicit Scale(double factor, const std::string& name = "") : Layer({}, true, {}, name), factor_(factor) {}
  static Scale from_config(const Config& config) {
    return Scale(config.at("factor").as_double(), config.get("name", ""));
  }
  Tensor forward(const Tensor& x, bool) override { return x * factor_; }
  Config config() const override {
    Config config = base_config();
    config["factor"] = factor_;
    return config;
  }

 private:
  double factor_;
};

class TwoDense : public Model {
 public:
  explicit TwoDense(int units) : units_(units), a_(track(Dense(units), "a")), b_(track(Dense(1), "b")) {}
  static TwoDense from_config(const Config& config) { return TwoDense(config.at("units").as_int()); }
  Tensor forward(const Tensor& x, bool training) override { return b_(a_(x, training), training); }
  Config config() const override { return Config::object({{"units", units_}}); }

 private:
  int units_;
  LayerRef a_, b_;
};

}  // namespace

TEST_CASE("layers and models of one's own come back by their registered names") {
  register_layer<Scale>("tests>Scale");
  register_layer<TwoDense>("tests>TwoDense");
  Sequential model{Input({3}), Scale(3.0), Dense(2)};
  const Config object = saving::model_config(model);
  CHECK(object.at("config").at("layers")[1].at("registered_name") == Config("tests>Scale"));
  CHECK(object.at("config").at("layers")[1].at("module").is_null());
  Model back = model_from_json(model.to_json());
  back.set_weights(model.get_weights());
  const Tensor x = random::normal({2, 3});
  CHECK(back(x).to_vector<float>() == model(x).to_vector<float>());

  Model own = TwoDense(4);
  own(x);
  const Config own_object = saving::model_config(own);
  CHECK(own_object.at("registered_name") == Config("tests>TwoDense"));
  Model again = saving::model_from_config(own_object);
  CHECK(again.built());
  CHECK(again.weights().size() == 4);
  again.set_weights(own.get_weights());
  CHECK(again(x).to_vector<float>() == own(x).to_vector<float>());
}

TEST_CASE("graphs written in C++: what Keras would write") {
  auto x = Input({4}, {.name = "x"});
  auto y = x * 2 + x;
  auto out = Dense(2, {.name = "d"})(y - tensor({1.0f, 2.0f, 3.0f, 4.0f}));
  Model model(x, out, {.name = "m"});
  const Config config = model.get_config();
  CHECK(config.at("input_layers") == Config::parse(R"(["x", 0, 0])"));
  const Config& multiply = config.at("layers")[1];
  CHECK(multiply.at("module") == Config("keras.src.ops.numpy"));
  CHECK(multiply.at("registered_name") == Config("Multiply"));
  CHECK(multiply.at("inbound_nodes") == Config::parse(R"([{"args": [{"class_name": "__keras_tensor__", "config":
    {"shape": [null, 4], "dtype": "float32", "keras_history": ["x", 0, 0]}}, 2], "kwargs": {}}])"));
  Model back = Model::from_config(config);
  back.set_weights(model.get_weights());
  const Tensor data = random::normal({3, 4});
  CHECK(back(data).to_vector<float>() == model(data).to_vector<float>());
  CHECK(back.get_config() == config);
}

TEST_CASE("compile settings of Keras 2") {
  Model model = saving::model_from_config(Config::parse(sequential(
      R"({"class_name": "InputLayer", "config": {"batch_shape": [null, 3], "name": "i"}}, )" + dense_json())));
  saving::compile_from_config(model, Config::parse(R"({"loss": {"class_name": "CategoricalCrossentropy", "config":
    {"reduction": "auto", "name": "categorical_crossentropy", "from_logits": true, "label_smoothing": 0,
      "axis": -1, "fn": "categorical_crossentropy"}},
    "metrics": [[{"class_name": "MeanMetricWrapper", "config": {"name": "accuracy", "dtype": "float32",
      "fn": "categorical_accuracy"}}]],
    "weighted_metrics": null, "loss_weights": null, "optimizer_config": {"class_name": "Custom>SGD", "config":
    {"name": "SGD", "lr": 0.5, "decay": 0.1, "momentum": 0.9, "nesterov": false, "jit_compile": false,
      "is_legacy_optimizer": true}}})"));
  REQUIRE(model.compiled());
  Optimizer& optimizer = model.optimizer();
  CHECK(optimizer.class_name() == "SGD");
  CHECK(optimizer.learning_rate() == doctest::Approx(0.5));
  optimizer.set_iterations(10);
  CHECK(optimizer.learning_rate() == doctest::Approx(0.25));
  CHECK_THROWS_WITH_AS(saving::optimizer_from_config(Config::parse(R"({"class_name": "SGD", "config": {"speed": 1}})")),
                       "optimizer SGD: SGD: there is no key \"speed\"", Error);
}

TEST_CASE("Options of layers of Keras 3.3 to 3.12 that have gone") {
  Model model = model_from_json(sequential(R"(
    {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [null, 3], "dtype": "float32"}},
    {"class_name": "Discretization", "config": {"name": "d", "bin_boundaries": [0.0, 0.5], "num_bins": null,
      "epsilon": 0.01, "output_mode": "int", "sparse": false, "dtype": "int64"}})"));
  // By the fractions, which int64 would cut off.
  CHECK(cast(model.predict(tensor(std::vector<double>{-0.5, 0.4, 0.7}, {1, 3}), {.verbose = 0}), DType::float64)
            .to_vector<double>() == std::vector<double>{0, 1, 2});
  CHECK(says(why_not(sequential(R"(
    {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [null, 8, 8, 3], "dtype": "float32"}},
    {"class_name": "RandomRotation", "config": {"name": "r", "factor": [-0.1, 0.1], "fill_mode": "reflect",
      "value_range": [0, 255], "fill_value": 0.0, "interpolation": "bilinear", "seed": 3}})")),
             "accepted"));
}
