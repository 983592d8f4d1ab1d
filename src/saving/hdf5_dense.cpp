// HDF5's newer places for what a group or an object has much of: version 2 B-trees and fractal heaps.
#include <algorithm>
#include <bit>
#include <set>

#include "saving/hdf5_format.hpp"

namespace nyala::saving::hdf5 {
namespace {

constexpr std::size_t node_prefix_bytes = 10, child_address_bytes = 8;

/// How many bytes hold numbers up to that one.
std::size_t bytes_for(std::uint64_t most) {
  return most == 0 ? 1 : (static_cast<std::size_t>(std::bit_width(most)) - 1) / 8 + 1;
}

class RecordReader {
 public:
  RecordReader(const Image& image, std::uint64_t address, const RecordVisitor& visitor)
      : image_(image), visitor_(visitor) {
    const Bytes header = image.read(address, 38);
    Cursor cursor(image, header);
    cursor.expect("BTHD");
    if (cursor.u8() != 0) image.damaged("a tree of records is of no known version");
    type_ = cursor.u8();
    node_bytes_ = cursor.u32();
    record_bytes_ = cursor.u16();
    const std::size_t depth = cursor.u16();
    cursor.skip(2);
    const std::uint64_t root = cursor.u64();
    const std::size_t root_records = cursor.u16();
    if (record_bytes_ == 0 || node_bytes_ <= node_prefix_bytes + record_bytes_ || depth > 16)
      image.damaged("a tree of records has impossible sizes");
    plan(depth);
    if (root != undefined) node(root, depth, root_records);
  }

  std::uint8_t type() const { return type_; }

 private:
  struct Level {
    std::size_t most_records = 0, total_size_bytes = 0;
    std::uint64_t most_in_all = 0;
  };

  std::size_t pointer_bytes(std::size_t level) const {
    return child_address_bytes + count_bytes_ + levels_[level - 1].total_size_bytes;
  }

  void plan(std::size_t depth) {
    levels_.resize(depth + 1);
    levels_[0].most_records = (node_bytes_ - node_prefix_bytes) / record_bytes_;
    levels_[0].most_in_all = levels_[0].most_records;
    count_bytes_ = bytes_for(levels_[0].most_records);
    for (std::size_t level = 1; level <= depth; ++level) {
      const std::size_t pointer = pointer_bytes(level);
      if (node_bytes_ <= node_prefix_bytes + pointer) image_.damaged("a tree of records has impossible sizes");
      Level& own = levels_[level];
      const std::uint64_t below = levels_[level - 1].most_in_all;
      own.most_records = (node_bytes_ - node_prefix_bytes - pointer) / (record_bytes_ + pointer);
      if (below > (std::uint64_t{1} << 62) / (own.most_records + 1))
        image_.damaged("a tree of records has impossible sizes");
      own.most_in_all = (own.most_records + 1) * below + own.most_records;
      own.total_size_bytes = bytes_for(own.most_in_all);
    }
  }

  void node(std::uint64_t address, std::size_t level, std::size_t records) {
    if (!visited_.insert(address).second) image_.damaged("a tree of records leads back to itself");
    if (records > levels_[level].most_records) image_.damaged("a tree of records has more of them than fit");
    const std::size_t pointers = level == 0 ? 0 : (records + 1) * pointer_bytes(level);
    const Bytes data = image_.read(address, 6 + records * record_bytes_ + pointers);
    Cursor cursor(image_, data);
    cursor.expect(level == 0 ? "BTLF" : "BTIN");
    cursor.skip(2);
    for (std::size_t i = 0; i < records; ++i) {
      Cursor record(image_, cursor.take(record_bytes_), record_bytes_);
      visitor_(type_, record);
    }
    for (std::size_t i = 0; level > 0 && i <= records; ++i) {
      const std::uint64_t child = cursor.u64();
      const auto count = static_cast<std::size_t>(cursor.number(count_bytes_));
      cursor.skip(levels_[level - 1].total_size_bytes);
      node(child, level - 1, count);
    }
  }

