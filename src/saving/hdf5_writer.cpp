#include "saving/hdf5_writer.hpp"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <nyala/error.hpp>

namespace nyala::saving {

namespace {

std::recursive_mutex& library_mutex() {
  static auto* mutex = new std::recursive_mutex;
  return *mutex;
}

template <herr_t (*close)(hid_t)>
int closer(std::int64_t id) {
  return close(id);
}

Handle bfloat16_type() {
  Handle type(H5Tcreate(H5T_OPAQUE, 2), closer<H5Tclose>);
  H5Tset_tag(type.id(), "");
  return type;
}

Handle float16_type() {
  Handle type(H5Tcopy(H5T_IEEE_F32LE), closer<H5Tclose>);
  H5Tset_fields(type.id(), 15, 10, 5, 0, 10);
  H5Tset_size(type.id(), 2);
  H5Tset_ebias(type.id(), 15);
  return type;
}

/// h5py's bool: an enumeration FALSE, TRUE over int8.
Handle bool_type() {
  Handle type(H5Tenum_create(H5T_NATIVE_INT8), closer<H5Tclose>);
  std::int8_t value = 0;
  H5Tenum_insert(type.id(), "FALSE", &value);
  value = 1;
  H5Tenum_insert(type.id(), "TRUE", &value);
  return type;
}

Handle type_of(DType dtype) {
  const auto copy = [](hid_t type) { return Handle(H5Tcopy(type), closer<H5Tclose>); };
  switch (dtype) {
    case DType::boolean: return bool_type();
    case DType::uint8: return copy(H5T_STD_U8LE);
    case DType::uint16: return copy(H5T_STD_U16LE);
    case DType::uint32: return copy(H5T_STD_U32LE);
    case DType::uint64: return copy(H5T_STD_U64LE);
    case DType::int8: return copy(H5T_STD_I8LE);
    case DType::int16: return copy(H5T_STD_I16LE);
    case DType::int32: return copy(H5T_STD_I32LE);
    case DType::int64: return copy(H5T_STD_I64LE);
    case DType::float16: return float16_type();
    case DType::bfloat16: return bfloat16_type();
    case DType::float32: return copy(H5T_IEEE_F32LE);
    case DType::float64: return copy(H5T_IEEE_F64LE);
    case DType::string: break;
  }
  throw Error("HDF5: strings are not stored as weights");
}

Handle text_type(Hdf5Writer::Encoding encoding) {
  Handle type(H5Tcopy(H5T_C_S1), closer<H5Tclose>);
  H5Tset_size(type.id(), H5T_VARIABLE);
  H5Tset_cset(type.id(), encoding == Hdf5Writer::Encoding::utf8 ? H5T_CSET_UTF8 : H5T_CSET_ASCII);
  return type;
}

Handle scalar_space() { return Handle(H5Screate(H5S_SCALAR), closer<H5Sclose>); }

Handle list_space(std::size_t count) {
  const hsize_t size = count;
  return Handle(H5Screate_simple(1, &size, nullptr), closer<H5Sclose>);
}

bool write_attribute(const Handle& object, const std::string& name, const Handle& type, const Handle& space,
                     const void* value) {
  Handle attribute(H5Acreate2(object.id(), name.c_str(), type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT),
                   closer<H5Aclose>);
  return attribute.valid() && (value == nullptr || H5Awrite(attribute.id(), type.id(), value) >= 0);
}

/// A file in memory, where the system has such a place, else among its temporary ones. libhdf5 takes no memfd, since it
/// wants a path that is no link.
int memory_file(std::string& path) {
  const char* temporary = std::getenv("TMPDIR");
  for (const std::string folder : {"/dev/shm", temporary != nullptr ? temporary : "/tmp", "/tmp"}) {
    const int descriptor = detail::make_temporary(folder + "/nyala", path, 0600);
    if (descriptor >= 0) return descriptor;
  }
  return -1;
}

/// What libhdf5 failed to do, and what the system said while it tried.
std::string with_reason(const std::string& doing) { return errno == 0 ? doing : doing + ": " + std::strerror(errno); }

int closed(std::int64_t descriptor) { return ::close(static_cast<int>(descriptor)); }

}  // namespace

Hdf5Session::Hdf5Session() : lock_(library_mutex()) {
  // At the end of the process libhdf5 would flush once more what it could not write, and crash over it.
  [[maybe_unused]] static const herr_t stays = H5dont_atexit();
  H5open();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Handle::Handle(Handle&& other) noexcept : id_(other.id_), close_(other.close_) { other.id_ = -1; }

Handle& Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    close();
    id_ = other.id_;
    close_ = other.close_;
    other.id_ = -1;
  }
  return *this;
}

