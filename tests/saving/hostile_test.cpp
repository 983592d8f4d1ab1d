#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <map>
#include <string>

#include <nyala/nyala.hpp>

#include "saving_support.hpp"
#include "support/hostile_time.hpp"

using namespace nyala;
using hostile::seconds_at_most;
using saving_test::bytes_of;
using saving_test::Folder;
using saving_test::golden_file;
using saving_test::write_bytes;

namespace {

/// The Error's text; "" for a load that went well. Anything else that is thrown fails the test by itself.
std::string refusal(const std::string& path) {
  const hostile::Stopwatch watch;
  std::string text;
  try {
    load_model(path);
  } catch (const Error& error) {
    text = error.what();
    CHECK_MESSAGE(text.find(path) != std::string::npos, text);
  }
  const double seconds = watch.seconds();
  CHECK_MESSAGE(seconds < seconds_at_most, path);
  return text;
}

/// Quick and the same everywhere.
struct Numbers {
  std::uint64_t state;
  std::size_t below(std::size_t bound) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(state >> 33) % bound;
  }
};

}  // namespace

TEST_CASE("every hostile file is refused for what it is") {
  const std::map<std::string, std::string> reasons{
      {"a_group.h5", "is no dataset"},
      {"array_config.h5", "no architecture"},
      {"bomb.h5", "has the shape"},
      {"bomb.keras", "are not unpacked"},
      {"circle.keras", "cycle"},
      {"climbs.keras", "leads out of it"},
      {"complex.h5", "neither numbers nor booleans"},
      {"cyclic.h5", "nested too deeply"},
      {"deep_json.h5", "levels of nesting"},
      {"deep_json.keras", "levels of nesting"},
      {"deep_models.keras", ""},
      {"encrypted.keras", "is encrypted"},
      {"external_data.h5", "outside of the file"},
      {"external_link.h5", "soft or external link"},
      {"huge_extent.h5", "has the shape"},
      {"huge_input.keras", ""},
      {"huge_list.keras", ""},
      {"huge_padding.keras", ""},
      {"huge_rate.keras", "rate"},
      {"huge_repeat.keras", ""},
      {"huge_units.h5", "dense"},
      {"huge_units.keras", "dense"},
      {"infinite_units.keras", "units"},
      {"itself.keras", "cycle"},
      {"lying_size.keras", ""},
      {"many_numbers.keras", ""},
      {"missing.h5", "is not there"},
      {"nan_units.keras", "units"},
      {"negative_input.keras", ""},
      {"negative_units.h5", "units"},
      {"no_config.keras", "config.json"},
      {"no_json.h5", "JSON"},
      {"no_shape.keras", ""},
      {"no_such_call.keras", ""},
      {"no_such_output.keras", ""},
      {"no_weights.keras", "model.weights.h5"},
      {"number_config.h5", "model_config"},
      {"other_byte.keras", "checksum"},
      {"number_names.h5", "no text"},
      {"overlap.keras", ""},
      {"soft_circle.h5", "soft or external link"},
      {"soft_link.h5", "soft or external link"},
      {"twice.keras", "twice"},
      {"twins.keras", ""},
      {"unknown_class.h5", "Sampling"},
      {"unknown_method.keras", "packed by the method 12"},
      {"virtual.h5", "virtual dataset"},
      {"weights_bomb.keras", "are not unpacked"},
      {"wrong_shape.h5", "has the shape (4, 3)"},
      {"wrong_type.h5", "neither numbers nor booleans"},
  };
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(golden_file("hostile"))) {
    const std::string name = entry.path().filename().string();
    const auto reason = reasons.find(name);
    REQUIRE_MESSAGE(reason != reasons.end(), name);
    const std::string text = refusal(entry.path().string());
    CHECK_MESSAGE(!text.empty(), name);
    CHECK_MESSAGE(text.find(reason->second) != std::string::npos, name << ": " << text);
    ++files;
  }
  CHECK(files == reasons.size());
}

TEST_CASE("a file that ends anywhere is refused") {
  const Folder folder;
  for (const char* name : {"dense_adam.h5", "dense_adam.keras"}) {
    const std::string bytes = bytes_of(golden_file(name)), cut = folder.file(std::string("cut_") + name);
    REQUIRE(bytes.size() > 10000);
    for (std::size_t length = 0; length < bytes.size(); length += bytes.size() / 150 + 1) {
      write_bytes(cut, bytes.substr(0, length));
      CHECK_MESSAGE(!refusal(cut).empty(), name << " cut after " << length);
    }
  }
}

