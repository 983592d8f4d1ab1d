#include <libdeflate.h>

#include <limits>

#include <nyala/error.hpp>

#include "saving/archive.hpp"

namespace nyala::saving {
namespace {

constexpr std::uint64_t zip32_limit = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint16_t plain_version = 20, large_version = 45;
constexpr std::uint16_t zip64_record = 1, large_record_bytes = 16;
constexpr std::uint16_t names_are_utf8 = 1 << 11;
constexpr std::uint16_t first_of_1980 = (0 << 9) | (1 << 5) | 1;
constexpr std::uint16_t made_by_unix = 3 << 8;
constexpr std::uint32_t owner_reads_and_writes = 0100600U << 16;
constexpr std::uint64_t checksum_place = 14;  // in a local header

/// Little-endian numbers, one after another.
class Record {
 public:
  Record& u16(std::uint64_t value) { return number(value, 2); }
  Record& u32(std::uint64_t value) { return number(value, 4); }
  Record& u64(std::uint64_t value) { return number(value, 8); }
  Record& text(const std::string& value) {
    bytes_ += value;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Record& number(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<char>(value >> (8 * i) & 255));
    return *this;
  }

  std::string bytes_;
};

/// What the 32 bits of the first zip files hold: all ones say that the number stands in a record of its own.
std::uint64_t in_32(std::uint64_t value) { return std::min(value, zip32_limit); }

std::uint16_t flags_of(const std::string& name) {
  const bool plain = name.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                         " !#$%&'()+,-./;=@[]^_`{}~") == std::string::npos;
  return plain ? 0 : names_are_utf8;
}

}  // namespace

void ArchiveWriter::begin(const std::string& member, std::uint64_t bytes, std::uint32_t checksum) {
  if (member.size() > std::numeric_limits<std::uint16_t>::max()) throw Error(where_ + ": a member's name is too long");
  members_.push_back({member, at_, bytes, checksum});
  const bool large = bytes >= zip32_limit;
  Record header;
  header.text("PK\3\4").u16(large ? large_version : plain_version).u16(flags_of(member)).u16(0);
  header.u16(0).u16(first_of_1980).u32(checksum);
  header.u32(large ? zip32_limit : bytes).u32(large ? zip32_limit : bytes);
  header.u16(member.size()).u16(large ? large_record_bytes + 4 : 0).text(member);
  if (large) header.u16(zip64_record).u16(large_record_bytes).u64(bytes).u64(bytes);
  file_.write(header.bytes().data(), header.bytes().size());
  at_ += header.bytes().size();
}

void ArchiveWriter::add(const std::string& member, const std::string& text) {
  begin(member, text.size(), libdeflate_crc32(0, text.data(), text.size()));
  file_.write(text.data(), text.size());
  at_ += text.size();
}

void ArchiveWriter::add(const std::string& member, const ByteSource& content) {
  // The checksum is made of what is being written while it is in the cache, and put into the header afterwards.
  begin(member, content.size(), 0);
  std::uint32_t checksum = 0;
  content.visit([&](const void* data, std::size_t bytes) {
    checksum = libdeflate_crc32(checksum, data, bytes);
    file_.write(data, bytes);
  });
  at_ += content.size();
  members_.back().checksum = checksum;
  Record patch;
  patch.u32(checksum);
  file_.write_at(members_.back().begin + checksum_place, patch.bytes().data(), patch.bytes().size());
}

void ArchiveWriter::finish() {
  Record directory;
  for (const Member& member : members_) {
    const bool large = member.bytes >= zip32_limit, far = member.begin >= zip32_limit;
    const std::uint16_t version = large || far ? large_version : plain_version;
    const std::uint64_t extra = (large ? 16U : 0U) + (far ? 8U : 0U);
    directory.text("PK\1\2").u16(made_by_unix | version).u16(version).u16(flags_of(member.name)).u16(0);
    directory.u16(0).u16(first_of_1980).u32(member.checksum);
    directory.u32(large ? zip32_limit : member.bytes).u32(large ? zip32_limit : member.bytes);
    directory.u16(member.name.size()).u16(extra == 0 ? 0 : extra + 4).u16(0).u16(0).u16(0);
    directory.u32(owner_reads_and_writes).u32(in_32(member.begin)).text(member.name);
    if (extra != 0) directory.u16(zip64_record).u16(extra);
    if (large) directory.u64(member.bytes).u64(member.bytes);
    if (far) directory.u64(member.begin);
  }
  const std::uint64_t bytes = directory.bytes().size();
  if (at_ >= zip32_limit) {
    directory.text("PK\6\6").u64(44).u16(made_by_unix | large_version).u16(large_version).u32(0).u32(0);
    directory.u64(members_.size()).u64(members_.size()).u64(bytes).u64(at_);
    directory.text("PK\6\7").u32(0).u64(at_ + bytes).u32(1);
  }
  directory.text("PK\5\6").u16(0).u16(0).u16(members_.size()).u16(members_.size());
  directory.u32(bytes).u32(in_32(at_)).u16(0);
  file_.write(directory.bytes().data(), directory.bytes().size());
}

}  // namespace nyala::saving
