#include "ops/nn_support.hpp"

#include <algorithm>

namespace nyala::ops {

Tensor in_floating(const Tensor& x, const char* op) {
  require_numbers(x, op);
  return is_floating(x.dtype()) ? x : cast(x, floatx());
}

DType floating_dtype(const Tensor& a, const Tensor& b, const char* op) {
  require_numbers(a, op);
  require_numbers(b, op);
  return floating(a.dtype() == b.dtype() ? a.dtype() : promoted_dtype(a, b));
}

AxesLast::AxesLast(const std::vector<int>& axes, int rank) {
  const auto count = static_cast<int>(axes.size());
  for (int i = 0; i < count; ++i) trivial = trivial && axes[static_cast<std::size_t>(i)] == rank - count + i;
  if (trivial) return;
  for (int axis = 0; axis < rank; ++axis) {
    if (std::find(axes.begin(), axes.end(), axis) == axes.end()) forth.push_back(axis);
  }
  forth.insert(forth.end(), axes.begin(), axes.end());
  back.resize(static_cast<std::size_t>(rank));
  for (int i = 0; i < rank; ++i) back[static_cast<std::size_t>(forth[static_cast<std::size_t>(i)])] = i;
}

}  // namespace nyala::ops
