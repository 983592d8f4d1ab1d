#include <zip.h>

#include <algorithm>
#include <cstring>
#include <set>

#include <nyala/error.hpp>

#include "saving/archive.hpp"

namespace nyala::saving {
namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 20;

std::string reason(zip_error_t& error) {
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

/// A member that is stored as it is; libzip can go anywhere in it.
class StoredMember : public ByteSource {
 public:
  StoredMember(std::shared_ptr<zip> archive, std::shared_ptr<zip_file_t> file, std::uint64_t size, std::string where)
      : archive_(std::move(archive)), file_(std::move(file)), size_(size), where_(std::move(where)) {}

  std::uint64_t size() const override { return size_; }

  void read(std::uint64_t at, void* to, std::size_t bytes) const override {
    if (at > size_ || bytes > size_ - at) {
      throw Error(where_ + ": the file is truncated or damaged: " + std::to_string(bytes) + " bytes at " +
                  std::to_string(at) + " are asked for, there are " + std::to_string(size_));
    }
    auto* next = static_cast<unsigned char*>(to);
    if (bytes >= window_bytes / 4) return fill(at, next, bytes);
    if (at < window_at_ || at + bytes > window_at_ + window_.size()) {
      window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(window_bytes, size_ - at)));
      window_at_ = at;
      fill(at, window_.data(), window_.size());
    }
    if (bytes > 0) std::memcpy(next, window_.data() + (at - window_at_), bytes);
  }

 private:
  static constexpr std::size_t window_bytes = 16384;

  void fill(std::uint64_t at, unsigned char* next, std::size_t bytes) const {
    if (zip_fseek(file_.get(), static_cast<zip_int64_t>(at), SEEK_SET) != 0) fail();
    while (bytes > 0) {
      const zip_int64_t got = zip_fread(file_.get(), next, std::min<std::size_t>(bytes, 1U << 30));
      if (got <= 0) fail();
      next += got;
      bytes -= static_cast<std::size_t>(got);
    }
  }

  [[noreturn]] void fail() const {
    throw Error(where_ + ": the archive is damaged: " + zip_file_strerror(file_.get()));
  }

  std::shared_ptr<zip> archive_;
  std::shared_ptr<zip_file_t> file_;
  std::uint64_t size_;
  std::string where_;
  mutable std::vector<unsigned char> window_;
  mutable std::uint64_t window_at_ = 0;
};

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

}  // namespace

struct ArchiveReader::Member {
  zip_stat_t status;
  std::shared_ptr<zip_file_t> file;
};

ArchiveReader::ArchiveReader(const std::string& path, std::string where) : path_(path), where_(std::move(where)) {
  file_bytes_ = open_file(path, where_)->size();  // says what is wrong with the path
  int code = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
  if (archive == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    throw Error(where_ + ": this is no zip archive, or it is damaged: " + reason(error));
  }
  zip_ = std::shared_ptr<zip>(archive, zip_discard);
  const zip_int64_t count = zip_get_num_entries(archive, 0);
  std::set<std::string> names;
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* name = zip_get_name(archive, static_cast<zip_uint64_t>(i), 0);
    if (name == nullptr) throw Error(where_ + ": the archive is damaged: a member has no name");
    const std::string shown = std::string(name).substr(0, 200);
    if (leads_out(name)) throw Error(where_ + ": the archive's member \"" + shown + "\" leads out of it");
    if (!names.insert(name).second) throw Error(where_ + ": the archive has the member \"" + shown + "\" twice");
    has_assets_ = has_assets_ || shown.rfind("assets/", 0) == 0;
  }
}

bool ArchiveReader::contains(const std::string& member) const {
  return zip_name_locate(zip_.get(), member.c_str(), ZIP_FL_ENC_RAW) >= 0;
}

ArchiveReader::Member ArchiveReader::find(const std::string& member) const {
  if (!contains(member)) throw Error(where_ + ": the archive has no \"" + member + "\"; a model saved by Keras has it");
  Member found{};
  const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
  if (zip_stat(zip_.get(), member.c_str(), ZIP_FL_ENC_RAW, &found.status) != 0 ||
      (found.status.valid & needed) != needed || found.status.comp_size > file_bytes_) {
    throw Error(where_ + ": the archive is damaged: \"" + member + "\" has no honest size");
  }
  const bool encrypted = (found.status.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && found.status.encryption_method != 0;
  if (encrypted) throw Error(where_ + ": \"" + member + "\" is encrypted");
  if (found.status.comp_method == ZIP_CM_STORE && found.status.size != found.status.comp_size) {
    throw Error(where_ + ": the archive is damaged: \"" + member + "\" is stored in another size than it has");
  }
  found.file = std::shared_ptr<zip_file_t>(zip_fopen(zip_.get(), member.c_str(), ZIP_FL_ENC_RAW), [](zip_file_t* file) {
    if (file != nullptr) zip_fclose(file);
  });
  if (found.file == nullptr) throw Error(where_ + ": \"" + member + "\" cannot be read: " + zip_strerror(zip_.get()));
  return found;
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

std::shared_ptr<ByteSource> ArchiveReader::source(const std::string& member, std::uint64_t most) const {
  const Member found = find(member);
  const std::string place = where_ + ": \"" + member + "\"";
  if (found.status.comp_method != ZIP_CM_STORE && found.status.size > most) {
    throw Error(place + " claims " + std::to_string(found.status.size) + " bytes, packed in " +
                std::to_string(found.status.comp_size) + "; more than " + std::to_string(most) + " are not unpacked");
  }
  // Whole, so that libzip compares the checksum; kept only where it was packed.
  const bool keep = found.status.comp_method != ZIP_CM_STORE;
  std::vector<unsigned char> bytes;
  std::vector<unsigned char> block(static_cast<std::size_t>(std::min<std::uint64_t>(block_bytes, most + 1)));
  std::uint64_t total = 0;
  while (true) {
    const zip_int64_t got = zip_fread(found.file.get(), block.data(), block.size());
    if (got < 0) throw Error(place + ": the archive is damaged: " + zip_file_strerror(found.file.get()));
    if (got == 0) break;
    total += static_cast<std::uint64_t>(got);
    if (total > found.status.size) throw Error(place + ": the archive is damaged: it is longer than it claims");
    if (keep) bytes.insert(bytes.end(), block.begin(), block.begin() + got);
  }
  if (total != found.status.size) throw Error(place + ": the archive is damaged: it is shorter than it claims");
  if (keep) return in_memory(std::move(bytes), place);
  return std::make_shared<StoredMember>(zip_, found.file, total, place);
}

}  // namespace nyala::saving
