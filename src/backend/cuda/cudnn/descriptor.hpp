#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>

#include "backend/cuda/check.hpp"

namespace nyala::backend::cuda {

/// One descriptor of cuDNN's graph API, freed with its owner. Failures throw, naming the step.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    check(cudnnBackendCreateDescriptor(type, &handle_), "cudnnBackendCreateDescriptor");
  }
  Descriptor(Descriptor&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Descriptor() {
    if (handle_ != nullptr) cudnnBackendDestroyDescriptor(handle_);
  }

  cudnnBackendDescriptor_t get() const { return handle_; }

  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::span<const T> values) {
    check(cudnnBackendSetAttribute(handle_, name, type, static_cast<std::int64_t>(values.size()), values.data()),
          "cudnnBackendSetAttribute");
    return *this;
  }
  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, const T& value) {
    return set(name, type, std::span<const T>(&value, 1));
  }
  Descriptor& set(cudnnBackendAttributeName_t name, const Descriptor& part) {
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, part.handle_);
  }

  /// How many values there are; as many as fit are read.
  template <class T>
  std::int64_t get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::span<T> values) const {
    std::int64_t count = 0;
    check(
        cudnnBackendGetAttribute(handle_, name, type, static_cast<std::int64_t>(values.size()), &count, values.data()),
        "cudnnBackendGetAttribute");
    return count;
  }

  [[nodiscard]] cudnnStatus_t try_finalize() { return cudnnBackendFinalize(handle_); }
  Descriptor finalized() && {
    check(try_finalize(), "cudnnBackendFinalize");
    return std::move(*this);
  }

 private:
  cudnnBackendDescriptor_t handle_ = nullptr;
};

}  // namespace nyala::backend::cuda
