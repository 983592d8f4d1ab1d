// Three lines define, compile and train a model on xtensor arrays.
#include <nyala/nyala.hpp>

#include <xtensor/xarray.hpp>
#include <xtensor/xbuilder.hpp>

#include <iostream>

using namespace nyala;

int main() {
  set_random_seed(7);
  xt::xarray<float> hours = xt::arange<float>(1, 9).reshape({8, 1});
  xt::xarray<float> score = {45, 55, 62, 71, 80, 85, 91, 97};

  Sequential model{Dense(16, {.activation = "relu"}), Dense(8, {.activation = "relu"}), Dense(1)};
  model.compile(Adam({.learning_rate = 0.02}), "mse");
  History history = model.fit(hours, score, {.epochs = 600, .verbose = 0});

  xt::xarray<float> predicted = model.predict(xt::ones<float>({1, 1}) * 9.0f);
  std::cout << "after " << history.epoch.size() << " epochs the loss is " << history["loss"].back()
            << "; 9 hours of study give a score of " << predicted(0, 0) << '\n';
  return predicted(0, 0) > 95.0f && predicted(0, 0) < 110.0f ? 0 : 1;
}
