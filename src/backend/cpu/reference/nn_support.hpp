#pragma once

#include <cstdint>

#include "backend/common/fused_activation.hpp"
#include "backend/common/widened.hpp"
#include "backend/kernels.hpp"

namespace nyala::backend {

/// A tensor's elements, null for a null tensor.
template <class T>
T* elements_of(const Tensor& tensor) {
  return tensor.defined() ? static_cast<T*>(tensor.raw_data()) : nullptr;
}

/// Calls fn(T()) for T = float or double; false, without a call, for other dtypes.
template <class F>
bool for_float(DType dtype, F&& fn) {
  if (dtype == DType::float32)
    fn(float());
  else if (dtype == DType::float64)
    fn(double());
  else
    return false;
  return true;
}

}  // namespace nyala::backend
