#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include <nyala/error.hpp>

#include "saving/archive.hpp"

namespace nyala::saving {
namespace {

constexpr std::uint64_t end_bytes = 22, locator_bytes = 20, large_end_bytes = 56, local_bytes = 30, entry_bytes = 46;
constexpr std::uint64_t comment_at_most = 65535;
constexpr std::uint64_t directory_at_most = std::uint64_t{1} << 26;
constexpr std::uint32_t most_in_32 = 0xffffffff;
constexpr std::uint16_t stored = 0, deflated = 8;
constexpr std::uint64_t deflate_ratio_at_most = 1032;
constexpr std::uint16_t encrypted = 1, sizes_follow = 8;
constexpr std::uint16_t large_record = 1;

std::uint64_t number(const unsigned char* from, int bytes) {
  std::uint64_t value = 0;
  for (int i = bytes; i-- > 0;) value = value << 8 | from[i];
  return value;
}
std::uint16_t u16(const unsigned char* from) { return static_cast<std::uint16_t>(number(from, 2)); }
std::uint32_t u32(const unsigned char* from) { return static_cast<std::uint32_t>(number(from, 4)); }
std::uint64_t u64(const unsigned char* from) { return number(from, 8); }

std::vector<unsigned char> bytes_of(const ByteSource& source, std::uint64_t at, std::uint64_t bytes) {
  std::vector<unsigned char> result(static_cast<std::size_t>(bytes));
  source.read(at, result.data(), result.size());
  return result;
}

bool leads_out(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string::npos) return true;
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (name.compare(begin, end - begin, "..") == 0) return true;
    begin = end + 1;
  }
  return false;
}

/// Puts the 64-bit numbers in place of those that are all ones, in the order that the format says.
bool widen(const unsigned char* extra, std::size_t bytes, std::initializer_list<std::uint64_t*> numbers) {
  const bool needed = std::any_of(numbers.begin(), numbers.end(), [](auto* value) { return *value == most_in_32; });
  if (!needed) return true;
  for (std::size_t at = 0; at + 4 <= bytes;) {
    const std::uint16_t id = u16(extra + at);
    const std::size_t size = u16(extra + at + 2);
    at += 4;
    if (size > bytes - at) return false;
    if (id == large_record) {
      std::size_t next = 0;
      for (std::uint64_t* value : numbers) {
        if (*value != most_in_32) continue;
        if (next + 8 > size) return false;
        *value = u64(extra + at + next);
        next += 8;
      }
      return true;
    }
    at += size;
  }
  return false;
}

std::vector<unsigned char> inflated(const std::vector<unsigned char>& packed, std::uint64_t bytes,
                                    const std::string& where) {
  const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> machine(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (machine == nullptr) throw Error(where + ": no memory to unpack it");
  std::vector<unsigned char> result(static_cast<std::size_t>(bytes));
  std::size_t used = 0;
  unsigned char nothing = 0;  // the library wants a place even for no bytes
  const libdeflate_result verdict =
      libdeflate_deflate_decompress_ex(machine.get(), packed.data(), packed.size(),
                                       result.empty() ? &nothing : result.data(), result.size(), &used, nullptr);
  if (verdict == LIBDEFLATE_INSUFFICIENT_SPACE) throw Error(where + ": the archive is damaged: longer than it claims");
  if (verdict == LIBDEFLATE_SHORT_OUTPUT) throw Error(where + ": the archive is damaged: shorter than it claims");
  if (verdict != LIBDEFLATE_SUCCESS || used != packed.size())
    throw Error(where + ": the archive is damaged: it cannot be unpacked");
  return result;
}

}  // namespace

ArchiveReader::ArchiveReader(const std::string& path, const std::string& where)
    : ArchiveReader(open_file(path, where), where) {}

ArchiveReader::ArchiveReader(std::shared_ptr<ByteSource> file, std::string where)
    : file_(std::move(file)), where_(std::move(where)) {
  const Directory directory = find_directory();
  read_directory(directory);
  find_contents(directory.begin);
}

void ArchiveReader::damaged(const std::string& what) const {
  throw Error(where_ + ": the archive is damaged: " + what);
}

