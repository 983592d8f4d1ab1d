// A layer of one's own, a model with ordinary C++ control flow, a loss from a lambda, and a training loop by hand.
#include <nyala/nyala.hpp>

#include <iostream>

using namespace nyala;

class Scale : public Layer {  // its backward comes from the tape
 public:
  void build(const Shape& input) override { gain_ = add_weight("gain", {input.back()}, Ones()); }
  Tensor forward(const Tensor& x, bool) override { return x * gain_; }

 private:
  Variable gain_;
};

class Iterative : public Model {  // how many steps are taken depends on the data
 public:
  Tensor forward(const Tensor& x, bool training) override {
    Tensor h = in_(x, training);
    for (int step = 0; step < 6 && norm(h).item<float>() < 100.0f; ++step) h = h + tanh(step_(h, training));
    return out_(h, training);
  }

 private:
  LayerRef in_ = track(Dense(16)), step_ = track(Dense(16)), out_ = track(Dense(1));
};

int main() {
  set_random_seed(1);
  Tensor x = random::normal({256, 4});
  Tensor y = sum(square(x), -1, /*keepdims=*/true);

  Sequential scaled{Dense(16, {.activation = "relu"}), Scale(), Dense(1)};
  scaled.compile(Adam({.learning_rate = 0.01}),
                 [](const Tensor& truth, const Tensor& predicted) { return mean(abs(truth - predicted)); });
  History history = scaled.fit(x, y, {.epochs = 20, .verbose = 0});
  std::cout << "with a custom layer and loss: " << history["loss"].front() << " -> " << history["loss"].back() << '\n';

  Iterative model;
  Adam optimizer({.learning_rate = 0.01, .clipnorm = 1.0});
  float first = 0.0f, last = 0.0f;
  for (int step = 0; step < 200; ++step) {
    GradientTape tape;
    Tensor loss = mean(square(model(x, /*training=*/true) - y));
    optimizer.apply(tape.gradient(loss, model.trainable_variables()), model.trainable_variables());
    last = loss.item<float>();
    if (step == 0) first = last;
  }
  std::cout << "with a loop of one's own: " << first << " -> " << last << '\n';
  return history["loss"].back() < history["loss"].front() && last < first / 4 ? 0 : 1;
}
