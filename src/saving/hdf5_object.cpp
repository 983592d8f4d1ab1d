// Superblock, object headers, groups.
#include <algorithm>
#include <cstring>
#include <set>

#include <nyala/error.hpp>

#include "saving/hdf5_format.hpp"

namespace nyala::saving::hdf5 {

void Image::fail(const std::string& what) const {
  throw Error(where + ": " + (place.empty() ? "" : "\"" + place + "\" ") + what);
}

void Image::damaged(const std::string& what) const {
  throw Error(where + ": " + (place.empty() ? "" : "\"" + place + "\": ") + "the file is damaged: " + what);
}

void Image::require(std::uint64_t address, std::uint64_t bytes) const {
  const std::uint64_t size = source->size() - base;
  if (address > size || bytes > size - address) damaged("something lies beyond its end");
}

Bytes Image::read(std::uint64_t address, std::uint64_t bytes) const {
  require(address, bytes);
  Bytes result(static_cast<std::size_t>(bytes));
  source->read(base + address, result.data(), result.size());
  return result;
}

const unsigned char* Cursor::take(std::size_t bytes) {
  if (bytes > size_ - at_) image_.damaged("a record is shorter than it should be");
  const unsigned char* here = data_ + at_;
  at_ += bytes;
  return here;
}

std::uint64_t Cursor::number(std::size_t bytes) {
  const unsigned char* from = take(bytes);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= std::uint64_t{from[i]} << (8 * i);
  return value;
}

void Cursor::expect(const char* signature) {
  const std::size_t size = std::strlen(signature);
  if (std::memcmp(take(size), signature, size) != 0) {
    image_.damaged(std::string("a record does not begin with ") + signature);
  }
}

namespace {

constexpr unsigned char file_signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t blocks_at_most = 4096;

bool find_signature(Image& image) {
  unsigned char start[8];
  for (std::uint64_t at = 0; at + sizeof start <= image.source->size(); at = at == 0 ? 512 : at * 2) {
    image.source->read(at, start, sizeof start);
    if (std::memcmp(start, file_signature, sizeof start) != 0) continue;
    image.base = at;
    return true;
  }
  return false;
}

void check_end(const Image& image, std::uint64_t stated_base, std::uint64_t end) {
  // A block that a user put in front may have moved everything.
  const std::uint64_t bytes = end >= stated_base ? end - stated_base : end;
  const std::uint64_t there = image.source->size() - image.base;
  if (end == undefined || bytes > there) {
    throw Error(image.where + ": the file is truncated: it should have " + std::to_string(bytes) + " bytes, it has " +
                std::to_string(there));
  }
}

void need_eight_bytes(const Image& image, unsigned offsets, unsigned lengths) {
  if (offsets != 8 || lengths != 8) {
    throw Error(image.where + ": HDF5 files whose addresses have " + std::to_string(offsets) + " and lengths " +
                std::to_string(lengths) + " bytes are not read, only those with 8");
  }
}

/// Version 1: a fixed prefix, messages padded to 8 bytes, continued anywhere.
class HeaderReader {
 public:
  explicit HeaderReader(const Image& image) : image_(image) {}

  std::vector<Message> read(std::uint64_t address) {
    const Bytes start = image_.read(address, 16);
    if (std::memcmp(start.data(), "OHDR", 4) == 0)
      second_version(address);
    else
      first_version(address, start);
    return std::move(messages_);
  }

 private:
  struct Block {
    std::uint64_t address, bytes;
  };

  void first_version(std::uint64_t address, const Bytes& start) {
    Cursor prefix(image_, start);
    if (prefix.u8() != 1) image_.damaged("an object's header is of no known version");
    prefix.skip(1);
    std::size_t expected = prefix.u16();
    prefix.skip(4);
    const std::uint32_t bytes = prefix.u32();
    add_block({address + 16, bytes});
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const Bytes data = image_.read(blocks_[i].address, blocks_[i].bytes);
      Cursor cursor(image_, data);
      while (expected > 0 && cursor.left() >= 8) {
        --expected;
        Message message;
        message.type = cursor.u16();
        const std::uint16_t size = cursor.u16();
        message.flags = cursor.u8();
        cursor.skip(3);
        const unsigned char* content = cursor.take(size);
        message.data.assign(content, content + size);
        keep(std::move(message));
      }
    }
  }

