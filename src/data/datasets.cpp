#include <nyala/datasets.hpp>

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <nyala/error.hpp>

#include "data/cifar.hpp"
#include "data/idx.hpp"

namespace nyala::datasets {
namespace {

namespace fs = std::filesystem;

/// share/nyala of the installation that this code was loaded from, wherever that was moved.
std::vector<fs::path> installed_folders() {
  Dl_info info{};
  std::error_code ignored;
  if (dladdr(reinterpret_cast<const void*>(&mnist::load_data), &info) == 0 || info.dli_fname == nullptr) return {};
  const fs::path library = fs::canonical(info.dli_fname, ignored);
  if (ignored) return {};
  const fs::path folder = library.parent_path();
  // lib/libnyala.so, or lib/x86_64-linux-gnu/libnyala.so
  return {folder.parent_path() / "share/nyala", folder.parent_path().parent_path() / "share/nyala"};
}

fs::path folder_of(const std::string& name) {
  std::vector<fs::path> places;
  if (const char* given = std::getenv("NYALA_DATA_DIR"); given != nullptr && *given != '\0') {
    places.push_back(fs::path(given) / name);
  }
  places.push_back(fs::path(NYALA_SOURCE_DATA_DIR) / name);
  for (const fs::path& installed : installed_folders()) places.push_back(installed / name);
  std::string looked;
  for (const fs::path& place : places) {
    std::error_code ignored;
    if (fs::is_directory(place, ignored)) return place;
    looked += "\n  " + place.string();
  }
  throw Error("datasets::" + name + ": no data was found. Looked at:" + looked +
              "\nSet NYALA_DATA_DIR to the folder that holds the folder " + name);
}

/// Packed or not.
std::string existing(const fs::path& folder, const std::string& file) {
  const fs::path plain = folder / file;
  fs::path packed = plain;
  packed += ".gz";
  std::error_code ignored;
  if (fs::exists(packed, ignored)) return packed.string();
  if (fs::exists(plain, ignored)) return plain.string();
  throw Error("datasets: " + packed.string() + " is missing, and so is " + file);
}

Split split(const fs::path& folder, const std::string& part) {
  Split result{detail::read_idx(existing(folder, part + "-images-idx3-ubyte"), 3),
               detail::read_idx(existing(folder, part + "-labels-idx1-ubyte"), 1)};
  if (result.x.shape()[0] != result.y.shape()[0]) {
    throw Error("datasets: " + folder.string() + " has " + std::to_string(result.x.shape()[0]) + " images but " +
                std::to_string(result.y.shape()[0]) + " labels in its part \"" + part + "\"");
  }
  return result;
}

Splits load(const std::string& name) {
  const fs::path folder = folder_of(name);
  return {split(folder, "train"), split(folder, "t10k")};
}

}  // namespace

Splits mnist::load_data() { return load("mnist"); }
Splits fashion_mnist::load_data() { return load("fashion_mnist"); }

Splits cifar10::load_data() {
  const fs::path folder = folder_of("cifar10");
  std::vector<std::string> train;
  for (int i = 1; i <= 5; ++i) train.push_back(existing(folder, "data_batch_" + std::to_string(i) + ".bin"));
  return {detail::read_cifar(train, 1, 0, 10), detail::read_cifar({existing(folder, "test_batch.bin")}, 1, 0, 10)};
}

Splits cifar100::load_data(const std::string& label_mode) {
  if (label_mode != "fine" && label_mode != "coarse")
    throw Error("cifar100::load_data: label_mode must be \"fine\" or \"coarse\", got \"" + label_mode + "\"");
  const fs::path folder = folder_of("cifar100");
  const bool fine = label_mode == "fine";
  const auto part = [&](const char* file) {
    return detail::read_cifar({existing(folder, file)}, 2, fine ? 1 : 0, fine ? 100 : 20);
  };
  return {part("train.bin"), part("test.bin")};
}

}  // namespace nyala::datasets
