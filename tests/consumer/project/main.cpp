// Two files include everything (nothing may be defined twice), and a model is trained without xtensor in sight.
#include <nyala/nyala.hpp>

#include <iostream>

double mean_of_ones();

int main() {
  using namespace nyala;
  set_random_seed(1);
  Tensor x = tensor({{0.f, 0.f}, {0.f, 1.f}, {1.f, 0.f}, {1.f, 1.f}});
  Tensor y = tensor({{0.f}, {1.f}, {1.f}, {0.f}});
  Sequential model{Dense(16, {.activation = "tanh"}), Dense(1, {.activation = "sigmoid"})};
  model.compile(Adam({.learning_rate = 0.1}), "binary_crossentropy");
  History history = model.fit(x, y, {.epochs = 200, .verbose = 0});
  std::cout << "loss " << history["loss"].back() << '\n';
  return history["loss"].back() < 0.1 && mean_of_ones() == 1.0 ? 0 : 1;
}