Handle::~Handle() { close(); }

bool Handle::close() {
  if (id_ < 0) return true;
  const std::int64_t id = id_;
  id_ = -1;
  return close_(id) >= 0;
}

Hdf5Writer::Hdf5Writer(std::string where) : where_(std::move(where)) {
  std::string path;
  descriptor_ = memory_file(path);
  if (descriptor_ < 0) fail(std::string("no place for the file's bookkeeping: ") + std::strerror(errno));
  descriptor_owner_ = Handle(descriptor_, closed);
  errno = 0;
  file_ = Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), closer<H5Fclose>);
  const std::string failure = with_reason("libhdf5 cannot begin the file");
  unlink(path.c_str());  // it lives as long as it is open
  if (!file_.valid()) fail(failure);
}

void Hdf5Writer::fail(const std::string& doing) const { throw Error(where_ + ": " + doing); }

Handle Hdf5Writer::open_group(const std::string& path) {
  Handle group(H5Gopen2(file_.id(), "/", H5P_DEFAULT), closer<H5Gclose>);
  std::size_t begin = 0;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty()) continue;
    const bool there = H5Lexists(group.id(), name.c_str(), H5P_DEFAULT) > 0;
    const hid_t next = there ? H5Gopen2(group.id(), name.c_str(), H5P_DEFAULT)
                             : H5Gcreate2(group.id(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    group = Handle(next, closer<H5Gclose>);
    if (!group.valid()) fail("the group \"" + path + "\" could not be made");
  }
  return group;
}

void Hdf5Writer::group(const std::string& path) { open_group(path); }

void Hdf5Writer::text(const std::string& path, const std::string& name, const std::string& value, Encoding encoding) {
  const Handle group = open_group(path);
  const char* bytes = value.c_str();
  if (!write_attribute(group, name, text_type(encoding), scalar_space(), &bytes)) {
    fail("the attribute \"" + name + "\" of \"" + path + "\" could not be written");
  }
}

void Hdf5Writer::fixed_texts(const Handle& group, const std::string& name, const std::string* first, std::size_t count,
                             std::size_t width) {
  const Handle type(H5Tcopy(H5T_C_S1), closer<H5Tclose>);
  H5Tset_size(type.id(), width);
  H5Tset_strpad(type.id(), H5T_STR_NULLPAD);
  std::vector<char> bytes(count * width);
  for (std::size_t i = 0; i < count; ++i) std::copy(first[i].begin(), first[i].end(), bytes.data() + i * width);
  if (!write_attribute(group, name, type, list_space(count), bytes.data())) {
    fail("the attribute \"" + name + "\" could not be written");
  }
}

void Hdf5Writer::texts(const std::string& path, const std::string& name, const std::vector<std::string>& values) {
  constexpr std::size_t header_limit = 64512;  // Keras' HDF5_OBJECT_HEADER_LIMIT
  constexpr std::size_t reference_bytes = 16;
  const Handle group = open_group(path);
  std::size_t width = 1;
  for (const std::string& value : values) width = std::max(width, value.size());
  if (width > header_limit) fail("the name of a layer or weight is too long for an HDF5 file");
  const std::size_t parts = (values.size() * width + header_limit - 1) / header_limit;
  bool written = true;
  if (values.empty()) {
    written = write_attribute(group, name, Handle(H5Tcopy(H5T_IEEE_F64LE), closer<H5Tclose>), list_space(0), nullptr);
  } else if (parts > 1) {
    std::size_t count = parts;
    while ((values.size() + count - 1) / count * width > header_limit) ++count;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t size = values.size() / count + (i < values.size() % count ? 1 : 0);
      fixed_texts(group, name + std::to_string(i), values.data() + begin, size, width);
      begin += size;
    }
  } else if (values.size() * reference_bytes > header_limit) {
    fixed_texts(group, name, values.data(), values.size(), width);
  } else {
    std::vector<const char*> pointers;
    for (const std::string& value : values) pointers.push_back(value.c_str());
    written = write_attribute(group, name, text_type(Encoding::ascii), list_space(values.size()), pointers.data());
  }
  if (!written) fail("the attribute \"" + name + "\" of \"" + path + "\" could not be written");
}

