#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <nyala/nyala.hpp>

#include "saving/layer_dialect.hpp"
#include "saving/model_config.hpp"

using namespace nyala;

namespace {

Model two_outputs() {
  auto in = Input({3});
  return Model(std::vector<KerasTensor>{in},
               std::vector<KerasTensor>{Dense(1, {.name = "a"})(in), Dense(1, {.name = "b"})(in)});
}

/// What evaluate tells of a model compiled by that text.
std::vector<std::string> told(Model model, const std::string& settings) {
  saving::compile_from_config(model, Config::parse(settings));
  const Tensor x = ones({4, 3}), y = zeros({4, 1});
  const Tensors targets = model.outputs(x).size() == 2 ? Tensors{y, y} : Tensors{y};
  std::vector<std::string> names;
  for (const auto& [name, value] : model.evaluate(x, targets, {.verbose = 0})) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("compile settings of a file in lists of lists") {
  const Model one = Sequential{Input({3}), Dense(1)};
  CHECK(told(one, R"({"optimizer": "sgd", "loss": [["mse"]], "metrics": [["mae"]]})") == Names{"loss", "mae"});
  CHECK(told(two_outputs(), R"({"optimizer": "sgd", "loss": [["mse"], ["mae"]], "loss_weights": [[0.5], [2.0]]})") ==
        told(two_outputs(), R"({"optimizer": "sgd", "loss": ["mse", "mae"], "loss_weights": [0.5, 2.0]})"));
  CHECK(told(two_outputs(), R"({"optimizer": "sgd", "loss": "mse", "metrics": [null, ["mae"]]})") ==
        Names{"a_loss", "b_loss", "b_mae", "loss"});
}

TEST_CASE("metrics keep the names under which Keras' logs have them") {
  const Model one = Sequential{Input({3}), Dense(1)};
  // tf.keras 2 writes what "accuracy" and "mae" came to mean; Keras 3 a wrapped function.
  CHECK(told(one, R"({"optimizer": "sgd", "loss": "mse", "metrics": [[
            {"class_name": "MeanMetricWrapper", "config": {"name": "accuracy", "fn": "binary_accuracy"}},
            {"class_name": "MeanMetricWrapper", "config": {"name": "off", "fn": {"module": "builtins",
             "class_name": "function", "config": "mean_absolute_error", "registered_name": "function"}}}]]})") ==
        Names{"accuracy", "loss", "off"});
  CHECK(told(two_outputs(), R"({"optimizer": "sgd", "loss": "mse", "metrics": {"a": ["mae"], "b": ["mae"]},
             "weighted_metrics": {"b": ["mae"]}})") ==
        Names{"a_loss", "a_mae", "b_loss", "b_mae", "b_weighted_mae", "loss"});
  const char* settings = R"({"optimizer": "sgd", "loss": "mse", "metrics": [[
      {"class_name": "MeanMetricWrapper", "config": {"name": "a_mae", "fn": "mean_absolute_error"}}],
      [{"class_name": "AUC", "config": {"name": "b_auc"}}]]})";
  {
    const saving::VersionBeingRead older("2.15.0");  // names with that of the output
    CHECK(told(two_outputs(), settings) == Names{"a_loss", "a_mae", "b_auc", "b_loss", "loss"});
  }
  CHECK(told(two_outputs(), settings) == Names{"a_a_mae", "a_loss", "b_b_auc", "b_loss", "loss"});
}

TEST_CASE("losses among the metrics, and jit_compile, stay as the file has them") {
  Model model = Sequential{Input({3}), Dense(1, {.kernel_initializer = "zeros"})};
  const std::string settings = R"({"optimizer": "sgd", "loss": "mse", "metrics": [
      {"module": "keras.losses", "class_name": "Huber", "config": {"name": "far", "reduction": "sum", "delta": 0.5},
       "registered_name": null},
      {"module": "builtins", "class_name": "function", "config": "huber", "registered_name": "function"}],
      "weighted_metrics": [{"class_name": "Huber", "config": {"name": "far", "reduction": "sum_over_batch_size"}}],
      "jit_compile": false})";
  saving::compile_from_config(model, Config::parse(settings));
  const Tensor x = ones({4, 3}), y = tensor(std::vector<float>{2.0f, 0.0f, 0.5f, 4.0f});
  const Logs logs = model.test_on_batch(x, reshape(y, {4, 1}), {tensor(std::vector<float>{1.0f, 0.0f, 2.0f, 1.0f})});
  CHECK(logs.at("far") == doctest::Approx(0.5 * (2.0 - 0.25) + 0.125 + 0.5 * (4.0 - 0.25)));
  CHECK(logs.at("huber") == doctest::Approx((1.5 + 0.0 + 0.125 + 3.5) / 4));
  CHECK(logs.at("weighted_far") == doctest::Approx((1.5 + 0.0 + 0.125 + 3.5) / 4));
  const Config written = saving::compile_config(model);
  CHECK(written.at("metrics").json() == Config::parse(settings).at("metrics").json());
  CHECK(written.at("jit_compile") == Config(false));

  model.compile("sgd", "mse");
  CHECK(saving::compile_config(model).at("jit_compile") == Config("auto"));
}
