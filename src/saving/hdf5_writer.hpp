#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>

#include "core/atomic_file.hpp"
#include "saving/byte_source.hpp"

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

/// A finished HDF5 file that has not been written anywhere: its bookkeeping in memory, its data still in the tensors.
class Hdf5Image : public ByteSource {
 public:
  Hdf5Image(int descriptor, std::map<std::uint64_t, Tensor> data, std::string where);
  ~Hdf5Image() override;
  Hdf5Image(const Hdf5Image&) = delete;
  Hdf5Image& operator=(const Hdf5Image&) = delete;

  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t at, void* to, std::size_t bytes) const override;
  void visit(const Visitor& visitor) const override;
  void write_to(detail::AtomicFile& file) const;

 private:
  void read_bookkeeping(std::uint64_t at, void* to, std::size_t bytes) const;

  int descriptor_;
  std::map<std::uint64_t, Tensor> data_;
  std::string where_;
  std::uint64_t size_ = 0;
};

/// A file being made; groups are made as they are named. libhdf5 writes only its bookkeeping, and that to memory: it
/// does not survive a full disk well, and the weights need not be copied.
class Hdf5Writer {
 public:
  enum class Encoding { ascii, utf8 };

  explicit Hdf5Writer(std::string where);
  /// Makes the group (and those above it).
  void group(const std::string& path);
  /// As h5py writes a Python str (utf8) or bytes (ascii).
  void text(const std::string& path, const std::string& name, const std::string& value, Encoding encoding);
  /// As Keras writes a list of names: where they are too long for one attribute, several.
  void texts(const std::string& path, const std::string& name, const std::vector<std::string>& values);
  /// Contiguous, little-endian, of the tensor's own shape and dtype. `name` may hold "/". The tensor must not change
  /// before the image has been written.
  void dataset(const std::string& group, const std::string& name, const Tensor& value);
  std::shared_ptr<Hdf5Image> finish();

 private:
  [[noreturn]] void fail(const std::string& doing) const;
  Handle open_group(const std::string& path);
  void fixed_texts(const Handle& group, const std::string& name, const std::string* first, std::size_t count,
                   std::size_t width);

  Hdf5Session session_;
  std::string where_;
  int descriptor_ = -1;
  Handle descriptor_owner_;
  Handle file_;
  std::map<std::uint64_t, Tensor> data_;
};

}  // namespace nyala::saving
