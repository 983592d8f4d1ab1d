#include <cstring>
#include <string_view>

#include <nyala/error.hpp>
#include <nyala/npy.hpp>

#include "core/npy_header.hpp"
#include "core/npy_stream.hpp"
#include "saving/archive.hpp"

namespace nyala {

namespace {

constexpr std::uint64_t honest_bytes = std::uint64_t{1} << 30, honest_ratio = 16;
constexpr std::string_view ending = ".npy";

/// A .npy file made of a tensor where it lies.
class NpyBytes : public saving::ByteSource {
 public:
  explicit NpyBytes(const Tensor& tensor)
      : tensor_(tensor), prefix_(detail::npy_prefix(tensor.dtype(), {tensor.shape().begin(), tensor.shape().end()})) {}

  std::uint64_t size() const override { return prefix_.size() + tensor_.bytes(); }

  void read(std::uint64_t at, void* to, std::size_t bytes) const override {
    auto* out = static_cast<char*>(to);
    for (; bytes > 0 && at < prefix_.size(); --bytes) *out++ = prefix_[static_cast<std::size_t>(at++)];
    if (bytes > 0) std::memcpy(out, static_cast<const char*>(tensor_.raw_data()) + (at - prefix_.size()), bytes);
  }

 private:
  Tensor tensor_;
  std::string prefix_;
};

}  // namespace

std::map<std::string, Tensor> load_npz(const std::string& path) {
  const std::string where = "load_npz: '" + path + "'";
  const saving::ArchiveReader archive(path, where);
  std::map<std::string, Tensor> arrays;
  for (const std::string& member : archive.names()) {
    if (!member.ends_with(ending)) throw Error(where + ": \"" + member + "\" is no array (.npy)");
    const auto source = archive.source(member, honest_bytes + honest_ratio * archive.file_bytes());
    std::uint64_t at = 0;
    const auto read = [&](void* to, std::size_t bytes) {
      source->read(at, to, bytes);
      at += bytes;
    };
    arrays[member.substr(0, member.size() - ending.size())] =
        detail::read_npy(source->size(), read, where + ": \"" + member + "\"");
  }
  return arrays;
}

void save_npz(const std::string& path, const std::map<std::string, Tensor>& arrays) {
  const std::string where = "save_npz: '" + path + "'";
  for (const auto& [name, tensor] : arrays) {
    if (name.empty() || name.front() == '/' || name.find("..") != std::string::npos)
      throw Error(where + ": every array needs a name that can be a file's, got \"" + name + "\"");
    detail::require_writable(tensor, where + ": \"" + name + "\"");
  }
  detail::AtomicFile file(path, "save_npz");
  saving::ArchiveWriter archive(file, where);
  for (const auto& [name, tensor] : arrays) archive.add(name + std::string(ending), NpyBytes(tensor.to(Device())));
  archive.finish();
  file.commit();
}

}  // namespace nyala
