#include <nyala/npy.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>

#include <nyala/error.hpp>

#include "core/atomic_file.hpp"
#include "core/npy_header.hpp"
#include "core/npy_stream.hpp"

namespace nyala::detail {
namespace {

class Reader {
 public:
  Reader(std::uint64_t size, FunctionRef<void(void*, std::size_t)> source, const std::string& where)
      : where_(where), source_(source), left_(size) {}

  const std::string& where() const { return where_; }
  std::uint64_t left() const { return left_; }
  std::uint64_t place() const { return place_; }

  void read(void* out, std::uint64_t bytes, const char* what) {
    if (bytes > left_) fail(std::string("the file ends within ") + what);
    source_(out, static_cast<std::size_t>(bytes));
    left_ -= bytes;
    place_ += bytes;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(where_ + ", byte " + std::to_string(place_) + ": " + what);
  }

 private:
  const std::string& where_;
  FunctionRef<void(void*, std::size_t)> source_;
  std::uint64_t left_, place_ = 0;
};

NpyHeader read_header(Reader& reader) {
  std::array<unsigned char, 8> magic{};
  constexpr std::array<unsigned char, 6> expected{0x93, 'N', 'U', 'M', 'P', 'Y'};
  if (reader.left() < magic.size()) reader.fail("not a .npy file: it has " + std::to_string(reader.left()) + " bytes");
  reader.read(magic.data(), magic.size(), "the magic number");
  if (!std::equal(expected.begin(), expected.end(), magic.begin())) throw Error(reader.where() + ": not a .npy file");
  const int version = magic[6];
  if (version < 1 || version > 3 || magic[7] != 0)
    reader.fail("version " + std::to_string(version) + "." + std::to_string(int{magic[7]}) + " is not supported");
  std::array<unsigned char, 4> length_bytes{};
  reader.read(length_bytes.data(), version == 1 ? 2 : 4, "the header's length");
  std::uint64_t length = 0;
  for (std::size_t i = length_bytes.size(); i-- > 0;) length = length << 8 | length_bytes[i];
  if (length > 65'536) reader.fail("a header of " + std::to_string(length) + " bytes is too long");
  const std::uint64_t place = reader.place();
  std::string text(static_cast<std::size_t>(length), '\0');
  reader.read(text.data(), length, "the header");
  return parse_npy_header(text, reader.where(), place);
}

/// The shape, once it is known that the rest of the file is as long as it says.
Shape checked_shape(const NpyHeader& header, const Reader& reader) {
  if (header.shape.size() > Shape::max_rank)
    reader.fail("arrays of more than 8 axes are not supported, got " + std::to_string(header.shape.size()));
  const std::uint64_t element = size_of(header.dtype);
  const bool empty = std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end();
  std::uint64_t bytes = empty ? 0 : element;
  for (const std::int64_t size : header.shape) {
    if (empty) break;
    if (static_cast<std::uint64_t>(size) > reader.left() / bytes) {
      bytes = reader.left() + 1;
      break;
    }
    bytes *= static_cast<std::uint64_t>(size);
  }
  const Shape shape(header.shape.begin(), header.shape.end());
  if (bytes > reader.left())
    reader.fail("shape " + shape.str() + " of " + name_of(header.dtype) + " needs more than the " +
                std::to_string(reader.left()) + " bytes that follow");
  if (bytes < reader.left())
    reader.fail("shape " + shape.str() + " of " + name_of(header.dtype) + " needs " + std::to_string(bytes) +
                " bytes, but " + std::to_string(reader.left()) + " follow");
  return shape;
}

void swap_bytes(unsigned char* data, std::size_t bytes, std::size_t element) {
  for (unsigned char* end = data + bytes; data < end; data += element) std::reverse(data, data + element);
}

/// From column-major to row-major order.
Tensor reordered(const Tensor& columns, const Shape& shape) {
  const std::size_t element = size_of(columns.dtype()), rank = shape.size();
  Tensor rows = Tensor::empty(shape, columns.dtype(), Device("cpu"));
  std::array<std::size_t, Shape::max_rank> strides{}, index{};
  std::size_t stride = element;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    strides[axis] = stride;
    stride *= static_cast<std::size_t>(shape[axis]);
  }
  const auto* in = static_cast<const unsigned char*>(columns.raw_data());
  auto* out = static_cast<unsigned char*>(rows.raw_data());
  for (std::int64_t i = 0; i < shape.elements(); ++i, out += element) {
    std::memcpy(out, in, element);
    for (std::size_t axis = rank; axis-- > 0;) {
      in += strides[axis];
      if (++index[axis] < static_cast<std::size_t>(shape[axis])) break;
      in -= strides[axis] * index[axis];
      index[axis] = 0;
    }
  }
  return rows;
}

}  // namespace

Tensor read_npy(std::uint64_t size, FunctionRef<void(void*, std::size_t)> read, const std::string& where) {
  Reader reader(size, read, where);
  const NpyHeader header = read_header(reader);
  const Shape shape = checked_shape(header, reader);
  Tensor tensor = Tensor::empty(shape, header.dtype, Device("cpu"));
  auto* data = static_cast<unsigned char*>(tensor.raw_data());
  const std::size_t bytes = tensor.bytes();
  if (bytes > 0) reader.read(data, bytes, "the elements");
  if (header.swapped) swap_bytes(data, bytes, size_of(header.dtype));
  if (header.dtype == DType::boolean)
    std::transform(data, data + bytes, data, [](unsigned char value) { return value != 0 ? 1 : 0; });
  return header.fortran_order && shape.size() > 1 ? reordered(tensor, shape) : tensor;
}

void require_writable(const Tensor& tensor, const std::string& where) {
  if (!tensor.defined()) throw Error(where + ": the tensor must be defined, got a null tensor");
  if (tensor.dtype() == DType::string) throw Error(where + ": strings are not supported, got dtype string");
}

}  // namespace nyala::detail

namespace nyala {

Tensor load_npy(const std::string& path) {
  const std::string where = "load_npy: '" + path + "'";
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) throw Error(where + ": " + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) throw Error(where + ": not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(where + ": cannot be opened");
  const auto read = [&](void* to, std::size_t bytes) {
    if (!file.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes)))
      throw Error(where + ": cannot be read");
  };
  return detail::read_npy(static_cast<std::uint64_t>(info.st_size), read, where);
}

void save_npy(const std::string& path, const Tensor& tensor) {
  detail::require_writable(tensor, "save_npy: '" + path + "'");
  const std::string prefix = detail::npy_prefix(tensor.dtype(), {tensor.shape().begin(), tensor.shape().end()});
  detail::AtomicFile file(path, "save_npy");
  file.write(prefix.data(), prefix.size());
  const Tensor here = tensor.to(Device());
  if (here.bytes() > 0) file.write(here.raw_data(), here.bytes());
  file.commit();
}

}  // namespace nyala
