// Where the chunks of a dataset lie: version 1 B-trees, and the indexes that came with HDF5 1.10.
#include <algorithm>
#include <bit>
#include <set>

#include "saving/hdf5_format.hpp"

namespace nyala::saving::hdf5 {
namespace {

constexpr std::uint64_t address_bytes = 8, checksum_bytes = 4;

class OldTree {
 public:
  OldTree(const Image& image, std::size_t rank, const ChunkVisitor& visitor)
      : image_(image), rank_(rank), visitor_(visitor) {}

  void node(std::uint64_t address, int level_above) {
    if (!visited_.insert(address).second) image_.damaged("a tree of chunks leads back to itself");
    const std::size_t key_bytes = 8 + 8 * (rank_ + 1);
    const Bytes head = image_.read(address, 24);
    Cursor cursor(image_, head);
    cursor.expect("TREE");
    const std::uint8_t type = cursor.u8();
    const int level = cursor.u8();
    if (type != 1 || level > 32 || (level_above >= 0 && level != level_above - 1)) {
      image_.damaged("a tree of chunks has levels that do not fit");
    }
    const std::size_t count = cursor.u16();
    const Bytes data = image_.read(address + 24, count * (key_bytes + 8));
    Cursor entry(image_, data);
    for (std::size_t i = 0; i < count; ++i) {
      Chunk chunk;
      chunk.stored_bytes = entry.u32();
      chunk.skipped_filters = entry.u32();
      for (std::size_t axis = 0; axis < rank_; ++axis) chunk.begin.push_back(entry.u64());
      entry.skip(8);
      chunk.address = entry.u64();
      if (level > 0)
        node(chunk.address, level);
      else
        visitor_(chunk);
    }
  }

 private:
  const Image& image_;
  std::size_t rank_;
  const ChunkVisitor& visitor_;
  std::set<std::uint64_t> visited_;
};

/// Indexes whose entries are numbered, by the places of the chunks.
class Numbered {
 public:
  Numbered(const Image& image, const Layout& layout, const Dataspace& space, std::uint64_t chunk_bytes)
      : image_(image), layout_(layout), space_(space), chunk_bytes_(chunk_bytes) {}

  /// `find` fills in the address, size and filters of the chunk with that number; the rest is known.
  template <class Find>
  void visit(const ChunkVisitor& visitor, bool growing_axis_first, const Find& find) const {
    const std::size_t rank = space_.sizes.size();
    std::vector<std::size_t> order(rank);
    for (std::size_t axis = 0; axis < rank; ++axis) order[axis] = axis;
    if (growing_axis_first) {
      const auto growing = std::find(space_.most.begin(), space_.most.end(), undefined);
      if (growing == space_.most.end()) image_.damaged("an index of chunks is of the wrong kind");
      const auto place = order.begin() + (growing - space_.most.begin());
      std::rotate(order.begin(), place, place + 1);
    }
    // Of the axis that varies slowest the number of chunks does not matter.
    std::vector<std::uint64_t> stride(rank, 1);
    for (std::size_t i = rank; i-- > 1;) {
      const std::uint64_t most = space_.most[order[i]];
      if (most == undefined) image_.damaged("an index of chunks is of the wrong kind");
      const std::uint64_t chunks = most / layout_.chunk[order[i]] + (most % layout_.chunk[order[i]] != 0 ? 1 : 0);
      if (chunks != 0 && stride[order[i]] > (std::uint64_t{1} << 48) / chunks)
        image_.fail("claims an impossible number of chunks");
      stride[order[i - 1]] = stride[order[i]] * chunks;
    }
    if (space_.count == 0) return;
    std::vector<std::uint64_t> index(rank, 0);
    while (true) {
      Chunk chunk;
      chunk.stored_bytes = chunk_bytes_;
      std::uint64_t number = 0;
      for (std::size_t axis = 0; axis < rank; ++axis) {
        chunk.begin.push_back(index[axis] * layout_.chunk[axis]);
        number += index[axis] * stride[axis];
      }
      find(number, chunk);
      if (chunk.address != undefined) visitor(chunk);
      std::size_t axis = rank;
      while (axis-- > 0) {
        if (++index[axis] * layout_.chunk[axis] < space_.sizes[axis]) break;
        index[axis] = 0;
        if (axis == 0) return;
      }
    }
  }

 protected:
  /// One entry: an address, and where chunks are packed their size and the filters left out.
  void entry(std::uint64_t place, std::uint64_t bytes, Chunk& chunk) const {
    const Bytes data = image_.read(place, bytes);
    Cursor cursor(image_, data);
    chunk.address = cursor.u64();
    if (bytes <= address_bytes) return;
    chunk.stored_bytes = cursor.number(bytes - address_bytes - 4);
    chunk.skipped_filters = cursor.u32();
  }

