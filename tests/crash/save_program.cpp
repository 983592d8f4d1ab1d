// What crash_saves.py starts and kills: saves a model again and again, all of whose weights are the number of the save.
// usage: save_program loop|once|check FILE      once and check say what happened and end.
#include <nyala/nyala.hpp>

#include <filesystem>
#include <iostream>
#include <string>

using namespace nyala;

namespace {

Sequential small_model() {
  Sequential model{Input({192}), Dense(192, {.activation = "relu"}), BatchNormalization(), Dense(192)};
  model.compile(Adam(), "mse");
  model.optimizer().build(model.trainable_variables());
  return model;
}

void fill(Sequential& model, double version) {
  for (const Variable& weight : model.weights()) weight.assign(full_like(weight.value(), version));
}

/// The save that the file holds; -1: there is none. Throws Error for weights of different saves.
double version_of(Sequential& model, const std::string& path) {
  if (!std::filesystem::exists(path)) return -1.0;
  model.load_weights(path);
  const double version = model.weights().front().value().to_vector<double>().front();
  for (const Variable& weight : model.weights()) {
    for (const double value : weight.value().to_vector<double>()) {
      if (value != version) throw Error("the file mixes saves " + std::to_string(version) + " and " + weight.path());
    }
  }
  return version;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  const std::string mode = argv[1], path = argv[2];
  Sequential model = small_model();
  double version = version_of(model, path);
  std::cout << static_cast<long long>(version) << std::endl;
  if (mode == "check") return 0;
  do {
    fill(model, ++version);
    if (path.ends_with(".weights.h5"))
      model.save_weights(path);
    else
      model.save(path);
  } while (mode == "loop");
  return 0;
} catch (const nyala::Error& error) {
  std::cout << error.what() << std::endl;
  return 1;
}
