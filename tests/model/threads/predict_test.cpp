#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include <nyala/initializers.hpp>
#include <nyala/layers.hpp>
#include <nyala/model.hpp>
#include <nyala/ops.hpp>
#include <nyala/optimizers.hpp>
#include <nyala/random.hpp>

using namespace nyala;

TEST_CASE("one model predicts from many threads at once") {
  set_random_seed(2);
  Sequential model{
      Input({12, 12, 2}), Conv2D(4, 3, {.activation = "relu"}), BatchNormalization(), MaxPooling2D(2), Flatten(),
      Dropout(0.5),       Dense(3, {.activation = "softmax"})};
  const Tensor x = random::normal({20, 12, 12, 2});
  const std::vector<float> expected = Tensor(model.predict(x, {.batch_size = 8})).to_vector<float>();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int run = 0; run < 5; ++run) {
        if (Tensor(model.predict(x, {.batch_size = 8})).to_vector<float>() != expected) ++wrong;
        const Tensor called = model(x);
        if (called.shape() != Shape{20, 3}) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("a model that predict takes in slices does so in many threads at once") {
  set_random_seed(4);
  Sequential model{Input({48, 48, 3}), Conv2D(16, 3, {.activation = "relu"}), MaxPooling2D(2), Flatten(), Dense(3)};
  const Tensor x = random::normal({24, 48, 48, 3});
  const std::vector<float> expected = Tensor(model.predict(x)).to_vector<float>();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int run = 0; run < 2; ++run) {
        if (Tensor(model.predict(x)).to_vector<float>() != expected) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("recurrent and attention models predict from many threads") {
  set_random_seed(3);
  auto in = Input({7}, {.dtype = DType::int32});
  auto h = Embedding(20, 6, {.mask_zero = true})(in);
  h = Bidirectional(LSTM(4, {.return_sequences = true}))(h);
  h = LayerNormalization()(MultiHeadAttention({.num_heads = 2, .key_dim = 3})({h, h}));
  const Model model(in, Dense(2)(GlobalAveragePooling1D()(h)));
  const Tensor x = random::randint({9, 7}, 0, 20);
  const std::vector<float> expected = Tensor(model.predict(x)).to_vector<float>();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int run = 0; run < 5; ++run) {
        if (Tensor(model.predict(x)).to_vector<float>() != expected) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("models of their own are trained in threads of their own, as if alone") {
  const auto train = [](int units) {
    Sequential model{Input({6}), Dense(units, {.activation = "relu", .kernel_initializer = GlorotUniform({.seed = 1})}),
                     Dense(1, {.kernel_initializer = GlorotUniform({.seed = 2})})};
    model.compile(Adam({.learning_rate = 0.01}), "mse");
    const Tensor x = reshape(arange(0, 240) / 100.0f, {40, 6});
    return model.fit(x, sum(x, -1, true), {.epochs = 3, .batch_size = 16, .verbose = 0, .shuffle = false})["loss"];
  };
  std::vector<std::vector<double>> alone, together(4);
  for (int i = 0; i < 4; ++i) alone.push_back(train(4 + i));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&, i] { together[static_cast<std::size_t>(i)] = train(4 + i); });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < 4; ++i) CHECK(together[i] == alone[i]);
}