  std::uint64_t checked_entry_bytes(std::uint64_t bytes, std::uint8_t client) const {
    const bool packed = client == 1;
    if (client > 1 || (packed ? bytes < 13 || bytes > 20 : bytes != address_bytes))
      image_.damaged("an index of chunks has impossible sizes");
    return bytes;
  }

  const Image& image_;
  const Layout& layout_;
  const Dataspace& space_;
  std::uint64_t chunk_bytes_;
};

class FixedArray : public Numbered {
 public:
  FixedArray(const Image& image, const Layout& layout, const Dataspace& space, std::uint64_t chunk_bytes)
      : Numbered(image, layout, space, chunk_bytes) {
    const Bytes header = image.read(layout.address, 24);
    Cursor cursor(image, header);
    cursor.expect("FAHD");
    if (cursor.u8() != 0) image.damaged("an index of chunks is of no known version");
    const std::uint8_t client = cursor.u8();
    entry_bytes_ = checked_entry_bytes(cursor.u8(), client);
    const unsigned page_bits = cursor.u8();
    count_ = cursor.u64();
    block_ = cursor.u64();
    if (page_bits > 40 || count_ > image.source->size()) image.damaged("an index of chunks has impossible sizes");
    if (block_ == undefined) return;
    Cursor(image, image.read(block_, 4)).expect("FADB");
    page_entries_ = std::uint64_t{1} << page_bits;
    prefix_bytes_ = 14;
    if (count_ <= page_entries_) return;
    const std::uint64_t pages = (count_ + page_entries_ - 1) / page_entries_;
    made_ = image.read(block_ + prefix_bytes_, (pages + 7) / 8);
    prefix_bytes_ += made_.size() + checksum_bytes;
  }

  void find(std::uint64_t number, Chunk& chunk) const {
    if (number >= count_) image_.damaged("an index of chunks is too short");
    if (block_ == undefined) return;
    std::uint64_t place = block_ + prefix_bytes_ + number * entry_bytes_;
    if (!made_.empty()) {
      const std::uint64_t page = number / page_entries_;
      if ((made_[page / 8] >> (7 - page % 8) & 1) == 0) return;
      place += page * checksum_bytes;
    }
    entry(place, entry_bytes_, chunk);
  }

 private:
  std::uint64_t entry_bytes_ = 0, count_ = 0, block_ = undefined, page_entries_ = 0, prefix_bytes_ = 0;
  Bytes made_;  // of each page one bit: whether it was ever written
};

class ExtensibleArray : public Numbered {
 public:
  ExtensibleArray(const Image& image, const Layout& layout, const Dataspace& space, std::uint64_t chunk_bytes)
      : Numbered(image, layout, space, chunk_bytes) {
    const Bytes header = image.read(layout.address, 68);
    Cursor cursor(image, header);
    cursor.expect("EAHD");
    if (cursor.u8() != 0) image.damaged("an index of chunks is of no known version");
    const std::uint8_t client = cursor.u8();
    entry_bytes_ = checked_entry_bytes(cursor.u8(), client);
    const unsigned count_bits = cursor.u8();
    in_index_ = cursor.u8();
    smallest_ = cursor.u8();
    const std::uint64_t least_pointers = cursor.u8();
    const unsigned page_bits = cursor.u8();
    cursor.skip(6 * 8);
    index_ = cursor.u64();
    if (count_bits > 64 || page_bits > 40 || !std::has_single_bit(smallest_) || !std::has_single_bit(least_pointers))
      image.damaged("an index of chunks has impossible sizes");
    page_entries_ = std::uint64_t{1} << page_bits;
    offset_bytes_ = (count_bits + 7) / 8;
    direct_blocks_ = 2 * (least_pointers - 1);
    direct_groups_ = 2 * static_cast<unsigned>(std::countr_zero(least_pointers));
    if (index_ != undefined) Cursor(image, image.read(index_, 4)).expect("EAIB");
  }

