// Layout: magic, length of the table, table (JSON: the values, then name, dtype and shape of each tensor), the tensors
// in the table's order, checksum. Each part is filled up to whole words of 8 bytes.
#include "saving/state_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include <nyala/error.hpp>

#include "core/atomic_file.hpp"

namespace nyala::saving {

namespace {

constexpr std::array<char, 8> magic{'N', 'Y', 'A', 'L', 'A', 'R', 'U', '1'};
constexpr std::size_t word = 8;

std::size_t filling(std::size_t bytes) { return (word - bytes % word) % word; }

/// Finds damage, no malice.
class Checksum {
 public:
  void add(const void* data, std::size_t bytes) {
    const char* from = static_cast<const char*>(data);
    for (; bytes >= word; bytes -= word, from += word) mix(from, word);
    if (bytes > 0) mix(from, bytes);
  }
  std::uint64_t value() const { return sum_; }

 private:
  void mix(const char* from, std::size_t bytes) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, from, bytes);
    sum_ = std::rotl(sum_ ^ bits, 29) * 0x9E3779B97F4A7C15ULL;
  }
  std::uint64_t sum_ = 0x6E79616C61;
};

class Writer {
 public:
  Writer(const std::string& path, const std::string& where) : file_(path, where) {}
  void part(const void* data, std::size_t bytes) {
    static constexpr std::array<char, word> zeros{};
    if (bytes > 0) file_.write(data, bytes);
    if (filling(bytes) > 0) file_.write(zeros.data(), filling(bytes));
    sum_.add(data, bytes);
  }
  void end() {
    const std::uint64_t sum = sum_.value();
    file_.write(&sum, sizeof sum);
    file_.commit();
  }

 private:
  detail::AtomicFile file_;
  Checksum sum_;
};

class StateReader {
 public:
  StateReader(const std::string& path, const std::string& where) : where_(where), file_(path, std::ios::binary) {
    if (!file_) throw Error(where + ": " + std::strerror(errno));
    file_.seekg(0, std::ios::end);
    const std::streamoff size = file_.tellg();
    if (!file_ || size < 0) fail("it cannot be read");
    left_ = static_cast<std::size_t>(size);
    file_.seekg(0);
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(where_ + ": the file is damaged, or no backup of this version: " + what);
  }
  std::size_t left() const { return left_; }

  void part(void* data, std::size_t bytes) {
    if (bytes > left_ || filling(bytes) > left_ - bytes) fail("it ends too early");
    std::array<char, word> filler{};
    take(data, bytes);
    take(filler.data(), filling(bytes));
    if (filler != std::array<char, word>{}) fail("what fills it up is not empty");
    sum_.add(data, bytes);
  }
  void end() {
    std::uint64_t expected = 0;
    if (left_ != sizeof expected) fail("its length is wrong");
    const std::uint64_t found = sum_.value();
    take(&expected, sizeof expected);
    if (expected != found) fail("its checksum is wrong");
  }

 private:
  void take(void* data, std::size_t bytes) {
    file_.read(static_cast<char*>(data), static_cast<std::streamsize>(bytes));
    if (!file_) fail("it cannot be read to its end");
    left_ -= bytes;
  }

  std::string where_;
  std::ifstream file_;
  std::size_t left_ = 0;
  Checksum sum_;
};

/// Bytes of such a tensor, if they are not more than `limit`.
std::size_t bytes_of(const Shape& shape, DType dtype, std::size_t limit, const StateReader& reader) {
  std::size_t bytes = size_of(dtype);
  if (bytes == 0) reader.fail("it holds strings");
  for (const std::int64_t size : shape) {
    if (size == 0) return 0;
  }
  for (const std::int64_t size : shape) {
    if (size < 0 || static_cast<std::size_t>(size) > limit / bytes) reader.fail("a tensor is larger than the file");
    bytes *= static_cast<std::size_t>(size);
  }
  return bytes;
}

}  // namespace

void write_state(const std::string& path, const SavedState& state, const std::string& where) {
  std::vector<Tensor> tensors;
  Config table = Config::array();
  for (const auto& [name, tensor] : state.tensors) {
    if (tensor.dtype() == DType::string) throw Error(where + ": \"" + name + "\" holds strings");
    tensors.push_back(tensor.to(Device()));
    table.push_back(Config::object({{"name", name}, {"dtype", name_of(tensor.dtype())}, {"shape", tensor.shape()}}));
  }
  const std::string header = Config::object({{"values", state.values}, {"tensors", table}}).json();
  const std::uint64_t length = header.size();
  Writer writer(path, where);
  writer.part(magic.data(), magic.size());
  writer.part(&length, sizeof length);
  writer.part(header.data(), header.size());
  for (const Tensor& tensor : tensors) {
    writer.part(tensor.raw_data(), static_cast<std::size_t>(tensor.size()) * size_of(tensor.dtype()));
  }
  writer.end();
}

SavedState read_state(const std::string& path, const std::string& where) {
  StateReader reader(path, where);
  std::array<char, 8> first{};
  std::uint64_t length = 0;
  reader.part(first.data(), first.size());
  if (first != magic) reader.fail("it begins otherwise");
  reader.part(&length, sizeof length);
  if (length > reader.left()) reader.fail("it ends too early");
  std::string header(length, '\0');
  reader.part(header.data(), header.size());
  SavedState state;
  try {
    Config table = Config::parse(header);
    for (const Config& entry : table.at("tensors").items()) {
      const Shape shape = entry.at("shape").as_shape();
      const DType dtype = dtype_from_name(entry.at("dtype").as_string());
      const std::size_t bytes = bytes_of(shape, dtype, reader.left(), reader);
      Tensor tensor = Tensor::empty(shape, dtype, Device());
      reader.part(tensor.raw_data(), bytes);
      state.tensors.emplace(entry.at("name").as_string(), tensor);
    }
    state.values = table.at("values");
  } catch (const Error& error) {
    const std::string what = error.what();
    if (what.starts_with(where)) throw;
    reader.fail(what);
  }
  reader.end();
  return state;
}

}  // namespace nyala::saving
