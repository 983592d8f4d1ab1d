// A convnet on the handwritten digits of MNIST: 99 % test accuracy within five epochs, and a checkpoint on disk.
// Interrupted (Ctrl-C, a crash, a power cut) and started again, it goes on where it was.
// usage: mnist [epochs]    NYALA_EXAMPLE_SHORT=1: a run of seconds on part of the data
#include <nyala/nyala.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

using namespace nyala;

int main(int argc, char** argv) try {
  const bool brief = std::getenv("NYALA_EXAMPLE_SHORT") != nullptr;
  const int epochs = argc > 1 ? std::stoi(argv[1]) : brief ? 1 : 5;
  set_random_seed(1);

  auto [train, test] = datasets::mnist::load_data();  // uint8 images {60000, 28, 28}, labels {60000}
  if (brief)
    train = {train.x.rows(0, 6000), train.y.rows(0, 6000)}, test = {test.x.rows(0, 1000), test.y.rows(0, 1000)};
  Tensor x_train = expand_dims(cast(train.x, DType::float32) / 255.0f, -1);
  Tensor x_test = expand_dims(cast(test.x, DType::float32) / 255.0f, -1);

  Sequential model{
      Input({28, 28, 1}),
      Conv2D(32, 3, {.activation = "relu"}),
      MaxPooling2D(2),
      Conv2D(64, 3, {.padding = "same", .activation = "relu"}),
      BatchNormalization(),
      MaxPooling2D(2),
      Flatten(),
      Dropout(0.5),
      Dense(10, {.activation = "softmax"}),
  };
  model.summary();
  const int batch_size = 128;
  const auto steps = epochs * ((x_train.shape()[0] + batch_size - 1) / batch_size);
  model.compile(Adam({.learning_rate = CosineDecay(2e-3, steps)}), "sparse_categorical_crossentropy",
                {.metrics = {"accuracy"}});

  const std::string checkpoint = "mnist.weights.h5", backup = brief ? "mnist_backup_short" : "mnist_backup";
  const auto start = std::chrono::steady_clock::now();
  History history =
      model.fit(x_train, train.y,
                {.epochs = epochs,
                 .batch_size = batch_size,
                 .validation_data = {x_test, test.y},
                 .callbacks = {BackupAndRestore(backup, {.save_freq = 20}), CSVLogger("mnist.csv"), TerminateOnNaN()}});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  model.save_weights(checkpoint);

  // What was saved is what was trained: a new model of the same layers gives the same result from the file.
  Logs result = model.evaluate(x_test, test.y, {.verbose = 0});
  model.load_weights(checkpoint);
  Logs again = model.evaluate(x_test, test.y, {.verbose = 0});
  std::cout << "test accuracy " << result.at("accuracy") << " after " << history.epoch.size() << " epochs, "
            << seconds.count() / static_cast<double>(history.epoch.size()) << " s per epoch; checkpoint: " << checkpoint
            << '\n';
  const double wanted = brief ? 0.90 : 0.99;
  return result.at("accuracy") >= wanted && result == again ? 0 : 1;
} catch (const nyala::Error& error) {
  std::cerr << error.what() << '\n';
  return 2;
}