  const Image& image_;
  const RecordVisitor& visitor_;
  std::uint8_t type_ = 0;
  std::size_t node_bytes_ = 0, record_bytes_ = 0, count_bytes_ = 0;
  std::vector<Level> levels_;
  std::set<std::uint64_t> visited_;
};

constexpr std::uint8_t huge_object_record = 1, link_record = 5, attribute_record = 8;

}  // namespace

void visit_records(const Image& image, std::uint64_t address, const RecordVisitor& visitor) {
  RecordReader(image, address, visitor);
}

FractalHeap::FractalHeap(const Image& image, std::uint64_t address)
    : image_(image), budget_(4 * image.source->size() + 65536) {
  const Bytes header = image.read(address, 142);
  Cursor cursor(image, header);
  cursor.expect("FRHP");
  if (cursor.u8() != 0) image.damaged("a heap is of no known version");
  cursor.skip(2);
  if (cursor.u16() != 0) image.fail("keeps its names in a packed heap, which is not read");
  cursor.skip(1);
  const std::uint32_t largest_object = cursor.u32();
  cursor.skip(8);
  huge_objects_ = cursor.u64();
  cursor.skip(12 * 8 - 16);
  width_ = cursor.u16();
  first_bytes_ = cursor.u64();
  direct_bytes_ = cursor.u64();
  const std::size_t bits = cursor.u16();
  cursor.skip(2);
  root_ = cursor.u64();
  root_rows_ = cursor.u16();
  const bool powers = std::has_single_bit(first_bytes_) && std::has_single_bit(direct_bytes_) &&
                      std::has_single_bit(std::uint64_t{width_});
  if (!powers || first_bytes_ > direct_bytes_ || direct_bytes_ > (std::uint64_t{1} << 32) || bits == 0 || bits > 64)
    image.damaged("a heap has impossible sizes");
  offset_bytes_ = (bits + 7) / 8;
  length_bytes_ =
      std::min((static_cast<std::size_t>(std::countr_zero(direct_bytes_)) + 7) / 8, bytes_for(largest_object));
}

std::uint64_t FractalHeap::row_bytes(std::size_t row) const {
  return row == 0 ? first_bytes_ : first_bytes_ << std::min<std::size_t>(row - 1, 63);
}

std::uint64_t FractalHeap::locate(std::uint64_t offset, std::uint64_t length) const {
  std::uint64_t block = root_;
  std::size_t rows = root_rows_;
  std::uint64_t inside = offset, block_bytes = rows == 0 ? first_bytes_ : 0;
  for (int depth = 0; rows > 0; ++depth) {
    if (depth > 64) image_.damaged("a heap is nested too deeply");
    std::size_t row = 0;
    while (row < rows && row_bytes(row) <= (std::uint64_t{1} << 48) && inside / width_ >= row_bytes(row)) {
      inside -= row_bytes(row) * width_;
      ++row;
    }
    if (row >= rows || row_bytes(row) > (std::uint64_t{1} << 48)) image_.damaged("an object lies outside of its heap");
    image_.require(block, 4);
    const Bytes head = image_.read(block, 4);
    Cursor cursor(image_, head);
    cursor.expect("FHIB");
    const std::uint64_t place = 13 + offset_bytes_ + (row * width_ + inside / row_bytes(row)) * child_address_bytes;
    image_.require(block, place + child_address_bytes);
    const Bytes child = image_.read(block + place, child_address_bytes);
    block = Cursor(image_, child).u64();
    inside %= row_bytes(row);
    block_bytes = row_bytes(row);
    if (block_bytes <= direct_bytes_) break;
    const auto width_bits = std::countr_zero(std::uint64_t{width_});
    rows = static_cast<std::size_t>(
        std::max(0, std::countr_zero(block_bytes) - std::countr_zero(first_bytes_) - width_bits + 1));
    if (rows == 0) image_.damaged("a heap has impossible sizes");
  }
  if (block == undefined || inside > block_bytes || length > block_bytes - inside)
    image_.damaged("an object lies outside of its heap");
  image_.require(block, block_bytes);
  const Bytes head = image_.read(block, 4);
  Cursor(image_, head).expect("FHDB");
  return block + inside;
}

Bytes FractalHeap::object(Cursor& id) {
  const std::uint8_t flags = id.u8();
  if ((flags & 0xc0) != 0) image_.damaged("a heap is of no known version");
  std::uint64_t address = 0, length = 0;
  switch (flags >> 4 & 3) {
    case 0: {
      const std::uint64_t offset = id.number(offset_bytes_);
      length = id.number(length_bytes_);
      address = locate(offset, length);
      break;
    }
    case 1: {
      const std::uint64_t wanted = id.number(std::min<std::size_t>(id.left(), 8));
      if (huge_objects_ == undefined) image_.damaged("an object lies outside of its heap");
      bool found = false;
      visit_records(image_, huge_objects_, [&](std::uint8_t type, Cursor& record) {
        if (type != huge_object_record) image_.fail("keeps its attributes in a packed heap, which is not read");
        const std::uint64_t place = record.u64(), bytes = record.u64();
        if (record.u64() != wanted) return;
        found = true;
        address = place;
        length = bytes;
      });
      if (!found) image_.damaged("an object lies outside of its heap");
      break;
    }
    case 2: {
      const std::size_t size = (flags & 15) + std::size_t{1};
      const unsigned char* data = id.take(size);
      return Bytes(data, data + size);
    }
    default: image_.damaged("a heap holds an object of no known kind");
  }
  if (length > budget_) image_.damaged("its heap claims more than the file can hold");
  budget_ -= length;
  return image_.read(address, length);
}

std::vector<Bytes> dense_links(const Image& image, std::uint64_t heap, std::uint64_t tree) {
  std::vector<Bytes> links;
  FractalHeap objects(image, heap);
  visit_records(image, tree, [&](std::uint8_t type, Cursor& record) {
    if (type != link_record) image.damaged("a tree of names is of another kind");
    record.skip(4);
    links.push_back(objects.object(record));
  });
  return links;
}

std::vector<Message> dense_attributes(const Image& image, std::uint64_t heap, std::uint64_t tree) {
  std::vector<Message> messages;
  FractalHeap objects(image, heap);
  visit_records(image, tree, [&](std::uint8_t type, Cursor& record) {
    if (type != attribute_record) image.damaged("a tree of attributes is of another kind");
    Cursor id(image, record.take(8), 8);
    Message message;
    message.type = attribute_message;
    message.flags = record.u8();
    message.data = objects.object(id);
    messages.push_back(std::move(message));
  });
  return messages;
}

}  // namespace nyala::saving::hdf5