constexpr std::size_t flip_rounds = build_kind::slow ? 120 : 300;

TEST_CASE("flipped bytes end in an error or in a load") {
  const Folder folder;
  Numbers numbers{12345};
  for (const char* name : {"dense_adam.h5", "dense_adam.keras", "keras2_model.h5", "latest.h5"}) {
    const std::string bytes = bytes_of(golden_file(name)), flipped = folder.file(std::string("flipped_") + name);
    std::size_t refused = 0;
    for (std::size_t round = 0; round < flip_rounds; ++round) {
      std::string changed = bytes;
      for (std::size_t i = 0; i <= numbers.below(4); ++i) {
        changed[numbers.below(changed.size())] = static_cast<char>(numbers.below(256));
      }
      write_bytes(flipped, changed);
      refused += refusal(flipped).empty() ? 0 : 1;
    }
    CHECK(refused > flip_rounds / 30);
  }
}

TEST_CASE("flipped bytes in HDF5's newer structures end in an error or in a load") {
  const Folder folder;
  std::vector<KerasTensor> inputs, outputs;
  for (int i = 0; i < 12; ++i) {
    inputs.push_back(Input({23}));
    outputs.push_back(Dense(17, {.use_bias = false})(inputs.back()));
  }
  Model model(inputs, outputs);
  const std::string bytes = bytes_of(golden_file("latest.weights.h5")), flipped = folder.file("flipped.weights.h5");
  Numbers numbers{777};
  std::size_t refused = 0;
  for (std::size_t round = 0; round < flip_rounds; ++round) {
    std::string changed = bytes;
    for (std::size_t i = 0; i <= numbers.below(6); ++i) {
      changed[numbers.below(changed.size())] = static_cast<char>(numbers.below(256));
    }
    write_bytes(flipped, round % 10 == 0 ? changed.substr(0, numbers.below(changed.size())) : changed);
    const hostile::Stopwatch watch;
    try {
      model.load_weights(flipped);
    } catch (const Error& error) {
      ++refused;
      CHECK(std::string(error.what()).find(flipped) != std::string::npos);
    }
    CHECK(watch.seconds() < seconds_at_most);
  }
  CHECK(refused > flip_rounds / 10);
}

TEST_CASE("weights that are no numbers load") {
  const Folder folder;
  Sequential model{Input({2}), Dense(2, {.name = "d"})};
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  model.set_weights(
      {tensor(std::vector<float>{nan, 1.0F, infinity, 2.0F}, {2, 2}), tensor(std::vector<float>{-infinity, nan}, {2})});
  for (const char* name : {"nan.keras", "nan.h5"}) {
    model.save(folder.file(name));
    const auto values = load_model(folder.file(name)).get_weights()[0].to_vector<float>();
    CHECK(std::isnan(values[0]));
    CHECK(values[2] == infinity);
  }
}

TEST_CASE("what is no file of models is refused") {
  const Folder folder;
  for (const char* name : {"empty.h5", "empty.keras"}) {
    write_bytes(folder.file(name), "");
    CHECK(!refusal(folder.file(name)).empty());
  }
  write_bytes(folder.file("text.h5"), "# a text");
  CHECK(refusal(folder.file("text.h5")).find("no HDF5 file") != std::string::npos);
  CHECK(refusal(folder.file("nowhere.h5")).find("no such file") != std::string::npos);
  CHECK(refusal(folder.path.string()).find("folder") != std::string::npos);
  CHECK(refusal("/dev/zero").find("no regular file") != std::string::npos);
  std::filesystem::create_directories(folder.file("saved"));
  CHECK(refusal(folder.file("saved")).find("is a folder") != std::string::npos);
  write_bytes(folder.file("saved/saved_model.pb"), "x");
  CHECK(refusal(folder.file("saved")).find("SavedModel") != std::string::npos);
  CHECK(refusal(golden_file("keras2_dense.h5")).find("only weights") != std::string::npos);
  CHECK(refusal(golden_file("dense.weights.h5")).find("load_weights") != std::string::npos);
}
