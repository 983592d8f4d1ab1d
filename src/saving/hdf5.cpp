#include "saving/hdf5.hpp"

#include <hdf5.h>

#include <array>
#include <cstring>

#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>

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
  H5Tset_tag(type.id(), "bfloat16");
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

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), closer<H5Tclose>);
  H5Tset_size(type.id(), H5T_VARIABLE);
  H5Tset_cset(type.id(), H5T_CSET_UTF8);
  return type;
}

}  // namespace

Hdf5Session::Hdf5Session() : lock_(library_mutex()) {
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

Hdf5Writer::Hdf5Writer(const std::string& path, std::string where) : where_(std::move(where)) {
  file_ = Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), closer<H5Fclose>);
  if (!file_.valid()) fail("the file could not be made");
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
    if (!group.valid()) fail("the group \"" + path + "\" could not be made (is the disk full?)");
  }
  return group;
}

void Hdf5Writer::group(const std::string& path) { open_group(path); }

void Hdf5Writer::attribute(const std::string& path, const std::string& name, const std::string& text) {
  const Handle group = open_group(path), type = text_type();
  const Handle space(H5Screate(H5S_SCALAR), closer<H5Sclose>);
  const Handle attribute(H5Acreate2(group.id(), name.c_str(), type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT),
                         closer<H5Aclose>);
  const char* value = text.c_str();
  if (!attribute.valid() || H5Awrite(attribute.id(), type.id(), &value) < 0) {
    fail("the attribute \"" + name + "\" of \"" + path + "\" could not be written (is the disk full?)");
  }
}

void Hdf5Writer::dataset(const std::string& group_path, const std::string& name, const Tensor& given) {
  const Tensor value = given.to(Device());
  const Handle group = open_group(group_path), type = type_of(value.dtype());
  std::array<hsize_t, Shape::max_rank> sizes{};
  for (std::size_t i = 0; i < value.shape().size(); ++i) sizes[i] = static_cast<hsize_t>(value.shape()[i]);
  const int rank = value.rank();
  const Handle space(rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, sizes.data(), nullptr),
                     closer<H5Sclose>);
  const Handle dataset(
      H5Dcreate2(group.id(), name.c_str(), type.id(), space.id(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      closer<H5Dclose>);
  const bool written = dataset.valid() && (value.size() == 0 || H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL,
                                                                         H5P_DEFAULT, value.raw_data()) >= 0);
  if (!written) fail("\"" + group_path + "/" + name + "\" could not be written (is the disk full?)");
  if (value.dtype() == DType::bfloat16) {
    const Handle text = text_type();
    const Handle scalar(H5Screate(H5S_SCALAR), closer<H5Sclose>);
    const Handle attribute(H5Acreate2(dataset.id(), "dtype", text.id(), scalar.id(), H5P_DEFAULT, H5P_DEFAULT),
                           closer<H5Aclose>);
    const char* dtype = "bfloat16";
    if (!attribute.valid() || H5Awrite(attribute.id(), text.id(), &dtype) < 0) fail("a dtype could not be written");
  }
}

void Hdf5Writer::close() {
  if (H5Fflush(file_.id(), H5F_SCOPE_GLOBAL) < 0 || !file_.close()) {
    fail("the file could not be completed (is the disk full?)");
  }
}

Hdf5Reader::Hdf5Reader(const std::string& path, std::string where) : where_(std::move(where)) {
  file_ = Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), closer<H5Fclose>);
  if (!file_.valid()) throw Error(where_ + ": this is no HDF5 file, or it is damaged");
}

void Hdf5Reader::fail(const std::string& path, const std::string& what) const {
  throw Error(where_ + ": \"" + path + "\" " + what);
}

bool Hdf5Reader::check_path(const std::string& path) const {
  std::string so_far;
  std::size_t begin = 0;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty()) continue;
    so_far += "/" + name;
    if (H5Lexists(file_.id(), so_far.c_str(), H5P_DEFAULT) <= 0) return false;
    H5L_info_t link;
    if (H5Lget_info(file_.id(), so_far.c_str(), &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD) {
      fail(so_far, "is a soft or external link; such links are not followed");
    }
  }
  return true;
}

bool Hdf5Reader::has_group(const std::string& path) const {
  if (!check_path(path)) return false;
  const Handle group(H5Gopen2(file_.id(), path.c_str(), H5P_DEFAULT), closer<H5Gclose>);
  return group.valid();
}

std::vector<std::string> Hdf5Reader::names(const std::string& path) const {
  std::vector<std::string> names;
  if (!check_path(path)) return names;
  const Handle group(H5Gopen2(file_.id(), path.c_str(), H5P_DEFAULT), closer<H5Gclose>);
  if (!group.valid()) fail(path, "is no group");
  const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* list) -> herr_t {
    static_cast<std::vector<std::string>*>(list)->emplace_back(name);
    return 0;
  };
  if (H5Literate(group.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names) < 0) fail(path, "cannot be listed");
  return names;
}

