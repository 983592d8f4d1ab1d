#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <nyala/nyala.hpp>

#include "saving/hdf5_reader.hpp"
#include "saving_support.hpp"

using namespace nyala;
using saving_test::Folder;
using saving_test::same;

namespace {

Sequential convnet() {
  return Sequential{Input({8, 8, 2}), Conv2D(3, 3, {.activation = "relu"}), BatchNormalization(), Flatten(), Dense(4)};
}

}  // namespace

TEST_CASE("weights and the optimizer's state come back") {
  const Folder folder;
  set_random_seed(1);
  Sequential model = convnet();
  model.compile("adam", "mse");
  const Tensor x = random::normal({16, 8, 8, 2}), y = random::normal({16, 4});
  model.fit(x, y, {.epochs = 2, .batch_size = 5, .verbose = 0});
  model.save_weights(folder.file("a.weights.h5"));

  Sequential other = convnet();
  other.compile("adam", "mse");
  CHECK_FALSE(same(other.get_weights(), model.get_weights()));
  other.load_weights(folder.file("a.weights.h5"));
  CHECK(same(other.get_weights(), model.get_weights()));
  CHECK(other.optimizer().iterations() == model.optimizer().iterations());
  const double a = model.train_on_batch(x, y).at("loss");
  other.reset_metrics();
  model.reset_metrics();
  const double next_a = model.train_on_batch(x, y).at("loss");
  other.train_on_batch(x, y);
  other.reset_metrics();
  const double next_b = other.train_on_batch(x, y).at("loss");
  CHECK(next_a == next_b);
  CHECK(a > 0.0);
}

TEST_CASE("the layout is Keras'") {
  const Folder folder;
  clear_session();
  auto in = Input({6, 5}, {.name = "in"});
  auto h = Bidirectional(LSTM(3, {.return_sequences = true}))(in);
  h = MultiHeadAttention({.num_heads = 2, .key_dim = 4})({h, h});
  Model model(in, Dense(2)(Dense(3)(h)));
  model.save_weights(folder.file("b.weights.h5"));
  const saving::Hdf5Reader reader(folder.file("b.weights.h5"), "test");
  CHECK(reader.names("layers") ==
        std::vector<std::string>{"bidirectional", "dense", "dense_1", "input_layer", "multi_head_attention"});
  CHECK(reader.names("layers/bidirectional/backward_layer/cell/vars") == std::vector<std::string>{"0", "1", "2"});
  CHECK(reader.shape("layers/bidirectional/forward_layer/cell/vars/0") == Shape{5, 12});
  CHECK(reader.shape("layers/multi_head_attention/query_dense/vars/0") == Shape{6, 2, 4});
  CHECK(reader.shape("layers/multi_head_attention/output_dense/vars/0") == Shape{2, 4, 6});
  CHECK(reader.text("layers/dense_1/vars", "name") == "dense_1");
  CHECK(reader.names("layers/input_layer/vars").empty());
}

TEST_CASE("what does not fit leaves the model as it was") {
  const Folder folder;
  Sequential model = convnet();
  model.save_weights(folder.file("c.weights.h5"));
  Sequential wider{Input({8, 8, 2}), Conv2D(3, 3, {.activation = "relu"}), BatchNormalization(), Flatten(), Dense(5)};
  const std::vector<Tensor> before = wider.get_weights();
  CHECK_THROWS_WITH_AS(wider.load_weights(folder.file("c.weights.h5")), doctest::Contains("(108, 4)"), Error);
  CHECK(same(wider.get_weights(), before));
  wider.load_weights(folder.file("c.weights.h5"), {.skip_mismatch = true});
  CHECK(same({wider.get_weights()[0]}, {model.get_weights()[0]}));
  CHECK(same({wider.get_weights().back()}, {before.back()}));
}

TEST_CASE("damaged files end in an Error that names the file") {
  const Folder folder;
  Sequential model = convnet();
  const std::string path = folder.file("d.weights.h5");
  model.save_weights(path);
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::vector<Tensor> before = model.get_weights();
  for (std::size_t length = 0; length < bytes.size(); length += bytes.size() / 40 + 1) {
    const std::string cut = folder.file("cut.weights.h5");
    std::ofstream(cut, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(length));
    CHECK_THROWS_WITH_AS(model.load_weights(cut), doctest::Contains("cut.weights.h5"), Error);
    CHECK(same(model.get_weights(), before));
  }
}

TEST_CASE("a failed save leaves the previous file") {
  const Folder folder;
  Sequential model = convnet();
  const std::string path = folder.file("e.weights.h5");
  model.save_weights(path);
  CHECK_THROWS_WITH_AS(model.save_weights(path, {.overwrite = false}), doctest::Contains("there already"), Error);
  std::filesystem::create_directories(folder.file("f.weights.h5"));
  CHECK_THROWS_AS(model.save_weights(folder.file("f.weights.h5")), Error);
  model.load_weights(path);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path)) files += entry.is_regular_file() ? 1 : 0;
  CHECK(files == 1);
}

TEST_CASE("weights packed by h5py's own filter") {
  const char* folder = std::getenv("NYALA_GOLDEN_DIR");
  const std::string files = std::string(folder != nullptr ? folder : NYALA_SOURCE_DIR "/tests/golden") + "/files/";
  Sequential model{Input({39}), Dense(23)};
  model.load_weights(files + "lzf.weights.h5");
  const auto kernel = model.get_weights()[0].to_vector<float>(), bias = model.get_weights()[1].to_vector<float>();
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    const double expected = i < 300   ? 0.0
                            : i < 380 ? static_cast<double>((i - 300) % 7)
                            : i < 497 ? static_cast<double>(i - 380) / 8.0
                                      : 2.5;
    REQUIRE(static_cast<double>(kernel[i]) == expected);
  }
  CHECK(bias == std::vector<float>(23, 0.0F));
}

TEST_CASE("files of HDF5's newer structures: dense groups and attributes, every index of chunks") {
  const char* folder = std::getenv("NYALA_GOLDEN_DIR");
  const std::string files = std::string(folder != nullptr ? folder : NYALA_SOURCE_DIR "/tests/golden") + "/files/";
  std::vector<KerasTensor> inputs, outputs;
  constexpr int kinds = 12;
  for (int i = 0; i < kinds; ++i) {
    inputs.push_back(Input({23}));
    outputs.push_back(Dense(17, {.use_bias = false})(inputs.back()));
  }
  Model model(inputs, outputs);
  model.load_weights(files + "latest.weights.h5");
  const std::vector<Tensor> weights = model.get_weights();
  REQUIRE(weights.size() == kinds);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    CAPTURE(i);
    const auto values = weights[i].to_vector<float>();
    REQUIRE(values.size() == 23 * 17);
    bool alike = true;
    for (std::size_t j = 0; j < values.size(); ++j)
      alike = alike && values[j] == static_cast<float>(j) / 8.0F + static_cast<float>(i);
    CHECK(alike);
  }
  CHECK(saving_test::same(load_model(files + "latest.h5").get_weights(),
                          load_model(files + "dense_adam.h5").get_weights()));
}