ArchiveReader::Directory ArchiveReader::find_directory() const {
  const std::uint64_t size = file_->size();
  const std::uint64_t searched = std::min(size, end_bytes + comment_at_most);
  const std::vector<unsigned char> tail = bytes_of(*file_, size - searched, searched);
  std::optional<std::uint64_t> end;
  for (std::size_t at = tail.size() < end_bytes ? 0 : tail.size() - end_bytes + 1; at-- > 0 && !end;) {
    const bool here = std::memcmp(tail.data() + at, "PK\5\6", 4) == 0;
    if (here && at + end_bytes + u16(tail.data() + at + 20) == tail.size()) end = size - searched + at;
  }
  if (!end) throw Error(where_ + ": this is no zip archive, or it is truncated: its directory is missing");
  const std::vector<unsigned char> record = bytes_of(*file_, *end, end_bytes);
  Directory directory;
  directory.count = u16(record.data() + 10);
  directory.bytes = u32(record.data() + 12);
  directory.begin = u32(record.data() + 16);
  if (u16(record.data() + 4) != 0 || u16(record.data() + 6) != 0) damaged("it is one part of several");
  std::uint64_t last = *end;
  if (*end >= locator_bytes) {
    const std::vector<unsigned char> locator = bytes_of(*file_, *end - locator_bytes, locator_bytes);
    if (std::memcmp(locator.data(), "PK\6\7", 4) == 0) {
      last = u64(locator.data() + 8);
      if (last > size || large_end_bytes > size - last) damaged("its directory lies beyond its end");
      const std::vector<unsigned char> large = bytes_of(*file_, last, large_end_bytes);
      if (std::memcmp(large.data(), "PK\6\6", 4) != 0) damaged("its directory has no honest size");
      directory.count = u64(large.data() + 32);
      directory.bytes = u64(large.data() + 40);
      directory.begin = u64(large.data() + 48);
    }
  }
  if (directory.begin > last || directory.bytes != last - directory.begin) damaged("its directory has another size");
  if (directory.bytes > directory_at_most) damaged("its directory has " + std::to_string(directory.bytes) + " bytes");
  return directory;
}

void ArchiveReader::read_directory(const Directory& directory) {
  const std::vector<unsigned char> data = bytes_of(*file_, directory.begin, directory.bytes);
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    const unsigned char* entry = data.data() + at;
    if (data.size() - at < entry_bytes || std::memcmp(entry, "PK\1\2", 4) != 0) damaged("its directory ends too early");
    const std::size_t name_bytes = u16(entry + 28), extra_bytes = u16(entry + 30), comment_bytes = u16(entry + 32);
    if (name_bytes + extra_bytes + comment_bytes > data.size() - at - entry_bytes)
      damaged("a member's entry is longer than the directory");
    const std::string name(reinterpret_cast<const char*>(entry) + entry_bytes, name_bytes);
    const std::string shown = name.substr(0, 200);
    Member member;
    member.flags = u16(entry + 8);
    member.method = u16(entry + 10);
    member.checksum = u32(entry + 16);
    member.stored_bytes = u32(entry + 20);
    member.bytes = u32(entry + 24);
    member.begin = u32(entry + 42);
    if (!widen(entry + entry_bytes + name_bytes, extra_bytes, {&member.bytes, &member.stored_bytes, &member.begin}))
      damaged("\"" + shown + "\" has no honest size");
    if (leads_out(name)) throw Error(where_ + ": the archive's member \"" + shown + "\" leads out of it");
    if (name.find('\0') != std::string::npos) damaged("a member's name holds a zero byte");
    if (!members_.emplace(name, member).second)
      throw Error(where_ + ": the archive has the member \"" + shown + "\" twice");
    at += entry_bytes + name_bytes + extra_bytes + comment_bytes;
  }
  if (at != data.size()) damaged("its directory has more members than it says");
}

