// What the messages of an object's header say: types, sizes, where the data lie.
#include <algorithm>
#include <limits>

#include "saving/hdf5_format.hpp"

namespace nyala::saving::hdf5 {
namespace {

constexpr std::size_t rank_at_most = 32;

std::uint64_t product(const Image& image, const std::vector<std::uint64_t>& sizes) {
  std::uint64_t count = 1;
  for (const std::uint64_t size : sizes) {
    if (size != 0 && count > std::numeric_limits<std::int64_t>::max() / size) image.fail("claims an impossible size");
    count *= size;
  }
  return count;
}

void floating_properties(Cursor& cursor, Datatype& type, std::uint32_t bits) {
  cursor.skip(5);
  type.exponent_bits = cursor.u8();
  cursor.skip(1);
  type.mantissa_bits = cursor.u8();
  cursor.skip(4);
  type.big_endian = bits & 1;
  const bool known = type.size == 2 || type.size == 4 || type.size == 8;
  type.kind = known && (bits & 64) == 0 ? Datatype::Kind::floating : Datatype::Kind::other;
}

void integer_properties(Cursor& cursor, Datatype& type, std::uint32_t bits) {
  cursor.skip(4);
  type.big_endian = bits & 1;
  type.is_signed = bits & 8;
  const bool known = type.size == 1 || type.size == 2 || type.size == 4 || type.size == 8;
  type.kind = known ? Datatype::Kind::integer : Datatype::Kind::other;
}

}  // namespace

Datatype parse_datatype(const Image& image, Cursor& cursor, int depth) {
  if (depth > 8) image.damaged("a type is nested too deeply");
  const std::uint8_t class_and_version = cursor.u8();
  const auto bits = static_cast<std::uint32_t>(cursor.number(3));
  Datatype type;
  type.size = cursor.u32();
  switch (class_and_version & 15) {
    case 0: integer_properties(cursor, type, bits); break;
    case 1: floating_properties(cursor, type, bits); break;
    case 3: type.kind = Datatype::Kind::text; break;
    case 5: type.kind = Datatype::Kind::opaque; break;
    case 8: {
      // h5py's bool is an enumeration FALSE, TRUE over int8; its names and values do not matter here.
      const Datatype base = parse_datatype(image, cursor, depth + 1);
      const bool is_bool = base.kind == Datatype::Kind::integer && base.size == 1 && type.size == 1 && bits == 2;
      type.kind = is_bool ? Datatype::Kind::boolean : Datatype::Kind::other;
      break;
    }
    case 9: {
      parse_datatype(image, cursor, depth + 1);
      type.kind = (bits & 15) == 1 && type.size == 16 ? Datatype::Kind::variable_text : Datatype::Kind::other;
      break;
    }
    default: break;
  }
  if (type.size == 0) image.damaged("a type has no size");
  return type;
}

Dataspace parse_dataspace(const Image& image, Cursor& cursor) {
  const std::uint8_t version = cursor.u8();
  const std::size_t rank = cursor.u8();
  const std::uint8_t flags = cursor.u8();
  Dataspace space;
  if (version == 1)
    cursor.skip(5);
  else if (version == 2)
    space.null = cursor.u8() == 2;
  else
    image.damaged("a dataspace is of no known version");
  if (rank > rank_at_most) image.damaged("a dataspace has " + std::to_string(rank) + " axes");
  for (std::size_t i = 0; i < rank; ++i) space.sizes.push_back(cursor.u64());
  space.most = space.sizes;
  for (std::size_t i = 0; i < rank && (flags & 1) != 0; ++i) {
    space.most[i] = cursor.u64();
    if (space.most[i] < space.sizes[i]) image.damaged("a dataspace is larger than it may be");
  }
  space.count = space.null ? 0 : product(image, space.sizes);
  return space;
}

namespace {

void newer_chunks(const Image& image, Cursor& cursor, Layout& layout) {
  constexpr std::uint8_t plain_edges = 1, packed_single = 2;
  const std::uint8_t flags = cursor.u8();
  const std::size_t axes = cursor.u8(), size_bytes = cursor.u8();
  if (axes < 2 || axes > rank_at_most + 1) image.damaged("a chunk has an impossible number of axes");
  if (size_bytes < 1 || size_bytes > 8) image.damaged("a chunk has an impossible size");
  for (std::size_t i = 0; i + 1 < axes; ++i) layout.chunk.push_back(cursor.number(size_bytes));
  cursor.skip(size_bytes);
  if (std::count(layout.chunk.begin(), layout.chunk.end(), 0) > 0) image.damaged("a chunk is empty");
  layout.partial_chunks_are_plain = (flags & plain_edges) != 0;
  switch (cursor.u8()) {
    case 1:
      layout.index = Layout::Index::single;
      if ((flags & packed_single) != 0) {
        layout.bytes = cursor.u64();
        layout.skipped_filters = cursor.u32();
      }
      break;
    case 2: layout.index = Layout::Index::implicit; break;
    case 3:
      layout.index = Layout::Index::fixed_array;
      cursor.skip(1);
      break;
    case 4:
      layout.index = Layout::Index::extensible_array;
      cursor.skip(5);
      break;
    case 5:
      layout.index = Layout::Index::tree;
      cursor.skip(6);
      break;
    default: image.damaged("an index of chunks is of no known kind");
  }
  layout.address = cursor.u64();
}

}  // namespace

Layout parse_layout(const Image& image, Cursor& cursor) {
  const std::uint8_t version = cursor.u8();
  Layout layout;
  if (version < 3 || version > 5)
    image.fail("has a layout of version " + std::to_string(version) + ", which is not read");
  switch (cursor.u8()) {
    case 0: {
      layout.kind = Layout::Kind::compact;
      const std::size_t bytes = cursor.u16();
      const unsigned char* data = cursor.take(bytes);
      layout.data.assign(data, data + bytes);
      break;
    }
    case 1:
      layout.address = cursor.u64();
      layout.bytes = cursor.u64();
      break;
    case 2: {
      layout.kind = Layout::Kind::chunked;
      if (version >= 4) {
        newer_chunks(image, cursor, layout);
        break;
      }
      const std::size_t axes = cursor.u8();
      layout.address = cursor.u64();
      if (axes < 2 || axes > rank_at_most + 1) image.damaged("a chunk has an impossible number of axes");
      for (std::size_t i = 0; i + 1 < axes; ++i) layout.chunk.push_back(cursor.u32());
      if (std::count(layout.chunk.begin(), layout.chunk.end(), 0) > 0) image.damaged("a chunk is empty");
      break;
    }
    case 3: image.fail("is a virtual dataset, made of other files; such datasets are not read");
    default: image.damaged("a layout is of no known kind");
  }
  return layout;
}

std::vector<Filter> parse_filters(const Image& image, Cursor& cursor) {
  const std::uint8_t version = cursor.u8();
  const std::size_t count = cursor.u8();
  if (version != 1 && version != 2) image.damaged("a list of filters is of no known version");
  if (version == 1) cursor.skip(6);
  std::vector<Filter> filters;
  for (std::size_t i = 0; i < count; ++i) {
    Filter filter;
    filter.id = cursor.u16();
    std::size_t name = 0;
    if (version == 1 || filter.id >= 256) name = cursor.u16();
    cursor.skip(2);
    const std::size_t values = cursor.u16();
    cursor.skip(version == 1 ? (name + 7) / 8 * 8 : name);
    for (std::size_t j = 0; j < values; ++j) filter.values.push_back(cursor.u32());
    if (version == 1 && values % 2 == 1) cursor.skip(4);
    filters.push_back(std::move(filter));
  }
  return filters;
}

Attribute parse_attribute(const Image& image, const Message& message) {
  Cursor cursor(image, message.data);
  const std::uint8_t version = cursor.u8();
  if (version < 1 || version > 3) image.damaged("an attribute is of no known version");
  const std::uint8_t flags = cursor.u8();
  const std::size_t name_bytes = cursor.u16(), type_bytes = cursor.u16(), space_bytes = cursor.u16();
  if (version == 3) cursor.skip(1);
  const auto part = [&](std::size_t bytes) { return cursor.take(version == 1 ? (bytes + 7) / 8 * 8 : bytes); };
  Attribute attribute;
  const unsigned char* name = part(name_bytes);
  attribute.name.assign(name, std::find(name, name + name_bytes, 0));
  if (version > 1 && flags != 0) {
    image.fail("has the attribute \"" + attribute.name + "\" of a type that lies elsewhere, which is not read");
  }
  Cursor type(image, part(type_bytes), type_bytes);
  attribute.type = parse_datatype(image, type);
  Cursor space(image, part(space_bytes), space_bytes);
  attribute.space = parse_dataspace(image, space);
  const std::uint64_t count = attribute.space.count;
  if (count > cursor.left() / attribute.type.size) {
    image.damaged("the attribute \"" + attribute.name + "\" is shorter than it claims");
  }
  const std::size_t bytes = static_cast<std::size_t>(count) * attribute.type.size;
  const unsigned char* data = cursor.take(bytes);
  attribute.data.assign(data, data + bytes);
  return attribute;
}

}  // namespace nyala::saving::hdf5
