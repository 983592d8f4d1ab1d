#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "saving/byte_source.hpp"

// HDF5's file format, as far as files of weights use it, read without libhdf5: that library trusts what it reads, and a
// damaged or hostile file can make it crash. Every place and size is checked before it is used.
// https://docs.hdfgroup.org/hdf5/develop/_f_m_t11.html

namespace nyala::saving::hdf5 {

using Bytes = std::vector<unsigned char>;
inline constexpr std::uint64_t undefined = ~std::uint64_t{0};

/// The file, and what is being read in it, for errors.
struct Image {
  std::shared_ptr<ByteSource> source;
  std::string where;
  std::uint64_t base = 0;
  mutable std::string place;

  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void damaged(const std::string& what) const;
  /// Addresses count from the superblock.
  Bytes read(std::uint64_t address, std::uint64_t bytes) const;
  void require(std::uint64_t address, std::uint64_t bytes) const;
};

/// Little-endian numbers one after another, never beyond the end.
class Cursor {
 public:
  Cursor(const Image& image, const unsigned char* data, std::size_t size) : image_(image), data_(data), size_(size) {}
  /// The bytes must outlive the cursor, or the expression it is made in.
  Cursor(const Image& image, const Bytes& bytes) : Cursor(image, bytes.data(), bytes.size()) {}

  std::uint64_t number(std::size_t bytes);
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  const unsigned char* take(std::size_t bytes);
  void skip(std::size_t bytes) { take(bytes); }
  void expect(const char* signature);
  std::size_t at() const { return at_; }
  std::size_t left() const { return size_ - at_; }

 private:
  const Image& image_;
  const unsigned char* data_;
  std::size_t size_, at_ = 0;
};

struct Message {
  std::uint16_t type = 0;
  std::uint8_t flags = 0;
  Bytes data;
};
/// Kinds of messages in an object's header.
enum : std::uint16_t {
  dataspace_message = 1,
  link_info_message = 2,
  datatype_message = 3,
  link_message = 6,
  external_message = 7,
  layout_message = 8,
  filter_message = 11,
  attribute_message = 12,
  continuation_message = 16,
  symbol_table_message = 17,
  attribute_info_message = 21,
};

/// Finds the superblock; the address of the root group's header.
std::uint64_t open_superblock(Image& image);
std::vector<Message> read_header(const Image& image, std::uint64_t address);

struct Datatype {
  enum class Kind { integer, floating, text, variable_text, opaque, boolean, other };
  Kind kind = Kind::other;
  std::uint32_t size = 0;
  bool is_signed = false, big_endian = false;
  unsigned exponent_bits = 0, mantissa_bits = 0;
};
struct Dataspace {
  bool null = false;
  std::vector<std::uint64_t> sizes;
  std::vector<std::uint64_t> most;  // to which it may grow; all ones: without end
  std::uint64_t count = 1;
};
struct Filter {
  std::uint16_t id = 0;
  std::vector<std::uint32_t> values;
};
struct Layout {
  enum class Kind { compact, contiguous, chunked };
  enum class Index { old_tree, single, implicit, fixed_array, extensible_array, tree };
  Kind kind = Kind::contiguous;
  Index index = Index::old_tree;      // of chunks
  Bytes data;                         // compact
  std::uint64_t address = undefined;  // of the data, or of the index of chunks
  std::uint64_t bytes = 0;            // contiguous; of a single packed chunk
  std::uint32_t skipped_filters = 0;  // of a single packed chunk
  bool partial_chunks_are_plain = false;
  std::vector<std::uint64_t> chunk;  // sizes in elements
};
struct Attribute {
  std::string name;
  Datatype type;
  Dataspace space;
  Bytes data;
};

Datatype parse_datatype(const Image& image, Cursor& cursor, int depth = 0);
Dataspace parse_dataspace(const Image& image, Cursor& cursor);
Layout parse_layout(const Image& image, Cursor& cursor);
std::vector<Filter> parse_filters(const Image& image, Cursor& cursor);
Attribute parse_attribute(const Image& image, const Message& message);

struct Link {
  std::string name;
  std::uint64_t address = undefined;
  bool hard = true;
};
/// The entries of a group, in the order of the file. Throws Error if the object is none.
std::vector<Link> read_links(const Image& image, const std::vector<Message>& header);

/// The global heap, where texts of varying length lie.
class TextHeap {
 public:
  explicit TextHeap(const Image& image);
  /// Throws Error also when all that was asked for is far more than the file can honestly hold.
  std::string text(std::uint64_t collection, std::uint32_t index, std::uint64_t length);

 private:
  struct Entry {
    std::uint64_t address = 0, bytes = 0;
  };
  const std::map<std::uint32_t, Entry>& entries_of(std::uint64_t collection);
  void spend(std::uint64_t bytes);

  const Image& image_;
  std::uint64_t budget_;
  std::map<std::uint64_t, std::map<std::uint32_t, Entry>> collections_;
};

/// Records of a version 2 B-tree, from the type of the tree and the record's bytes.
using RecordVisitor = std::function<void(std::uint8_t type, Cursor& record)>;
void visit_records(const Image& image, std::uint64_t address, const RecordVisitor& visitor);

/// Where files of libver="latest" keep the names of large groups and many or large attributes.
class FractalHeap {
 public:
  FractalHeap(const Image& image, std::uint64_t address);
  Bytes object(Cursor& id);

 private:
  std::uint64_t row_bytes(std::size_t row) const;
  std::uint64_t locate(std::uint64_t offset, std::uint64_t length) const;

  const Image& image_;
  std::uint64_t budget_;
  std::uint64_t first_bytes_ = 0, direct_bytes_ = 0, root_ = undefined, huge_objects_ = undefined;
  std::size_t width_ = 0, root_rows_ = 0, offset_bytes_ = 0, length_bytes_ = 0;
};

/// The bodies of the link messages of a group that keeps them in a heap.
std::vector<Bytes> dense_links(const Image& image, std::uint64_t heap, std::uint64_t tree);
std::vector<Message> dense_attributes(const Image& image, std::uint64_t heap, std::uint64_t tree);

struct Chunk {
  std::uint64_t address = undefined, stored_bytes = 0;
  std::uint32_t skipped_filters = 0;
  std::vector<std::uint64_t> begin;
};
using ChunkVisitor = std::function<void(const Chunk& chunk)>;
/// The chunks that were ever written; `chunk_bytes` is the size of one that is not packed.
void visit_chunks(const Image& image, const Layout& layout, const Dataspace& space, std::uint64_t chunk_bytes,
                  const ChunkVisitor& visitor);

/// Puts the elements of a chunked dataset into `to` (count * element_bytes, zeros before).
void read_chunks(const Image& image, const Layout& layout, const std::vector<Filter>& filters, const Dataspace& space,
                 std::size_t element_bytes, unsigned char* to);

}  // namespace nyala::saving::hdf5
