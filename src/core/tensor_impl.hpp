#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>

namespace nyala::detail {

class WeightForms;
void destroy(WeightForms* forms);

/// Memory that tensors share. CPU storage comes from the caching allocator.
struct Storage {
  Storage(std::size_t size, const Device& where);
  explicit Storage(std::vector<std::string> values);
  /// Memory that belongs to somebody else, kept alive by `keeper`.
  Storage(void* memory, std::size_t size, std::shared_ptr<void> keeper);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data = nullptr;
  std::size_t bytes = 0;
  Device device;
  std::vector<std::string> strings;
  std::shared_ptr<void> keeper;
  std::atomic<bool> lent = false;  // somebody was given a pointer to write to it
  std::atomic<WeightForms*> forms = nullptr;
};

/// The same storage under another shape (of as many elements), recorded nowhere, without mask.
Tensor alias(const Tensor& tensor, const Shape& shape);
inline Tensor alias(const Tensor& tensor) { return alias(tensor, tensor.shape()); }
/// Elements [first, first + shape.elements()) of the storage under a shape.
Tensor view(const Tensor& tensor, std::int64_t first, const Shape& shape);
inline bool has_mask(const Tensor& tensor) { return tensor.defined() && tensor.impl()->mask != nullptr; }
/// Throws Error, naming `where`, for a null tensor.
inline void require_defined(const Tensor& tensor, const char* where) {
  if (!tensor.defined()) fail_undefined(where);
}

}  // namespace nyala::detail
