#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>

// libhdf5's C interface behind RAII. The library is not made for several threads, so that every call here happens under
// one lock; its identifiers never leave this file's implementation.

namespace nyala::saving {

/// Holds the lock of libhdf5 and keeps it from printing; everything below needs one alive in this thread.
class Hdf5Session {
 public:
  Hdf5Session();

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};

/// An identifier of libhdf5, closed at the end.
class Handle {
 public:
  using Close = int (*)(std::int64_t);
  Handle() = default;
  Handle(std::int64_t id, Close closer) : id_(id), close_(closer) {}
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;
  ~Handle();
  std::int64_t id() const { return id_; }
  bool valid() const { return id_ >= 0; }
  /// Closes now; false if the library could not.
  bool close();

 private:
  std::int64_t id_ = -1;
  Close close_ = nullptr;
};

/// A file being written; groups are made as they are named.
class Hdf5Writer {
 public:
  Hdf5Writer(const std::string& path, std::string where);
  /// Makes the group (and those above it).
  void group(const std::string& path);
  void attribute(const std::string& path, const std::string& name, const std::string& text);
  /// Contiguous, little-endian, of the tensor's own shape and dtype.
  void dataset(const std::string& group, const std::string& name, const Tensor& value);
  /// Writes everything out; throws Error if that fails.
  void close();

 private:
  [[noreturn]] void fail(const std::string& doing) const;
  Handle open_group(const std::string& path);

  Hdf5Session session_;
  std::string where_;
  Handle file_;
};

/// A file from outside: only plain groups and datasets that are stored in the file itself are read.
class Hdf5Reader {
 public:
  Hdf5Reader(const std::string& path, std::string where);

  bool has_group(const std::string& path) const;
  /// Names of a group's entries, in the order of the alphabet; empty if there is no such group.
  std::vector<std::string> names(const std::string& path) const;
  Shape shape(const std::string& path) const;
  /// The dataset, which must have that shape. Throws Error naming file and place for anything else.
  Tensor read(const std::string& path, const Shape& expected) const;
  std::string text_attribute(const std::string& path, const std::string& name) const;

 private:
  [[noreturn]] void fail(const std::string& path, const std::string& what) const;
  Handle open_dataset(const std::string& path) const;
  /// Refuses soft and external links on the way; false where the path ends.
  bool check_path(const std::string& path) const;

  Hdf5Session session_;
  std::string where_;
  Handle file_;
};

}  // namespace nyala::saving
