#include "data/event_writer.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include <nyala/error.hpp>

namespace nyala::detail {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0u);
    table[i] = crc;
  }
  return table;
}();

template <class T>
std::string little_endian(T value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

double time_of_day() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string file_name() {
  static std::atomic<int> made = 0;
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return "events.out.tfevents." + std::to_string(static_cast<long long>(time_of_day())) + "." + host.data() + "." +
         std::to_string(getpid()) + "." + std::to_string(made++) + ".v2";
}

}  // namespace

void ProtoMessage::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7f) | 0x80);
  bytes_ += static_cast<char>(value);
}

ProtoMessage& ProtoMessage::integer(int field, std::int64_t value) {
  varint(static_cast<std::uint64_t>(field) << 3);
  varint(static_cast<std::uint64_t>(value));
  return *this;
}

ProtoMessage& ProtoMessage::real(int field, double value) {
  varint(static_cast<std::uint64_t>(field) << 3 | 1);
  bytes_ += little_endian(std::bit_cast<std::uint64_t>(value));
  return *this;
}

ProtoMessage& ProtoMessage::bytes(int field, std::string_view value) {
  varint(static_cast<std::uint64_t>(field) << 3 | 2);
  varint(value.size());
  bytes_ += value;
  return *this;
}

std::uint32_t masked_crc32c(std::string_view data) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : data) crc = crc_table[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

EventWriter::EventWriter(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw Error("SummaryWriter: the folder " + folder + " cannot be made: " + failed.message());
  path_ = (std::filesystem::path(folder) / file_name()).string();
  stream_.open(path_, std::ios::binary | std::ios::trunc);
  if (!stream_) throw Error("SummaryWriter: cannot write " + path_ + ": " + std::strerror(errno));
  add(event_version, "brain.Event:2", 0);
  flush();
}

void EventWriter::add(int field, std::string_view content, std::int64_t step) {
  ProtoMessage event;
  event.real(1, time_of_day());
  if (step != 0) event.integer(2, step);
  const std::string& data = event.bytes(field, content).str();
  const std::string length = little_endian(static_cast<std::uint64_t>(data.size()));
  stream_ << length << little_endian(masked_crc32c(length)) << data << little_endian(masked_crc32c(data));
}

void EventWriter::flush() {
  stream_.flush();
  if (!stream_) throw Error("SummaryWriter: writing " + path_ + " failed: " + std::strerror(errno));
}

}  // namespace nyala::detail
