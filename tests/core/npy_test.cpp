#include <doctest/doctest.h>
#include <nyala/npy.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <nyala/error.hpp>

#include "core/half.hpp"

using namespace nyala;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / "nyala npy test";
  Folder() { fs::remove_all(path), fs::create_directory(path); }
  ~Folder() { fs::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
  std::string with(const std::string& content) const {
    std::ofstream(path / "x.npy", std::ios::binary) << content;
    return file("x.npy");
  }
};

std::string bytes_of(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text += static_cast<char>(byte);
  return text;
}

/// A file as the format's description has it.
std::string npy(const std::string& dictionary, const std::string& elements, int version = 1) {
  const auto length = static_cast<int>(dictionary.size() + 1);
  std::string text = bytes_of({0x93, 'N', 'U', 'M', 'P', 'Y', version, 0, length & 255, length >> 8});
  if (version > 1) text += bytes_of({0, 0});
  return text + dictionary + "\n" + elements;
}

std::string header(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
}

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string message(const std::string& path) {
  try {
    load_npy(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("npy: files that numpy wrote") {
  const Folder folder;
  // numpy.save of numpy.asfortranarray(numpy.arange(6, dtype='>i2').reshape(2, 3))
  const std::string numpy_text = header(">i2", "(2, 3)", true);
  const std::string padded = numpy_text + std::string(117 - numpy_text.size(), ' ');
  const std::string elements = bytes_of({0, 0, 0, 3, 0, 1, 0, 4, 0, 2, 0, 5});
  const Tensor big = load_npy(folder.with(npy(padded, elements)));
  CHECK(big.shape() == Shape{2, 3});
  CHECK(big.dtype() == DType::int16);
  CHECK(big.to_vector<std::int16_t>() == std::vector<std::int16_t>{0, 1, 2, 3, 4, 5});

  const Tensor scalar = load_npy(folder.with(npy(header("<f8", "()"), bytes_of({0, 0, 0, 0, 0, 0, 8, 0x40}))));
  CHECK(scalar.rank() == 0);
  CHECK(scalar.item<double>() == 3.0);
  const Tensor empty = load_npy(folder.with(npy(header("|b1", "(0, 3)"), "", 3)));
  CHECK(empty.shape() == Shape{0, 3});
  const Tensor half = load_npy(folder.with(npy(header("<f2", "(2,)"), bytes_of({0, 0x3C, 0, 0xC0}), 2)));
  CHECK(half.dtype() == DType::float16);
  CHECK(static_cast<const std::uint16_t*>(half.raw_data())[1] == 0xC000);
  const Tensor brain = load_npy(folder.with(npy(header("<V2", "(1,)"), bytes_of({0x80, 0x3F}))));
  CHECK(brain.dtype() == DType::bfloat16);
  const Tensor truth = load_npy(folder.with(npy(header("|b1", "(3,)"), bytes_of({0, 1, 255}))));
  CHECK(std::memcmp(truth.raw_data(), "\0\1\1", 3) == 0);
}

TEST_CASE("npy: Fortran order of three axes") {
  const Folder folder;
  std::string elements;
  for (int k = 0; k < 4; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i) elements += static_cast<char>(i * 12 + j * 4 + k);
  const auto values = load_npy(folder.with(npy(header("|u1", "(2, 3, 4)", true), elements))).to_vector<std::uint8_t>();
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == i);
  CHECK(load_npy(folder.with(npy(header("|u1", "(2, 0)", true), ""))).size() == 0);
}

TEST_CASE("npy: the header may be written in other ways") {
  const Folder folder;
  for (const char* text : {"{\"shape\":(2L,),\"fortran_order\":False,\"descr\":\"=u1\"}",
                           "{ 'fortran_order' : False , 'descr' : 'u1' ,\t'shape' : ( 2 , ) , } "}) {
    CHECK(load_npy(folder.with(npy(text, "\1\2"))).to_vector<std::uint8_t>() == std::vector<std::uint8_t>{1, 2});
  }
}

TEST_CASE("npy: every dtype comes back as it was, and the bytes are those that numpy.save writes") {
  const Folder folder;
  for (const DType dtype :
       {DType::boolean, DType::uint8, DType::uint16, DType::uint32, DType::uint64, DType::int8, DType::int16,
        DType::int32, DType::int64, DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{5}, Shape{2, 3, 4}}) {
      Tensor tensor = Tensor::empty(shape, dtype, Device("cpu"));
      auto* bytes = static_cast<unsigned char*>(tensor.raw_data());
      for (std::size_t i = 0; i < tensor.bytes(); ++i)
        bytes[i] = static_cast<unsigned char>(dtype == DType::boolean ? i % 2 : i * 37 + 1);
      save_npy(folder.file("y.npy"), tensor);
      const Tensor back = load_npy(folder.file("y.npy"));
      CHECK(back.dtype() == dtype);
      CHECK(back.shape() == shape);
      if (tensor.bytes() > 0) CHECK(std::memcmp(back.raw_data(), tensor.raw_data(), tensor.bytes()) == 0);
      CHECK((fs::file_size(folder.file("y.npy")) - tensor.bytes()) % 64 == 0);
    }
  }
  const std::vector<float> values{1.0F, -2.0F};
  save_npy(folder.file("y.npy"), tensor(values));
  const std::string text = header("<f4", "(2,)");
  CHECK(content(folder.file("y.npy")) ==
        npy(text + std::string(117 - text.size(), ' '), bytes_of({0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0})));
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path)) files += entry.exists() ? 1 : 0;
  CHECK(files == 1);
}

