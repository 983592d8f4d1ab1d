#include "saving/hdf5_reader.hpp"

#include <algorithm>
#include <cstring>

#include <nyala/error.hpp>

namespace nyala::saving {

using namespace hdf5;

namespace {

/// What a dataset's elements are here.
DType dtype_of(const Image& image, const Datatype& type, bool said_bfloat16) {
  const auto integer = [&] {
    switch (type.size) {
      case 1: return type.is_signed ? DType::int8 : DType::uint8;
      case 2: return type.is_signed ? DType::int16 : DType::uint16;
      case 4: return type.is_signed ? DType::int32 : DType::uint32;
      default: return type.is_signed ? DType::int64 : DType::uint64;
    }
  };
  if (said_bfloat16 && type.size == 2) return DType::bfloat16;
  const auto floats = [&](std::uint32_t size, unsigned exponent, unsigned mantissa) {
    return type.size == size && type.exponent_bits == exponent && type.mantissa_bits == mantissa;
  };
  switch (type.kind) {
    case Datatype::Kind::integer: return integer();
    case Datatype::Kind::floating:
      if (floats(2, 5, 10)) return DType::float16;
      if (floats(2, 8, 7)) return DType::bfloat16;
      if (floats(4, 8, 23)) return DType::float32;
      if (floats(8, 11, 52)) return DType::float64;
      image.fail("holds floating-point numbers of a kind that is not supported");
    case Datatype::Kind::boolean: return DType::boolean;
    case Datatype::Kind::opaque:
      if (type.size == 2) return DType::bfloat16;
      break;
    default: break;
  }
  image.fail("holds neither numbers nor booleans");
}

void swap_bytes(unsigned char* data, std::size_t count, std::size_t size) {
  for (std::size_t i = 0; i < count; ++i) std::reverse(data + i * size, data + (i + 1) * size);
}

std::string list(const std::vector<std::uint64_t>& sizes) {
  std::string text;
  for (const std::uint64_t size : sizes) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "(" + text + (sizes.size() == 1 ? ",)" : ")");
}

}  // namespace

Hdf5Reader::Hdf5Reader(const std::string& path, const std::string& where) : Hdf5Reader(open_file(path, where), where) {}

Hdf5Reader::Hdf5Reader(std::shared_ptr<ByteSource> source, const std::string& where) {
  image_.source = std::move(source);
  image_.where = where;
  const std::uint64_t root = open_superblock(image_);
  auto object = std::make_shared<Object>();
  image_.place = "/";
  object->header = read_header(image_, root);
  groups_.emplace("", std::move(object));
  heap_ = std::make_unique<TextHeap>(image_);
}

std::shared_ptr<Hdf5Reader::Object> Hdf5Reader::find(const std::string& path) const {
  const auto known = groups_.find(path);
  if (known != groups_.end()) return known->second;
  // Each name on the way is a call of this function.
  if (std::count(path.begin(), path.end(), '/') > 200) {
    image_.place = path.substr(0, 100) + "...";
    image_.fail("is nested too deeply");
  }
  const std::size_t slash = path.rfind('/');
  const std::string above = slash == std::string::npos ? "" : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const auto parent = find(above);
  if (parent == nullptr || parent->is_dataset) return nullptr;
  const auto& links = links_of(*parent, above);
  const auto link = links.find(name);
  if (link == links.end()) return nullptr;
  image_.place = path;
  if (!link->second.hard) image_.fail("is a soft or external link; such links are not followed");
  auto object = std::make_shared<Object>();
  object->header = read_header(image_, link->second.address);
  const auto is_layout = [](const Message& message) { return message.type == layout_message; };
  object->is_dataset = std::any_of(object->header.begin(), object->header.end(), is_layout);
  if (!object->is_dataset) groups_.emplace(path, object);
  return object;
}

std::shared_ptr<Hdf5Reader::Object> Hdf5Reader::need(const std::string& path) const {
  auto object = find(path);
  image_.place = path.empty() ? "/" : path;
  if (object == nullptr) image_.fail("is not there");
  return object;
}

const std::unordered_map<std::string, Link>& Hdf5Reader::links_of(Object& object, const std::string& path) const {
  if (!object.links) {
    image_.place = path.empty() ? "/" : path;
    object.links.emplace();
    for (Link& link : read_links(image_, object.header)) {
      std::string name = link.name;
      object.links->try_emplace(std::move(name), std::move(link));
    }
  }
  return *object.links;
}

bool Hdf5Reader::has_group(const std::string& path) const {
  const auto object = find(path);
  return object != nullptr && !object->is_dataset;
}

bool Hdf5Reader::has_dataset(const std::string& path) const {
  const auto object = find(path);
  return object != nullptr && object->is_dataset;
}

std::vector<std::string> Hdf5Reader::names(const std::string& path) const {
  std::vector<std::string> names;
  const auto object = find(path);
  if (object == nullptr) return names;
  image_.place = path.empty() ? "/" : path;
  if (object->is_dataset) image_.fail("is no group");
  for (const auto& [name, link] : links_of(*object, path)) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

Hdf5Reader::Dataset Hdf5Reader::dataset(const std::string& path) const {
  const auto object = need(path);
  if (!object->is_dataset) image_.fail("is no dataset");
  Dataset result;
  bool has_type = false, has_space = false;
  for (const Message& message : object->header) {
    const bool matters = message.type == datatype_message || message.type == dataspace_message ||
                         message.type == layout_message || message.type == filter_message;
    if (matters && (message.flags & 2) != 0)
      image_.fail("has a type that lies elsewhere in the file; such are not read");
    Cursor cursor(image_, message.data);
    switch (message.type) {
      case datatype_message:
        result.type = parse_datatype(image_, cursor);
        has_type = true;
        break;
      case dataspace_message:
        result.space = parse_dataspace(image_, cursor);
        has_space = true;
        break;
      case layout_message: result.layout = parse_layout(image_, cursor); break;
      case filter_message: result.filters = parse_filters(image_, cursor); break;
      case external_message: image_.fail("is stored outside of the file; such datasets are not read");
      default: break;
    }
  }
  if (!has_type || !has_space) image_.damaged("a dataset lacks its type or its shape");
  if (result.space.null) image_.fail("holds nothing");
  return result;
}

Shape Hdf5Reader::shape(const std::string& path) const {
  const Dataset found = dataset(path);
  if (found.space.sizes.size() > Shape::max_rank) image_.fail("has too many axes: " + list(found.space.sizes));
  Shape shape;
  for (const std::uint64_t size : found.space.sizes) {
    if (size > static_cast<std::uint64_t>(INT64_MAX)) image_.fail("claims an impossible size");
    shape.push_back(static_cast<std::int64_t>(size));
  }
  return shape;
}

void Hdf5Reader::read_data(const Dataset& dataset, unsigned char* to) const {
  const std::uint64_t bytes = dataset.space.count * dataset.type.size;
  const Layout& layout = dataset.layout;
  switch (layout.kind) {
    case Layout::Kind::compact:
      if (layout.data.size() < bytes) image_.damaged("there are fewer bytes than its shape needs");
      std::memcpy(to, layout.data.data(), bytes);
      return;
    case Layout::Kind::contiguous:
      if (layout.address == undefined) {  // never written
        std::memset(to, 0, bytes);
        return;
      }
      if (layout.bytes < bytes) image_.damaged("there are fewer bytes than its shape needs");
      image_.require(layout.address, bytes);
      image_.source->read(image_.base + layout.address, to, static_cast<std::size_t>(bytes));
      return;
    case Layout::Kind::chunked:
      std::memset(to, 0, bytes);
      read_chunks(image_, layout, dataset.filters, dataset.space, dataset.type.size, to);
  }
}

Tensor Hdf5Reader::read(const std::string& path, const Shape& expected) const {
  const Dataset found = dataset(path);
  const bool same = found.space.sizes.size() == expected.size() &&
                    std::equal(expected.begin(), expected.end(), found.space.sizes.begin(),
                               [](std::int64_t a, std::uint64_t b) { return static_cast<std::uint64_t>(a) == b; });
  if (!same) image_.fail("has the shape " + list(found.space.sizes) + " where " + expected.str() + " is needed");
  const DType dtype = dtype_of(image_, found.type, text(path, "dtype") == "bfloat16");
  image_.place = path;
  Tensor value = Tensor::empty(expected, dtype, Device());
  if (value.size() == 0) return value;
  auto* data = static_cast<unsigned char*>(value.raw_data());
  read_data(found, data);
  const auto count = static_cast<std::size_t>(value.size());
  if (found.type.big_endian) swap_bytes(data, count, found.type.size);
  if (dtype == DType::boolean) {
    for (std::size_t i = 0; i < count; ++i) data[i] = data[i] != 0;
  }
  return value;
}

const std::unordered_map<std::string, Attribute>& Hdf5Reader::attributes_of(Object& object) const {
  if (object.attributes) return *object.attributes;
  object.attributes.emplace();
  std::vector<Message> messages;
  for (const Message& message : object.header) {
    if (message.type == attribute_info_message) {
      Cursor cursor(image_, message.data);
      cursor.skip(1);
      if (cursor.u8() & 1) cursor.skip(2);
      const std::uint64_t heap = cursor.u64(), tree = cursor.u64();
      if (heap == undefined) continue;
      for (Message& dense : dense_attributes(image_, heap, tree)) messages.push_back(std::move(dense));
    }
    if (message.type == attribute_message) messages.push_back(message);
  }
  for (const Message& message : messages) {
    if ((message.flags & 2) != 0) image_.fail("has attributes that lie elsewhere in the file; such are not read");
    Attribute found = parse_attribute(image_, message);
    std::string name = found.name;
    object.attributes->try_emplace(std::move(name), std::move(found));
  }
  return *object.attributes;
}

std::optional<std::vector<std::string>> Hdf5Reader::plain_texts(const std::string& path,
                                                                const std::string& attribute) const {
  const auto object = find(path);
  if (object == nullptr) return std::nullopt;
  image_.place = path.empty() ? "/" : path;
  const auto& attributes = attributes_of(*object);
  const auto place = attributes.find(attribute);
  if (place == attributes.end()) return std::nullopt;
  const Attribute& found = place->second;
  std::vector<std::string> texts;
  const auto count = static_cast<std::size_t>(found.space.count);
  if (count == 0) return texts;  // of whatever type: h5py makes numbers of an empty list
  const auto* data = found.data.data();
  if (found.type.kind == Datatype::Kind::text) {
    for (std::size_t i = 0; i < count; ++i, data += found.type.size) {
      texts.emplace_back(data, std::find(data, data + found.type.size, 0));
    }
    return texts;
  }
  if (found.type.kind != Datatype::Kind::variable_text) {
    image_.fail("has the attribute \"" + attribute + "\", which is no text");
  }
  Cursor references(image_, found.data);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t length = references.u32();
    const std::uint64_t collection = references.u64();
    texts.push_back(heap_->text(collection, references.u32(), length));
  }
  return texts;
}

std::optional<std::string> Hdf5Reader::text(const std::string& path, const std::string& attribute) const {
  auto found = plain_texts(path, attribute);
  if (!found || found->size() != 1) return std::nullopt;
  return std::move(found->front());
}

std::optional<std::vector<std::string>> Hdf5Reader::texts(const std::string& path, const std::string& attribute) const {
  if (auto whole = plain_texts(path, attribute)) return whole;
  std::optional<std::vector<std::string>> all;
  for (int i = 0;; ++i) {
    auto part = plain_texts(path, attribute + std::to_string(i));
    if (!part) return all;
    if (!all) all.emplace();
    std::move(part->begin(), part->end(), std::back_inserter(*all));
  }
}

}  // namespace nyala::saving
