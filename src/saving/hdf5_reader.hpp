#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <nyala/tensor.hpp>

#include "saving/byte_source.hpp"
#include "saving/hdf5_format.hpp"

namespace nyala::saving {

/// A file from outside: only plain groups and datasets that are stored in the file itself are read. Paths are from the
/// root, without "/" in front. Everything else, and every damage, is an Error naming file and place. For one thread.
class Hdf5Reader {
 public:
  Hdf5Reader(const std::string& path, const std::string& where);
  Hdf5Reader(std::shared_ptr<ByteSource> source, const std::string& where);

  Hdf5Reader(const Hdf5Reader&) = delete;
  Hdf5Reader& operator=(const Hdf5Reader&) = delete;

  bool has_group(const std::string& path) const;
  bool has_dataset(const std::string& path) const;
  /// Names of a group's entries, in the order of the alphabet; empty if there is no such group.
  std::vector<std::string> names(const std::string& path) const;
  Shape shape(const std::string& path) const;
  /// The dataset, which must have that shape.
  Tensor read(const std::string& path, const Shape& expected) const;
  /// The attribute of a group or dataset: bytes or text, of fixed or varying length. None if it is missing.
  std::optional<std::string> text(const std::string& path, const std::string& attribute) const;
  /// A list of texts, also one that Keras split over "name0", "name1", … because of its length.
  std::optional<std::vector<std::string>> texts(const std::string& path, const std::string& attribute) const;
  const std::string& where() const { return image_.where; }
  /// Of the whole file.
  std::uint64_t bytes() const { return image_.source->size(); }

 private:
  struct Object {
    std::vector<hdf5::Message> header;
    bool is_dataset = false;
    std::optional<std::unordered_map<std::string, hdf5::Link>> links;
    std::optional<std::unordered_map<std::string, hdf5::Attribute>> attributes;
  };
  struct Dataset {
    hdf5::Datatype type;
    hdf5::Dataspace space;
    hdf5::Layout layout;
    std::vector<hdf5::Filter> filters;
  };

  /// Null if the path ends before.
  std::shared_ptr<Object> find(const std::string& path) const;
  std::shared_ptr<Object> need(const std::string& path) const;
  const std::unordered_map<std::string, hdf5::Link>& links_of(Object& object, const std::string& path) const;
  const std::unordered_map<std::string, hdf5::Attribute>& attributes_of(Object& object) const;
  Dataset dataset(const std::string& path) const;
  std::optional<std::vector<std::string>> plain_texts(const std::string& path, const std::string& attribute) const;
  void read_data(const Dataset& dataset, unsigned char* to) const;

  hdf5::Image image_;
  mutable std::map<std::string, std::shared_ptr<Object>> groups_;
  mutable std::unique_ptr<hdf5::TextHeap> heap_;
};

}  // namespace nyala::saving
