// What tests/speed/instructions.py counts the instructions of: WORKLOAD COUNT, where two counts differ by their steps.
#include <nyala/nyala.hpp>

#include <cstdlib>
#include <string>

using namespace nyala;

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string work = argv[1];
  const int count = std::atoi(argv[2]);
  set_random_seed(0);
  if (work == "tiny") {
    Model model = Sequential{Input({1}), Dense(16, {.activation = "relu"}), Dense(8, {.activation = "relu"}), Dense(1)};
    model.compile(Adam({.learning_rate = 0.02}), "mse");
    const Tensor x = random::uniform({8, 1}), y = random::uniform({8, 1});
    model.fit(x, y, {.epochs = count, .batch_size = 8, .verbose = 0});
    return 0;
  }
  Model model = Sequential{Input({784}), Dense(128, {.activation = "relu"}), Dense(128, {.activation = "relu"}),
                           Dense(10, {.activation = "softmax"})};
  if (work == "predict") {
    const Tensor x = random::uniform({1, 784});
    for (int i = 0; i < count; ++i) model.predict(x, {.verbose = 0});
    return 0;
  }
  if (work != "mlp") return 2;
  model.compile(Adam(), "sparse_categorical_crossentropy");
  const Tensor x = random::uniform({64, 784}), y = random::randint({64}, 0, 10);
  model.fit(x, y, {.epochs = count, .batch_size = 64, .verbose = 0});
}