TEST_CASE("npy: damaged and hostile files are refused with the file's name and the place") {
  const Folder folder;
  const std::string good = npy(header("<f4", "(2, 3)"), std::string(24, 'x'));
  CHECK(load_npy(folder.with(good)).size() == 6);
  for (std::size_t length = 0; length < good.size(); ++length) {
    CAPTURE(length);
    REQUIRE(mentions(message(folder.with(good.substr(0, length))), "x.npy'"));
  }
  CHECK(mentions(message(folder.with(good + "y")), "needs 24 bytes, but 25 follow"));
  CHECK(mentions(message(folder.with("PK" + good)), "not a .npy file"));
  CHECK(mentions(message(folder.file("missing.npy")), "missing.npy': No such file"));
  CHECK(mentions(message(folder.path.string()), "not a file"));
  CHECK(mentions(message(folder.with(npy(header("<f4", "(6,)"), std::string(24, 'x'), 4))), "version 4.0"));

  const auto refused = [&](const std::string& dictionary) {
    return message(folder.with(npy(dictionary, std::string(24, 'x'))));
  };
  CHECK(mentions(refused(header("<c8", "(3,)")), "byte 20: elements of dtype '<c8'"));
  CHECK(mentions(refused(header("|O", "(3,)")), "'|O'"));
  CHECK(mentions(refused(header("<U4", "(3,)")), "'<U4'"));
  CHECK(mentions(refused(header("", "(3,)")), "''"));
  CHECK(mentions(refused("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }"), "records"));
  CHECK(mentions(refused(header("<f4", "(-6,)")), "negative"));
  CHECK(mentions(refused(header("<f4", "(6)")), "expected ','"));
  CHECK(mentions(refused(header("<f4", "(2, 3")), "expected"));
  CHECK(mentions(refused(header("<f4", "6")), "expected '('"));
  CHECK(mentions(refused(header("<f4", "(99999999999999999999,)")), "too large"));
  CHECK(mentions(refused(header("<f4", "(4611686018427387904, 4)")), "needs more than the 24 bytes"));
  CHECK(mentions(refused(header("<f4", "(4294967296, 4294967296)")), "needs more than the 24 bytes"));
  CHECK(mentions(refused(header("<f4", "(1, 1, 1, 1, 1, 1, 1, 1, 6)")), "8 axes"));
  CHECK(mentions(refused("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}"), "twice"));
  CHECK(mentions(refused("{'descr': '<f4', 'shape': (6,)}"), "must all be given"));
  CHECK(mentions(refused("{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}"), "True or False"));
  CHECK(mentions(refused(header("<f4", "(6,)") + "import os"), "end of the header"));
  CHECK(mentions(refused("{'evil': '<f4'}"), "unknown key 'evil'"));
  CHECK(mentions(refused("{'descr': '<f4"), "does not end"));
  CHECK(mentions(refused(""), "expected '{'"));
  const std::string long_header = bytes_of({0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, 255, 255, 255, 255});
  CHECK(mentions(message(folder.with(long_header)), "too long"));
}

TEST_CASE("npy: what cannot be saved is refused, and leaves the file that was there") {
  const Folder folder;
  CHECK_THROWS_AS(save_npy(folder.file("s.npy"), tensor(std::vector<std::string>{"a"})), Error);
  CHECK_THROWS_AS(save_npy(folder.file("s.npy"), Tensor()), Error);
  CHECK(!fs::exists(folder.file("s.npy")));
  const Tensor one = tensor(std::vector<float>{1.0F});
  CHECK_THROWS_AS(save_npy(folder.file("no folder/x.npy"), one), Error);
  CHECK_THROWS_AS(save_npy(folder.path.string(), one), Error);
  CHECK_THROWS_AS(save_npy("", one), Error);
  CHECK_THROWS_AS(save_npy("/dev/full", one), Error);

  save_npy(folder.file("real.npy"), one);
  fs::create_symlink(folder.file("real.npy"), folder.file("link.npy"));
  save_npy(folder.file("link.npy"), tensor(std::vector<float>{2.0F}));
  CHECK(fs::is_symlink(folder.file("link.npy")));
  CHECK(load_npy(folder.file("real.npy")).item<float>() == 2.0F);
}