void ArchiveReader::find_contents(std::uint64_t end) {
  std::map<std::uint64_t, std::uint64_t> places;  // begin and end of all that has been seen
  for (auto& [name, member] : members_) {
    const std::string shown = "\"" + name.substr(0, 200) + "\"";
    const std::uint64_t begin = member.begin;
    if (begin > end || local_bytes > end - begin) damaged(shown + " lies beyond its end");
    const std::vector<unsigned char> head = bytes_of(*file_, begin, local_bytes);
    if (std::memcmp(head.data(), "PK\3\4", 4) != 0) damaged(shown + " does not begin where it should");
    const std::uint64_t name_bytes = u16(head.data() + 26), extra_bytes = u16(head.data() + 28);
    const std::uint64_t rest = name_bytes + extra_bytes;
    if (rest > end - begin - local_bytes) damaged(shown + " lies beyond its end");
    member.begin = begin + local_bytes + rest;
    if (member.stored_bytes > end - member.begin) damaged(shown + " is longer than the file");
    const std::vector<unsigned char> variable = bytes_of(*file_, begin + local_bytes, rest);
    std::uint64_t local_size = u32(head.data() + 22), local_stored = u32(head.data() + 18);
    const bool widened = widen(variable.data() + name_bytes, extra_bytes, {&local_size, &local_stored});
    const bool later = (member.flags & sizes_follow) != 0;
    const bool same =
        name == std::string(variable.begin(), variable.begin() + static_cast<std::ptrdiff_t>(name_bytes)) &&
        u16(head.data() + 6) == member.flags && u16(head.data() + 8) == member.method &&
        (later || (widened && local_size == member.bytes && local_stored == member.stored_bytes &&
                   u32(head.data() + 14) == member.checksum));
    if (!same) damaged(shown + " is described in two ways");
    if (!places.emplace(begin, member.begin + member.stored_bytes).second) damaged("two members overlap");
  }
  std::uint64_t free = 0;
  for (const auto& [begin, after] : places) {
    if (begin < free) damaged("two members overlap");
    free = after;
  }
}

std::vector<std::string> ArchiveReader::names() const {
  std::vector<std::string> names;
  for (const auto& [name, member] : members_) names.push_back(name);
  return names;
}

bool ArchiveReader::has_assets() const {
  const auto first = members_.lower_bound("assets/");
  return first != members_.end() && first->first.compare(0, 7, "assets/") == 0;
}

std::string ArchiveReader::text(const std::string& member, std::uint64_t most) const {
  const std::shared_ptr<ByteSource> content = source(member, most);
  if (content->size() > most) {
    throw Error(where_ + ": \"" + member + "\" has " + std::to_string(content->size()) +
                " bytes; that cannot be right");
  }
  std::string text(static_cast<std::size_t>(content->size()), '\0');
  content->read(0, text.data(), text.size());
  return text;
}

std::shared_ptr<ByteSource> ArchiveReader::source(const std::string& name, std::uint64_t most) const {
  const auto found = members_.find(name);
  if (found == members_.end())
    throw Error(where_ + ": the archive has no \"" + name + "\"; a model saved by Keras has it");
  const Member& member = found->second;
  const std::string place = where_ + ": \"" + name + "\"";
  if ((member.flags & encrypted) != 0) throw Error(place + " is encrypted");
  const std::shared_ptr<ByteSource> raw = part_of(file_, member.begin, member.stored_bytes);
  std::uint32_t checksum = 0;
  if (member.method == stored) {
    if (member.bytes != member.stored_bytes)
      throw Error(place + ": the archive is damaged: it is stored in another size than it has");
    raw->visit([&](const void* data, std::size_t bytes) { checksum = libdeflate_crc32(checksum, data, bytes); });
    if (checksum != member.checksum) throw Error(place + ": the archive is damaged: its checksum is another");
    return raw;
  }
  if (member.method != deflated) {
    throw Error(place + " is packed by the method " + std::to_string(member.method) +
                ", which is not read (stored and deflated are)");
  }
  if (member.bytes > most) {
    throw Error(place + " claims " + std::to_string(member.bytes) + " bytes, packed in " +
                std::to_string(member.stored_bytes) + "; more than " + std::to_string(most) + " are not unpacked");
  }
  if (member.bytes / deflate_ratio_at_most > member.stored_bytes)
    throw Error(place + ": the archive is damaged: it claims more bytes than can be packed so small");
  std::vector<unsigned char> bytes = inflated(bytes_of(*raw, 0, raw->size()), member.bytes, place);
  checksum = libdeflate_crc32(0, bytes.data(), bytes.size());
  if (checksum != member.checksum) throw Error(place + ": the archive is damaged: its checksum is another");
  return in_memory(std::move(bytes), place);
}

}  // namespace nyala::saving