  void find(std::uint64_t number, Chunk& chunk) const {
    if (index_ == undefined) return;
    const std::uint64_t entries = index_ + 14;
    if (number < in_index_) return entry(entries + number * entry_bytes_, entry_bytes_, chunk);
    number -= in_index_;
    // Groups of blocks: the group u has 2^(u/2) blocks of 2^((u+1)/2) times the smallest number of entries.
    const auto group = static_cast<unsigned>(std::bit_width(number / smallest_ + 1)) - 1;
    if (group > 60) image_.damaged("an index of chunks is too short");
    const std::uint64_t blocks = std::uint64_t{1} << group / 2;
    const std::uint64_t block_entries = (std::uint64_t{1} << (group + 1) / 2) * smallest_;
    number -= ((std::uint64_t{1} << group) - 1) * smallest_;
    const std::uint64_t block = number / block_entries, inside = number % block_entries;
    const std::uint64_t pointers = entries + in_index_ * entry_bytes_;
    if (group < direct_groups_) {
      std::uint64_t before = 0;
      for (unsigned u = 0; u < group; ++u) before += std::uint64_t{1} << u / 2;
      return in_block(pointer(pointers + (before + block) * address_bytes), block_entries, inside, true, chunk);
    }
    const std::uint64_t group_place = pointer(pointers + (direct_blocks_ + group - direct_groups_) * address_bytes);
    if (group_place == undefined) return;
    Cursor(image_, image_.read(group_place, 4)).expect("EASB");
    const std::uint64_t pages = block_entries > page_entries_ ? block_entries / page_entries_ : 0;
    const std::uint64_t bitmap_bytes = (pages + 7) / 8;
    const std::uint64_t bitmaps = group_place + 14 + offset_bytes_;
    bool made = true;
    if (pages > 0) {
      const std::uint64_t page = block * pages + inside / page_entries_;
      const Bytes bits = image_.read(bitmaps + page / 8, 1);
      made = (bits[0] >> (7 - page % 8) & 1) != 0;
    }
    in_block(pointer(bitmaps + blocks * bitmap_bytes + block * address_bytes), block_entries, inside, made, chunk);
  }

 private:
  std::uint64_t pointer(std::uint64_t place) const { return Cursor(image_, image_.read(place, address_bytes)).u64(); }

  void in_block(std::uint64_t block, std::uint64_t entries, std::uint64_t inside, bool made, Chunk& chunk) const {
    if (block == undefined || !made) return;
    Cursor(image_, image_.read(block, 4)).expect("EADB");
    std::uint64_t place = block + 14 + offset_bytes_ + inside * entry_bytes_;
    if (entries > page_entries_) place += checksum_bytes * (1 + inside / page_entries_);
    entry(place, entry_bytes_, chunk);
  }

  std::uint64_t entry_bytes_ = 0, in_index_ = 0, smallest_ = 0, page_entries_ = 0, offset_bytes_ = 0;
  std::uint64_t direct_blocks_ = 0, index_ = undefined;
  unsigned direct_groups_ = 0;
};

void visit_tree(const Image& image, const Layout& layout, std::size_t rank, std::uint64_t chunk_bytes,
                const ChunkVisitor& visitor) {
  constexpr std::uint8_t plain_chunks = 10, packed_chunks = 11;
  visit_records(image, layout.address, [&](std::uint8_t type, Cursor& record) {
    if (type != plain_chunks && type != packed_chunks) image.damaged("an index of chunks is of the wrong kind");
    Chunk chunk;
    chunk.address = record.u64();
    chunk.stored_bytes = chunk_bytes;
    if (type == packed_chunks) {
      const std::size_t rest = 4 + 8 * rank;
      if (record.left() <= rest || record.left() - rest > 8) image.damaged("an index of chunks has impossible sizes");
      chunk.stored_bytes = record.number(record.left() - rest);
      chunk.skipped_filters = record.u32();
    }
    for (std::size_t axis = 0; axis < rank; ++axis) {
      const std::uint64_t place = record.u64();
      if (place > undefined / layout.chunk[axis]) image.damaged("a chunk lies beyond the others");
      chunk.begin.push_back(place * layout.chunk[axis]);
    }
    visitor(chunk);
  });
}

}  // namespace

void visit_chunks(const Image& image, const Layout& layout, const Dataspace& space, std::uint64_t chunk_bytes,
                  const ChunkVisitor& visitor) {
  const std::size_t rank = space.sizes.size();
  if (layout.address == undefined) return;
  switch (layout.index) {
    case Layout::Index::old_tree: return OldTree(image, rank, visitor).node(layout.address, -1);
    case Layout::Index::single: {
      Chunk chunk{layout.address, layout.bytes == 0 ? chunk_bytes : layout.bytes, layout.skipped_filters,
                  std::vector<std::uint64_t>(rank, 0)};
      return visitor(chunk);
    }
    case Layout::Index::implicit:
      return Numbered(image, layout, space, chunk_bytes).visit(visitor, false, [&](std::uint64_t number, Chunk& chunk) {
        if (number > undefined / chunk_bytes) image.damaged("a chunk lies beyond the others");
        chunk.address = layout.address + number * chunk_bytes;
      });
    case Layout::Index::fixed_array: {
      const FixedArray index(image, layout, space, chunk_bytes);
      return index.visit(visitor, false, [&](std::uint64_t number, Chunk& chunk) {
        chunk.address = undefined;
        index.find(number, chunk);
      });
    }
    case Layout::Index::extensible_array: {
      const ExtensibleArray index(image, layout, space, chunk_bytes);
      return index.visit(visitor, true, [&](std::uint64_t number, Chunk& chunk) {
        chunk.address = undefined;
        index.find(number, chunk);
      });
    }
    case Layout::Index::tree: return visit_tree(image, layout, rank, chunk_bytes, visitor);
  }
}

}  // namespace nyala::saving::hdf5
