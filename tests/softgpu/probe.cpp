#include <cstdio>
#include <cstring>
#include <iostream>

#include <nyala/nyala.hpp>

// Says which devices work and why "gpu" does not; with "train", trains a small model there and prints what came out.

namespace {

void train() {
  nyala::set_random_seed(3);
  nyala::Sequential model({nyala::Conv2D(8, 3, {.activation = "relu"}), nyala::MaxPooling2D(2), nyala::Flatten(),
                           nyala::Dropout(0.25), nyala::Dense(16, {.activation = "relu"}), nyala::BatchNormalization(),
                           nyala::Dense(4, {.activation = "softmax"})});
  const nyala::Tensor x = nyala::random::uniform({64, 10, 10, 4});
  const nyala::Tensor y = nyala::random::randint({64}, 0, 4);
  model.compile("adam", "sparse_categorical_crossentropy", {.metrics = {"accuracy"}});
  const nyala::History history = model.fit(x, y, {.epochs = 3, .batch_size = 16, .verbose = 0});
  for (const auto& [name, values] : history.history)
    for (const double value : values) std::printf("%s %a\n", name.c_str(), value);
  const nyala::Tensor predicted = model.predict(x, {.verbose = 0});
  for (const float value : predicted.to_vector<float>()) std::printf("%a\n", static_cast<double>(value));
}

}  // namespace

int main(int count, char** arguments) {
  for (const nyala::Device& device : nyala::devices()) std::cout << "device: " << device.name() << '\n';
  try {
    nyala::set_default_device(count > 2 ? arguments[2] : "gpu");
    std::cout << "default device: " << nyala::default_device().name() << '\n';
    if (count > 1 && std::strcmp(arguments[1], "train") == 0) train();
  } catch (const nyala::Error& error) {
    std::cout << "error: " << error.what() << '\n';
  }
}
