#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <nyala/error.hpp>

#include "saving/archive.hpp"

namespace nyala::saving {
namespace {

/// What libzip reads a member from.
struct Content {
  std::shared_ptr<ByteSource> source;
  std::uint64_t at = 0;
  std::string error;
};

zip_int64_t content_command(void* state, void* data, zip_uint64_t bytes, zip_source_cmd_t command) {
  auto& content = *static_cast<Content*>(state);
  switch (command) {
    case ZIP_SOURCE_OPEN: content.at = 0; return 0;
    case ZIP_SOURCE_READ: {
      const std::uint64_t part = std::min<std::uint64_t>(bytes, content.source->size() - content.at);
      try {
        content.source->read(content.at, data, static_cast<std::size_t>(part));
      } catch (const std::exception&) {
        return -1;
      }
      content.at += part;
      return static_cast<zip_int64_t>(part);
    }
    case ZIP_SOURCE_CLOSE: return 0;
    case ZIP_SOURCE_STAT: {
      auto& status = *static_cast<zip_stat_t*>(data);
      zip_stat_init(&status);
      status.size = content.source->size();
      status.valid = ZIP_STAT_SIZE;
      return sizeof status;
    }
    case ZIP_SOURCE_ERROR: {
      const int codes[2] = {ZIP_ER_READ, EIO};
      std::memcpy(data, codes, sizeof codes);
      return sizeof codes;
    }
    case ZIP_SOURCE_FREE: delete &content; return 0;
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
                                            ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);
    default: return -1;
  }
}

/// The temporary file, so that libzip makes none of its own. It buffers, since libzip writes in small pieces.
struct Target {
  int descriptor = -1;
  std::uint64_t at = 0, buffered_at = 0;
  std::vector<char> buffer;
  int error = 0;

  bool flush() {
    const char* next = buffer.data();
    std::size_t left = buffer.size();
    while (left > 0) {
      const ssize_t written = ::pwrite(descriptor, next, left, static_cast<off_t>(buffered_at));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        error = errno;
        return false;
      }
      next += written;
      left -= static_cast<std::size_t>(written);
      buffered_at += static_cast<std::uint64_t>(written);
    }
    buffer.clear();
    return true;
  }

  zip_int64_t write(const void* data, std::uint64_t bytes) {
    if (at != buffered_at + buffer.size()) {
      if (!flush()) return -1;
      buffered_at = at;
    }
    const char* from = static_cast<const char*>(data);
    buffer.insert(buffer.end(), from, from + bytes);
    at += bytes;
    if (buffer.size() >= (std::size_t{1} << 20) && !flush()) return -1;
    return static_cast<zip_int64_t>(bytes);
  }
};

zip_int64_t seek(Target& target, void* data, std::uint64_t bytes) {
  const auto& to = *ZIP_SOURCE_GET_ARGS(zip_source_args_seek_t, data, bytes, nullptr);
  const auto end = static_cast<zip_int64_t>(std::max(target.at, target.buffered_at + target.buffer.size()));
  const zip_int64_t base = to.whence == SEEK_SET   ? 0
                           : to.whence == SEEK_CUR ? static_cast<zip_int64_t>(target.at)
                                                   : end;
  target.at = static_cast<std::uint64_t>(base + to.offset);
  return 0;
}

zip_int64_t target_command(void* state, void* data, zip_uint64_t bytes, zip_source_cmd_t command) {
  auto& target = *static_cast<Target*>(state);
  switch (command) {
    case ZIP_SOURCE_BEGIN_WRITE:
      target.at = target.buffered_at = 0;
      target.buffer.clear();
      return 0;
    case ZIP_SOURCE_WRITE: return target.write(data, bytes);
    case ZIP_SOURCE_COMMIT_WRITE: return target.flush() ? 0 : -1;
    case ZIP_SOURCE_ROLLBACK_WRITE:
    case ZIP_SOURCE_OPEN:
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_REMOVE:
    case ZIP_SOURCE_FREE:
    case ZIP_SOURCE_SEEK: return 0;
    case ZIP_SOURCE_READ:
    case ZIP_SOURCE_TELL: return 0;
    case ZIP_SOURCE_SEEK_WRITE: return seek(target, data, bytes);
    case ZIP_SOURCE_TELL_WRITE: return static_cast<zip_int64_t>(target.at);
    case ZIP_SOURCE_STAT: {
      auto& status = *static_cast<zip_stat_t*>(data);
      zip_stat_init(&status);
      status.size = 0;
      status.valid = ZIP_STAT_SIZE;
      return sizeof status;
    }
    case ZIP_SOURCE_ERROR: {
      const int codes[2] = {ZIP_ER_WRITE, target.error};
      std::memcpy(data, codes, sizeof codes);
      return sizeof codes;
    }
    case ZIP_SOURCE_SUPPORTS: return ZIP_SOURCE_SUPPORTS_WRITABLE;
    default: return -1;
  }
}

}  // namespace

ArchiveWriter::ArchiveWriter(detail::AtomicFile& file, std::string where)
    : where_(std::move(where)), zip_(nullptr, zip_discard) {
  auto target = std::make_shared<Target>();
  target->descriptor = file.descriptor();
  target_ = target;
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_function_create(target_command, target.get(), &error);
  zip_t* archive = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &error);
  if (archive == nullptr) {
    const std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    if (source != nullptr) zip_source_free(source);
    throw Error(where_ + ": the archive cannot be begun: " + text);
  }
  zip_.reset(archive);
}

void ArchiveWriter::add(const std::string& member, const std::string& text) {
  add(member, in_memory(std::vector<unsigned char>(text.begin(), text.end()), where_));
}

void ArchiveWriter::add(const std::string& member, std::shared_ptr<ByteSource> content) {
  auto* state = new Content{std::move(content), 0, {}};
  zip_source_t* source = zip_source_function(zip_.get(), content_command, state);
  if (source == nullptr) {
    delete state;
    throw Error(where_ + ": \"" + member + "\" cannot be written: " + zip_strerror(zip_.get()));
  }
  keep(member, source);
}

void ArchiveWriter::keep(const std::string& member, void* content) {
  auto* source = static_cast<zip_source_t*>(content);
  const zip_int64_t index = zip_file_add(zip_.get(), member.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    throw Error(where_ + ": \"" + member + "\" cannot be written: " + zip_strerror(zip_.get()));
  }
  const auto place = static_cast<zip_uint64_t>(index);
  constexpr zip_uint16_t first_of_1980 = (0 << 9) | (1 << 5) | 1;
  constexpr zip_uint32_t owner_reads_and_writes = 0100600U << 16;
  zip_set_file_compression(zip_.get(), place, ZIP_CM_STORE, 0);
  zip_file_set_dostime(zip_.get(), place, 0, first_of_1980, 0);
  zip_file_set_external_attributes(zip_.get(), place, 0, ZIP_OPSYS_UNIX, owner_reads_and_writes);
}

void ArchiveWriter::finish() {
  zip_t* archive = zip_.get();
  if (zip_close(archive) != 0) {
    const auto& target = *static_cast<Target*>(target_.get());
    throw Error(where_ + ": cannot write the archive: " +
                (target.error != 0 ? std::strerror(target.error) : zip_strerror(archive)));
  }
  static_cast<void>(zip_.release());  // closed
}

}  // namespace nyala::saving