void Hdf5Writer::dataset(const std::string& group_path, const std::string& name, const Tensor& value) {
  const std::size_t slash = name.rfind('/');
  const bool nested = slash != std::string::npos;
  const Handle group = open_group(nested ? group_path + "/" + name.substr(0, slash) : group_path);
  const std::string own_name = nested ? name.substr(slash + 1) : name;
  const Handle type = type_of(value.dtype());
  std::array<hsize_t, Shape::max_rank> sizes{};
  for (std::size_t i = 0; i < value.shape().size(); ++i) sizes[i] = static_cast<hsize_t>(value.shape()[i]);
  const int rank = value.rank();
  const Handle space(rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, sizes.data(), nullptr),
                     closer<H5Sclose>);
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE), closer<H5Pclose>);
  H5Pset_alloc_time(properties.id(), H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(properties.id(), H5D_FILL_TIME_NEVER);
  H5Pset_obj_track_times(properties.id(), 0);
  const Handle dataset(
      H5Dcreate2(group.id(), own_name.c_str(), type.id(), space.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT),
      closer<H5Dclose>);
  if (!dataset.valid()) fail("\"" + group_path + "/" + name + "\" could not be made");
  if (value.size() > 0) {
    const haddr_t at = H5Dget_offset(dataset.id());
    if (at == HADDR_UNDEF) fail("\"" + group_path + "/" + name + "\" was given no place in the file");
    data_.emplace(at, value);
  }
  if (value.dtype() == DType::bfloat16) {
    const char* dtype = "bfloat16";
    if (!write_attribute(dataset, "dtype", text_type(Encoding::utf8), scalar_space(), &dtype)) {
      fail("a dtype could not be written");
    }
  }
}

std::shared_ptr<Hdf5Image> Hdf5Writer::finish() {
  errno = 0;
  if (!file_.close()) fail(with_reason("the file could not be completed"));
  const int descriptor = dup(descriptor_);
  if (descriptor < 0) fail(std::string("the file could not be completed: ") + std::strerror(errno));
  return std::make_shared<Hdf5Image>(descriptor, std::move(data_), where_);
}

Hdf5Image::Hdf5Image(int descriptor, std::map<std::uint64_t, Tensor> data, std::string where)
    : descriptor_(descriptor), data_(std::move(data)), where_(std::move(where)) {
  struct stat status {};
  if (fstat(descriptor_, &status) == 0) size_ = static_cast<std::uint64_t>(status.st_size);
  for (const auto& [at, tensor] : data_) size_ = std::max(size_, at + tensor.bytes());
}

Hdf5Image::~Hdf5Image() { ::close(descriptor_); }

void Hdf5Image::read_bookkeeping(std::uint64_t at, void* to, std::size_t bytes) const {
  auto* next = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = ::pread(descriptor_, next, bytes, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(where_ + ": the file's bookkeeping cannot be read: " + std::strerror(errno));
    if (got == 0) {  // after its end there is only data, or padding
      std::memset(next, 0, bytes);
      return;
    }
    next += got;
    at += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
}

void Hdf5Image::read(std::uint64_t at, void* to, std::size_t bytes) const {
  if (at > size_ || bytes > size_ - at) throw Error(where_ + ": the file being made is shorter than expected");
  auto* next = static_cast<char*>(to);
  while (bytes > 0) {
    const auto after = data_.upper_bound(at);
    std::uint64_t end = after == data_.end() ? size_ : after->first;
    std::uint64_t part = std::min<std::uint64_t>(bytes, end - at);
    const auto inside = after == data_.begin() ? data_.end() : std::prev(after);
    if (inside != data_.end() && at < inside->first + inside->second.bytes()) {
      part = std::min(part, inside->first + inside->second.bytes() - at);
      const Tensor value = inside->second.to(Device());
      std::memcpy(next, static_cast<const char*>(value.raw_data()) + (at - inside->first), part);
    } else {
      read_bookkeeping(at, next, part);
    }
    next += part;
    at += part;
    bytes -= part;
  }
}

void Hdf5Image::visit(const Visitor& visitor) const {
  std::vector<char> bookkeeping;
  std::uint64_t at = 0;
  const auto visit_bookkeeping = [&](std::uint64_t end) {
    while (at < end) {
      bookkeeping.resize(static_cast<std::size_t>(std::min<std::uint64_t>(end - at, piece_bytes)));
      read_bookkeeping(at, bookkeeping.data(), bookkeeping.size());
      visitor(bookkeeping.data(), bookkeeping.size());
      at += bookkeeping.size();
    }
  };
  for (const auto& [begin, tensor] : data_) {
    visit_bookkeeping(begin);
    const Tensor value = tensor.to(Device());
    const auto* data = static_cast<const char*>(value.raw_data());
    const std::size_t bytes = value.bytes();
    for (std::size_t done = 0; done < bytes; done += piece_bytes) {
      visitor(data + done, std::min(piece_bytes, bytes - done));
    }
    at += bytes;
  }
  visit_bookkeeping(size_);
}

void Hdf5Image::write_to(detail::AtomicFile& file) const {
  visit([&](const void* data, std::size_t bytes) { file.write(data, bytes); });
}

}  // namespace nyala::saving