  void second_version(std::uint64_t address) {
    const Bytes start =
        image_.read(address, std::min<std::uint64_t>(34, image_.source->size() - image_.base - address));
    Cursor prefix(image_, start);
    prefix.expect("OHDR");
    if (prefix.u8() != 2) image_.damaged("an object's header is of no known version");
    const std::uint8_t flags = prefix.u8();
    if (flags & 0x20) prefix.skip(16);
    if (flags & 0x10) prefix.skip(4);
    const std::uint64_t bytes = prefix.number(std::size_t{1} << (flags & 3));
    add_block({address + prefix.at(), bytes});
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      Bytes data = image_.read(blocks_[i].address, blocks_[i].bytes);
      Cursor cursor(image_, data);
      std::size_t checksum = 0;
      if (i > 0) {
        cursor.expect("OCHK");
        checksum = 4;
      }
      const std::size_t head = flags & 4 ? 6 : 4;
      while (cursor.left() >= head + checksum) {
        Message message;
        message.type = cursor.u8();
        const std::uint16_t size = cursor.u16();
        message.flags = cursor.u8();
        if (flags & 4) cursor.skip(2);
        const unsigned char* content = cursor.take(size);
        message.data.assign(content, content + size);
        keep(std::move(message));
      }
    }
  }

  void keep(Message message) {
    if (message.type == continuation_message) {
      Cursor cursor(image_, message.data);
      const std::uint64_t address = cursor.u64();
      add_block({address, cursor.u64()});
      return;
    }
    messages_.push_back(std::move(message));
  }

  void add_block(const Block& block) {
    image_.require(block.address, block.bytes);
    for (const Block& other : blocks_) {
      const bool apart = block.address >= other.address + other.bytes || other.address >= block.address + block.bytes;
      if (!apart) image_.damaged("an object's header continues in itself");
    }
    if (blocks_.size() >= blocks_at_most) image_.damaged("an object's header is in too many pieces");
    blocks_.push_back(block);
  }

  const Image& image_;
  std::vector<Block> blocks_;
  std::vector<Message> messages_;
};

/// The old form of groups: a B-tree of nodes of symbols, names in a heap.
class SymbolTable {
 public:
  SymbolTable(const Image& image, std::uint64_t tree, std::uint64_t heap) : image_(image) {
    const Bytes header = image.read(heap, 32);
    Cursor cursor(image, header);
    cursor.expect("HEAP");
    cursor.skip(4);
    const std::uint64_t bytes = cursor.u64();
    cursor.skip(8);
    names_ = image.read(cursor.u64(), bytes);
    walk(tree, -1);
  }

  std::vector<Link> links;

 private:
  void walk(std::uint64_t address, int level_above) {
    if (!visited_.insert(address).second) image_.damaged("a group's tree of names leads back to itself");
    const Bytes start = image_.read(address, 24);
    if (std::memcmp(start.data(), "SNOD", 4) == 0) {
      if (level_above > 0) image_.damaged("a group's tree of names ends too early");
      return symbols(address, start);
    }
    Cursor cursor(image_, start);
    cursor.expect("TREE");
    const std::uint8_t type = cursor.u8();
    const int level = cursor.u8();
    if (type != 0 || level > 32 || (level_above >= 0 && level != level_above - 1)) {
      image_.damaged("a group's tree of names has levels that do not fit");
    }
    const std::size_t children = cursor.u16();
    const Bytes entries = image_.read(address + 24, children * 16);
    Cursor entry(image_, entries);
    for (std::size_t i = 0; i < children; ++i) {
      entry.skip(8);
      walk(entry.u64(), level);
    }
  }

  void symbols(std::uint64_t address, const Bytes& start) {
    Cursor head(image_, start);
    head.skip(6);
    const std::size_t count = head.u16();
    const Bytes data = image_.read(address + 8, count * 40);
    Cursor cursor(image_, data);
    for (std::size_t i = 0; i < count; ++i) {
      Link link;
      link.name = name_at(cursor.u64());
      link.address = cursor.u64();
      link.hard = cursor.u32() != 2;
      cursor.skip(20);
      links.push_back(std::move(link));
    }
  }

