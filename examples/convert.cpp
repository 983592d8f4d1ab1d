// Rewrites a model's file in another format: .keras, .h5, .hdf5, or weights alone (.weights.h5).
// usage: convert input output
#include <nyala/nyala.hpp>

#include <cstdlib>
#include <filesystem>
#include <iostream>

using namespace nyala;

namespace {

/// Without arguments: a small model through both formats and back.
void demonstrate() {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "nyala_convert";
  std::filesystem::create_directories(folder);
  const std::string archive = (folder / "model.keras").string(), h5 = (folder / "model.h5").string();
  Sequential model{Input({4}), Dense(8, {.activation = "relu"}), Dense(2)};
  model.compile("adam", "mse");
  model.save(archive);
  convert(archive, h5);
  const Tensor x = random::normal({3, 4});
  const Tensor before = model.predict(x, {.verbose = 0}), after = load_model(h5).predict(x, {.verbose = 0});
  std::cout << archive << " -> " << h5 << ", outputs differ by " << max(abs(before - after)).item<double>() << '\n';
  std::filesystem::remove_all(folder);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 1) {
    demonstrate();
    return 0;
  }
  if (argc != 3) {
    std::cerr << "usage: convert input output\n";
    return 2;
  }
  convert(argv[1], argv[2]);
} catch (const nyala::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
