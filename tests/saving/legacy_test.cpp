#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <nyala/nyala.hpp>

#include "saving_support.hpp"

using namespace nyala;
using saving_test::Folder;
using saving_test::golden_file;
using saving_test::same;

namespace {

Sequential dense() { return Sequential{Input({3}), Dense(4, {.activation = "relu"}), Dropout(0.1), Dense(2)}; }

Sequential recurrent() {
  return Sequential{Input({5, 3}), Bidirectional(LSTM(2, {.return_sequences = true})), GRU(4), Dense(1)};
}

Sequential gates() {
  return Sequential{Input({5, 3}), LSTM(2, {.return_sequences = true}), GRU(4, {.reset_after = false}), Dense(1)};
}

void check_same(Model a, Model b, const std::string& keras_3, const std::string& old, double tolerance = 0.0) {
  a.load_weights(golden_file(keras_3));
  CHECK_FALSE(same(a.get_weights(), b.get_weights()));
  b.load_weights(golden_file(old));
  CHECK(same(a.get_weights(), b.get_weights(), tolerance));
}

}  // namespace

TEST_CASE("weights of Keras 2, names in one attribute or several") {
  check_same(dense(), dense(), "dense.weights.h5", "keras2_dense.h5");
  check_same(dense(), dense(), "dense.weights.h5", "keras2_split_names.h5");
}

TEST_CASE("weights of CuDNNLSTM and CuDNNGRU") {
  check_same(recurrent(), recurrent(), "recurrent.weights.h5", "keras2_cudnn.h5", 1e-7);
  Sequential model{Input({5, 3}), Bidirectional(LSTM(2, {.return_sequences = true})), GRU(4, {.reset_after = false}),
                   Dense(1)};
  CHECK_THROWS_WITH_AS(model.load_weights(golden_file("keras2_cudnn.h5")), doctest::Contains("reset_after"), Error);
}

TEST_CASE("weights of Keras 1, an array per gate") {
  check_same(gates(), gates(), "gates.weights.h5", "keras1_gates.h5");
}

TEST_CASE("by name: what is not there stays, what does not fit is an error or skipped") {
  Sequential model(
      {Input({3}), Dense(4, {.name = "dense_1"}), Dense(2, {.name = "other"}), Dense(5, {.name = "dense_2"})});
  const std::vector<Tensor> before = model.get_weights();
  CHECK_THROWS_WITH_AS(model.load_weights(golden_file("keras2_dense.h5"), {.by_name = true}),
                       doctest::Contains("dense_2"), Error);
  CHECK(same(model.get_weights(), before));
  model.load_weights(golden_file("keras2_dense.h5"), {.skip_mismatch = true, .by_name = true});
  CHECK_FALSE(same({model.get_weights()[0]}, {before[0]}));
  for (std::size_t i = 2; i < before.size(); ++i) CHECK(same({model.get_weights()[i]}, {before[i]}));
}

TEST_CASE("by place: another number of layers is an error") {
  Sequential model{Input({3}), Dense(4)};
  const std::vector<Tensor> before = model.get_weights();
  CHECK_THROWS_WITH_AS(model.load_weights(golden_file("keras2_dense.h5")), doctest::Contains("2 layers"), Error);
  CHECK(same(model.get_weights(), before));
}

TEST_CASE("weights split over several files") {
  const Folder folder;
  Sequential model = recurrent(), other = recurrent();
  model.save_weights(folder.file("m.weights.json"), {.max_shard_size = 3e-7});
  CHECK(std::filesystem::exists(folder.file("m_00001.weights.h5")));
  other.load_weights(folder.file("m.weights.json"));
  CHECK(same(model.get_weights(), other.get_weights()));
  std::filesystem::remove(folder.file("m_00001.weights.h5"));
  CHECK_THROWS_WITH_AS(other.load_weights(folder.file("m.weights.json")), doctest::Contains("m_00001"), Error);
  CHECK_THROWS_WITH_AS(model.save_weights(folder.file("m.weights.json"), {.max_shard_size = 1e-9}),
                       doctest::Contains("max_shard_size"), Error);
  CHECK_THROWS_WITH_AS(model.save_weights(folder.file("m.weights.h5"), {.max_shard_size = 1.0}),
                       doctest::Contains(".weights.json"), Error);
}
