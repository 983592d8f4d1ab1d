#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <nyala/error.hpp>
#include <nyala/npy.hpp>
#include <nyala/ops.hpp>

#include "support/golden.hpp"

using namespace nyala;
namespace fs = std::filesystem;

namespace {

struct Place {
  fs::path folder = fs::temp_directory_path() / "nyala npz test";
  Place() { fs::remove_all(folder), fs::create_directory(folder); }
  ~Place() { fs::remove_all(folder); }
  std::string file() const { return (folder / "arrays.npz").string(); }
};

std::string error_of(const std::string& path) {
  try {
    load_npz(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("npz: what numpy.savez_compressed wrote") {
  const auto arrays = load_npz(golden::directory() + "/files/arrays.npz");
  REQUIRE(arrays.size() == 4);
  CHECK(arrays.at("x").shape() == Shape{2, 3, 4});
  CHECK(arrays.at("x")(1, 2, 3).item<float>() == 23.0F);
  CHECK(arrays.at("y").to_vector<std::int64_t>() == std::vector<std::int64_t>{1, 0, 2});
  CHECK(arrays.at("a/b").to_vector<double>() == std::vector<double>{0, 1, 2, 3, 4, 5});
  CHECK(arrays.at("one").dtype() == DType::float16);
  CHECK(arrays.at("one").item<float>() == 1.5F);
}

TEST_CASE("npz: tensors come back as they were") {
  const Place place;
  const Tensor x = reshape(arange(12), {3, 4}), none = zeros({0, 5}, DType::uint8);
  save_npz(place.file(), {{"x", x}, {"none", none}, {"flag", Tensor(true)}});
  const auto back = load_npz(place.file());
  CHECK(back.size() == 3);
  CHECK(back.at("x").to_vector<std::int32_t>() == x.to_vector<std::int32_t>());
  CHECK(back.at("x").dtype() == x.dtype());
  CHECK(back.at("none").shape() == Shape{0, 5});
  CHECK(back.at("flag").item<bool>());
  save_npz(place.file(), {});
  CHECK(load_npz(place.file()).empty());
}

TEST_CASE("npz: mistakes and damage are told") {
  const Place place;
  CHECK_THROWS_WITH_AS(save_npz(place.file(), {{"", Tensor(1.0)}}), doctest::Contains("needs a name"), Error);
  CHECK_THROWS_WITH_AS(save_npz(place.file(), {{"../x", Tensor(1.0)}}), doctest::Contains("needs a name"), Error);
  CHECK_THROWS_WITH_AS(save_npz(place.file(), {{"x", Tensor()}}), doctest::Contains("\"x\""), Error);
  CHECK_FALSE(fs::exists(place.file()));
  CHECK(error_of(place.file()).find("load_npz") != std::string::npos);

  save_npz(place.file(), {{"x", reshape(arange(1000), {10, 100})}});
  std::ifstream in(place.file(), std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  for (std::size_t size = 0; size < whole.size(); size += 37) {
    std::ofstream(place.file(), std::ios::binary | std::ios::trunc).write(whole.data(), static_cast<long>(size));
    CHECK(error_of(place.file()).find(place.file()) != std::string::npos);
  }
  for (std::size_t at = 0; at < whole.size(); at += 11) {  // never a crash, and the checksum sees what is in the array
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    std::ofstream(place.file(), std::ios::binary | std::ios::trunc) << changed;
    if (at > 200 && at < 4000) CHECK(error_of(place.file()).find("npz") != std::string::npos);
    error_of(place.file());
  }
}
