#include "saving/hdf5_format.hpp"

namespace nyala::saving::hdf5 {

TextHeap::TextHeap(const Image& image) : image_(image), budget_(4 * image.source->size() + 65536) {}

void TextHeap::spend(std::uint64_t bytes) {
  if (bytes > budget_) image_.damaged("its texts claim more than the file can hold");
  budget_ -= bytes;
}

const std::map<std::uint32_t, TextHeap::Entry>& TextHeap::entries_of(std::uint64_t collection) {
  const auto [place, fresh] = collections_.try_emplace(collection);
  if (!fresh) return place->second;
  const Bytes head = image_.read(collection, 16);
  Cursor cursor(image_, head);
  cursor.expect("GCOL");
  cursor.skip(4);
  const std::uint64_t size = cursor.u64();
  image_.require(collection, size);
  std::uint64_t at = 16;
  while (at + 16 <= size) {
    spend(16);
    const Bytes data = image_.read(collection + at, 16);
    Cursor object(image_, data);
    const std::uint32_t index = object.u16();
    object.skip(6);
    const std::uint64_t bytes = object.u64();
    if (index == 0) break;  // the free space at the end
    if (bytes > size - at - 16) image_.damaged("a text is longer than the heap it lies in");
    place->second.try_emplace(index, Entry{collection + at + 16, bytes});
    at += 16 + (bytes + 7) / 8 * 8;
  }
  return place->second;
}

std::string TextHeap::text(std::uint64_t collection, std::uint32_t index, std::uint64_t length) {
  if (length == 0) return {};
  const auto& entries = entries_of(collection);
  const auto entry = entries.find(index);
  if (entry == entries.end()) image_.damaged("a text is missing from its heap");
  if (length > entry->second.bytes) image_.damaged("a text is shorter than it claims");
  spend(length);
  const Bytes bytes = image_.read(entry->second.address, length);
  std::string text(bytes.begin(), bytes.end());
  text.resize(text.find('\0') == std::string::npos ? text.size() : text.find('\0'));
  return text;
}

}  // namespace nyala::saving::hdf5
