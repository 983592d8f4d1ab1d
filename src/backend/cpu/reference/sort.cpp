#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "backend/common/axis_split.hpp"
#include "backend/common/dispatch.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

/// Whether a comes before b: NaNs last, the first of equals first.
template <class T>
struct Before {
  const T* lane;
  std::int64_t stride;
  bool descending;
  bool operator()(std::int32_t i, std::int32_t j) const {
    const T a = lane[i * stride], b = lane[j * stride];
    if (a != a || b != b) return a == a ? true : b == b ? false : i < j;
    if (a == b) return i < j;
    return descending ? a > b : a < b;
  }
};

/// The positions of the first `count` elements of every lane in order.
template <class T>
void order(const T* keys, const AxisSplit& split, std::int64_t count, bool descending, std::int32_t* indices) {
  std::vector<std::int32_t> positions(static_cast<std::size_t>(split.n));
  for (std::int64_t o = 0; o < split.outer; ++o) {
    for (std::int64_t k = 0; k < split.inner; ++k) {
      const Before<T> before{keys + o * split.n * split.inner + k, split.inner, descending};
      std::iota(positions.begin(), positions.end(), 0);
      if (count < split.n) {
        std::partial_sort(positions.begin(), positions.begin() + count, positions.end(), before);
      } else {
        std::sort(positions.begin(), positions.end(), before);
      }
      for (std::int64_t i = 0; i < count; ++i) {
        indices[(o * count + i) * split.inner + k] = positions[static_cast<std::size_t>(i)];
      }
    }
  }
}

}  // namespace

void ReferenceKernels::sort(const Tensor& x, int axis, bool descending, Tensor& values, Tensor& indices) {
  const AxisSplit split(x.shape(), axis);
  const Shape& shape = values.defined() ? values.shape() : indices.shape();
  const std::int64_t count = shape[static_cast<std::size_t>(axis)];
  const DType key_type = is_floating(x.dtype())       ? DType::float64
                         : x.dtype() == DType::uint64 ? DType::uint64
                                                      : DType::int64;
  Tensor keys = x;
  if (x.dtype() != key_type) {
    keys = Tensor::empty(x.shape(), key_type, x.device());
    cast(x, keys);
  }
  Tensor positions = indices.defined() ? indices : Tensor::empty(shape, DType::int32, x.device());
  visit_number(key_type, "sort", [&]<class T>(std::type_identity<T>) {
    if constexpr (sizeof(T) == 8) {
      order(keys.data<T>(), split, count, descending, positions.data<std::int32_t>());
    }
  });
  if (!values.defined()) return;
  visit_bytes(x.dtype(), "sort", [&]<class T>(std::type_identity<T>) {
    const T* from = static_cast<const T*>(x.raw_data());
    T* to = static_cast<T*>(values.raw_data());
    const std::int32_t* position = positions.data<std::int32_t>();
    const std::int64_t lane = count * split.inner;
    for (std::int64_t i = 0; i < values.size(); ++i) {
      to[i] = from[(i / lane * split.n + position[i]) * split.inner + i % split.inner];
    }
  });
}

void ReferenceKernels::top_k(const Tensor& x, std::int64_t, Tensor& values, Tensor& indices) {
  sort(x, x.rank() - 1, true, values, indices);
}

}  // namespace nyala::backend
