#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>

namespace nyala::autograd {
struct Node;
}

namespace nyala::detail {

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
};

struct TensorImpl {
  Shape shape;
  DType dtype = DType::float32;
  bool weak = false;
  int output = 0;           // which output of `node` this is
  double weak_value = 0.0;  // a weak scalar in full precision
  std::size_t offset = 0;   // bytes into the storage
  std::shared_ptr<Storage> storage;
  std::shared_ptr<autograd::Node> node;  // null: nothing recorded leads here
  std::shared_ptr<TensorImpl> mask;
};

/// The same storage under another shape (of as many elements), recorded nowhere, without mask.
Tensor alias(const Tensor& tensor, const Shape& shape);
inline Tensor alias(const Tensor& tensor) { return alias(tensor, tensor.shape()); }
/// Elements [first, first + shape.elements()) of the storage under a shape.
Tensor view(const Tensor& tensor, std::int64_t first, const Shape& shape);
/// Throws Error, naming `where`, for a null tensor.
void require_defined(const Tensor& tensor, const char* where);

}  // namespace nyala::detail
