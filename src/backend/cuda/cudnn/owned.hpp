#pragma once

#include <utility>

#include "backend/cuda/check.hpp"

namespace nyala::backend::cuda {

/// A descriptor of cuDNN's older entry points, freed with its owner.
template <class Handle, cudnnStatus_t (*create)(Handle*), cudnnStatus_t (*destroy)(Handle)>
class OwnedDnn {
 public:
  OwnedDnn() { check(create(&handle_), "a descriptor of cuDNN"); }
  OwnedDnn(OwnedDnn&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  OwnedDnn& operator=(OwnedDnn&&) = delete;
  ~OwnedDnn() {
    if (handle_ != nullptr) destroy(handle_);
  }
  Handle get() const { return handle_; }

 private:
  Handle handle_ = nullptr;
};
using DnnTensor = OwnedDnn<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;

}  // namespace nyala::backend::cuda