  std::string name_at(std::uint64_t offset) const {
    if (offset >= names_.size()) image_.damaged("a name lies outside of its heap");
    const auto begin = names_.begin() + static_cast<std::ptrdiff_t>(offset);
    const auto end = std::find(begin, names_.end(), 0);
    if (end == names_.end()) image_.damaged("a name has no end");
    // Names that overlap could make a small file mean much memory.
    spent_ += static_cast<std::size_t>(end - begin);
    if (spent_ > 2 * names_.size() + 65536) image_.damaged("the names of a group overlap");
    return std::string(begin, end);
  }

  const Image& image_;
  Bytes names_;
  std::set<std::uint64_t> visited_;
  mutable std::size_t spent_ = 0;
};

Link parse_link(const Image& image, const Bytes& body) {
  Cursor cursor(image, body);
  if (cursor.u8() != 1) image.damaged("a link is of no known version");
  const std::uint8_t flags = cursor.u8();
  Link link;
  link.hard = (flags & 8) == 0 || cursor.u8() == 0;
  if (flags & 4) cursor.skip(8);
  if (flags & 16) cursor.skip(1);
  const auto size = static_cast<std::size_t>(cursor.number(std::size_t{1} << (flags & 3)));
  const unsigned char* name = cursor.take(size);
  link.name.assign(name, name + size);
  if (link.hard) link.address = cursor.u64();
  return link;
}

}  // namespace

std::uint64_t open_superblock(Image& image) {
  if (!find_signature(image)) throw Error(image.where + ": this is no HDF5 file");
  const std::uint64_t there = image.source->size() - image.base;
  const Bytes data = image.read(0, std::min<std::uint64_t>(there, 104));
  Cursor cursor(image, data);
  cursor.skip(8);
  const std::uint8_t version = cursor.u8();
  if (version <= 1) {
    cursor.skip(4);
    const std::uint8_t offsets = cursor.u8();
    need_eight_bytes(image, offsets, cursor.u8());
    cursor.skip(version == 1 ? 13 : 9);
    const std::uint64_t base = cursor.u64();
    cursor.skip(8);
    check_end(image, base, cursor.u64());
    cursor.skip(16);
    return cursor.u64();
  }
  if (version > 3)
    throw Error(image.where + ": HDF5 files of superblock version " + std::to_string(version) + " are not read");
  const std::uint8_t offsets = cursor.u8();
  need_eight_bytes(image, offsets, cursor.u8());
  cursor.skip(1);
  const std::uint64_t base = cursor.u64();
  cursor.skip(8);
  check_end(image, base, cursor.u64());
  return cursor.u64();
}

std::vector<Message> read_header(const Image& image, std::uint64_t address) {
  return HeaderReader(image).read(address);
}

std::vector<Link> read_links(const Image& image, const std::vector<Message>& header) {
  std::vector<Link> links;
  bool is_group = false;
  for (const Message& message : header) {
    Cursor cursor(image, message.data);
    if (message.type == symbol_table_message) {
      if (is_group) image.damaged("a group has several lists of names");
      is_group = true;
      const std::uint64_t tree = cursor.u64();
      links = SymbolTable(image, tree, cursor.u64()).links;
    } else if (message.type == link_info_message) {
      is_group = true;
      cursor.skip(1);
      if (cursor.u8() & 1) cursor.skip(8);
      const std::uint64_t heap = cursor.u64(), tree = cursor.u64();
      if (heap == undefined) continue;
      for (const Bytes& link : dense_links(image, heap, tree)) links.push_back(parse_link(image, link));
    } else if (message.type == link_message) {
      is_group = true;
      links.push_back(parse_link(image, message.data));
    } else if (message.type == datatype_message) {
      image.fail("is no group");
    }
  }
  if (!is_group) image.fail("is no group");
  return links;
}

}  // namespace nyala::saving::hdf5
