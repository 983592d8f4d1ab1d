#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

namespace nyala::detail {

/// Fields of protocol buffers, by number (protobuf.dev/programming-guides/encoding).
class ProtoMessage {
 public:
  ProtoMessage& integer(int field, std::int64_t value);
  ProtoMessage& real(int field, double value);
  ProtoMessage& bytes(int field, std::string_view value);
  ProtoMessage& message(int field, const ProtoMessage& value) { return bytes(field, value.bytes_); }
  const std::string& str() const { return bytes_; }

 private:
  void varint(std::uint64_t value);
  std::string bytes_;
};

/// CRC-32C (Castagnoli), as TFRecords mask it.
std::uint32_t masked_crc32c(std::string_view data);

/// A file of TFRecords with Event messages.
class EventWriter {
 public:
  /// Throws Error if the folder or the file cannot be made.
  explicit EventWriter(const std::string& folder);
  /// Adds an event with the time of day; `field` says which kind of content it is.
  void add(int field, std::string_view content, std::int64_t step);
  void flush();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::ofstream stream_;
};

/// The fields of Event that hold a content.
inline constexpr int event_version = 3, event_graph = 4, event_summary = 5, event_session = 7;

}  // namespace nyala::detail
