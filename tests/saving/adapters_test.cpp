// LoRA adapters: what learns, and what files get.
#include <doctest/doctest.h>

#include <nyala/nyala.hpp>
#include <nyala/saving.hpp>

#include "saving_support.hpp"

using namespace nyala;

namespace {

double largest_difference(const Tensor& a, const Tensor& b) { return max(abs(a - b)).item<float>(); }

}  // namespace

TEST_CASE("enable_lora: only the adapter learns, and files hold the sum") {
  set_random_seed(3);
  const saving_test::Folder folder;
  Dense dense(4, {.use_bias = false, .kernel_regularizer = "l2"});
  dense.build_now({Shape{None, 6}});
  dense.enable_lora(2, 4);
  CHECK_THROWS_WITH_AS(dense.enable_lora(2), doctest::Contains("already"), Error);
  Sequential model{Input({6}), dense};
  CHECK(model.trainable_variables().size() == 2);
  const Tensor before = model.get_weights()[0];
  const Tensor x = random::normal({16, 6}), y = random::normal({16, 4});
  model.compile(SGD({.learning_rate = 0.1}), "mean_squared_error");
  const double first = model.train_on_batch(x, y).at("loss");
  double last = first;
  for (int i = 0; i < 20; ++i) last = model.train_on_batch(x, y).at("loss");
  CHECK(last < 0.95 * first);
  CHECK(largest_difference(model.get_weights()[0], before) == 0.0);

  model.save(folder.file("lora.keras"));
  Model loaded = load_model(folder.file("lora.keras"));
  CHECK(largest_difference(loaded.predict(x), model.predict(x)) < 1e-5);
  CHECK(largest_difference(loaded.get_weights()[0], before) > 1e-3);
  CHECK(max(abs(loaded.get_weights()[1])).item<float>() == 0.0F);
  CHECK(loaded.layers()[0]->config().at("lora_alpha") == Config(4));
}

TEST_CASE("enable_lora: mistakes") {
  Dense unbuilt(4);
  CHECK_THROWS_WITH_AS(unbuilt.enable_lora(2), doctest::Contains("built"), Error);
  CHECK_THROWS_WITH_AS(Dense(4, {.lora_rank = 0}), doctest::Contains("lora_rank must be positive, got 0"), Error);
  CHECK_THROWS_WITH_AS(Embedding(4, 2, {.embeddings_constraint = "non_neg", .lora_rank = 2}),
                       doctest::Contains("constraint"), Error);
}

TEST_CASE("quantized layers: policies that there are not") {
  const auto read = [](const std::string& class_name, const std::string& mode) {
    const Config policy = Config::object({{"class_name", "QuantizedDTypePolicy"},
                                          {"config", Config::object({{"mode", mode}, {"source_name", "float32"}})}});
    return layer_from_config(
        Config::object({{"class_name", class_name}, {"config", Config::object({{"units", 3}, {"dtype", policy}})}}));
  };
  CHECK(read("Dense", "int8")->config().at("dtype").at("config").at("mode") == Config("int8"));
  for (const char* mode : {"int3", "int4/0", "int4/x", "gptq", "gptq/4", "gptq/9/128", ""}) {
    CHECK_THROWS_WITH_AS(read("Dense", mode), doctest::Contains("mode"), Error);
  }
  // A layer that has nothing to quantize runs as the policy's source says, and keeps the policy, as in Keras.
  CHECK(read("LSTM", "int8")->compute_dtype() == DType::float32);
  CHECK(read("LSTM", "int8")->config().at("dtype").at("config").at("mode") == Config("int8"));
}
