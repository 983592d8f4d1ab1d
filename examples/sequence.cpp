// Sequences of whole numbers with padding: masks that follow the data, a bidirectional LSTM, and attention.
#include <nyala/nyala.hpp>

#include <iostream>

using namespace nyala;

int main() {
  set_random_seed(5);
  // Sentences of up to 20 words out of 50, padded with 0; the answer: does word 7 occur?
  Tensor lengths = random::randint({1024, 1}, 5, 21);
  Tensor words = random::randint({1024, 20}, 1, 50);
  words = where(less(arange(20), lengths), words, 0);
  Tensor answers = cast(any(equal(words, 7), -1), DType::int32);

  Dataset data = Dataset::from_tensor_slices(words, answers).shuffle(1024).batch(32).prefetch(2);

  Sequential lstm{
      Embedding(50, 16, {.mask_zero = true}),
      Bidirectional(LSTM(16)),
      Dense(1, {.activation = "sigmoid"}),
  };
  lstm.compile(Adam({.learning_rate = 0.01}), "binary_crossentropy", {.metrics = {"accuracy"}});
  History recurrent = lstm.fit(data, {.epochs = 4, .verbose = 2});

  auto tokens = Input({20}, {.dtype = DType::int32});
  auto x = Embedding(50, 16)(tokens);
  x = LayerNormalization()(Add()({x, MultiHeadAttention({.num_heads = 2, .key_dim = 8})({x, x})}));
  Model attention(tokens, Dense(1, {.activation = "sigmoid"})(GlobalMaxPooling1D()(x)));
  attention.compile(Adam({.learning_rate = 0.01}), "binary_crossentropy", {.metrics = {"accuracy"}});
  History attentive = attention.fit(data, {.epochs = 4, .verbose = 2});

  std::cout << "accuracy: LSTM " << recurrent["accuracy"].back() << ", attention " << attentive["accuracy"].back()
            << '\n';
  return recurrent["accuracy"].back() > 0.8 && attentive["accuracy"].back() > 0.8 ? 0 : 1;
}