Handle Hdf5Reader::open_dataset(const std::string& path) const {
  if (!check_path(path)) fail(path, "is not there");
  Handle dataset(H5Dopen2(file_.id(), path.c_str(), H5P_DEFAULT), closer<H5Dclose>);
  if (!dataset.valid()) fail(path, "is no dataset, or it is damaged");
  const Handle properties(H5Dget_create_plist(dataset.id()), closer<H5Pclose>);
  if (H5Pget_layout(properties.id()) == H5D_VIRTUAL || H5Pget_external_count(properties.id()) > 0) {
    fail(path, "is stored outside of the file; such datasets are not read");
  }
  return dataset;
}

Shape Hdf5Reader::shape(const std::string& path) const {
  const Handle dataset = open_dataset(path);
  const Handle space(H5Dget_space(dataset.id()), closer<H5Sclose>);
  const int rank = H5Sget_simple_extent_ndims(space.id());
  if (rank < 0 || rank > static_cast<int>(Shape::max_rank)) fail(path, "has a rank that is not supported");
  std::array<hsize_t, Shape::max_rank> sizes{};
  H5Sget_simple_extent_dims(space.id(), sizes.data(), nullptr);
  Shape shape;
  for (int i = 0; i < rank; ++i) {
    const hsize_t size = sizes[static_cast<std::size_t>(i)];
    if (size > static_cast<hsize_t>(INT64_MAX)) fail(path, "claims an impossible size");
    shape.push_back(static_cast<std::int64_t>(size));
  }
  return shape;
}

Tensor Hdf5Reader::read(const std::string& path, const Shape& expected) const {
  const Shape found = shape(path);
  if (found != expected) fail(path, "has the shape " + found.str() + " where " + expected.str() + " is needed");
  const Handle dataset = open_dataset(path);
  const Handle type(H5Dget_type(dataset.id()), closer<H5Tclose>);
  const H5T_class_t kind = H5Tget_class(type.id());
  const std::size_t bytes = H5Tget_size(type.id());
  DType dtype = DType::float32;
  if (kind == H5T_FLOAT) {
    if (bytes == 2) {
      std::size_t sign = 0, exponent_at = 0, exponent = 0, mantissa_at = 0, mantissa = 0;
      H5Tget_fields(type.id(), &sign, &exponent_at, &exponent, &mantissa_at, &mantissa);
      dtype = exponent == 8 ? DType::bfloat16 : DType::float16;
    } else {
      dtype = bytes == 8 ? DType::float64 : DType::float32;
    }
  } else if (kind == H5T_INTEGER) {
    const bool is_signed = H5Tget_sign(type.id()) != H5T_SGN_NONE;
    const int log2 = bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : bytes == 8 ? 3 : -1;
    if (log2 < 0) fail(path, "holds integers of a size that is not supported");
    dtype = static_cast<DType>(static_cast<int>(is_signed ? DType::int8 : DType::uint8) + log2);
  } else if (kind == H5T_ENUM && bytes == 1) {
    dtype = DType::boolean;
  } else if (kind == H5T_OPAQUE && bytes == 2) {
    dtype = DType::bfloat16;
  } else {
    fail(path, "holds neither numbers nor booleans");
  }
  Tensor value = Tensor::empty(expected, dtype, Device());
  const bool as_stored = kind == H5T_OPAQUE || kind == H5T_ENUM || dtype == DType::bfloat16;
  const Handle memory = type_of(dtype);
  const hid_t as = as_stored ? type.id() : memory.id();
  if (value.size() > 0 && H5Dread(dataset.id(), as, H5S_ALL, H5S_ALL, H5P_DEFAULT, value.raw_data()) < 0) {
    fail(path, "cannot be read; the file is damaged");
  }
  return value;
}

std::string Hdf5Reader::text_attribute(const std::string& path, const std::string& name) const {
  if (!check_path(path)) return {};
  const Handle attribute(H5Aopen_by_name(file_.id(), path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
                         closer<H5Aclose>);
  if (!attribute.valid()) return {};
  const Handle type(H5Aget_type(attribute.id()), closer<H5Tclose>);
  if (H5Tget_class(type.id()) != H5T_STRING || H5Tis_variable_str(type.id()) <= 0) return {};
  const Handle space(H5Aget_space(attribute.id()), closer<H5Sclose>);
  if (H5Sget_simple_extent_type(space.id()) != H5S_SCALAR) return {};
  char* text = nullptr;
  if (H5Aread(attribute.id(), type.id(), &text) < 0 || text == nullptr) return {};
  std::string value = text;
  H5free_memory(text);
  return value;
}

}  // namespace nyala::saving
