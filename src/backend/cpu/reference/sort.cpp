#include <algorithm>
#include <vector>

#include "backend/common/axis_split.hpp"
#include "backend/common/dispatch.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"
#include "core/parallel.hpp"

namespace nyala::backend {
namespace {

template <class T>
struct Keyed {
  T key;
  std::int32_t place;
};

/// Whether a comes before b: NaNs last, the first of equals first.
template <class T>
struct Before {
  bool descending;
  bool operator()(const Keyed<T>& a, const Keyed<T>& b) const {
    if (a.key != a.key || b.key != b.key) return a.key == a.key || (b.key != b.key && a.place < b.place);
    if (a.key == b.key) return a.place < b.place;
    return descending ? a.key > b.key : a.key < b.key;
  }
};

/// The positions of the first `count` elements of every lane in order.
template <class T>
void order(const T* keys, const AxisSplit& split, std::int64_t count, bool descending, std::int32_t* indices) {
  const std::int64_t grain = std::max<std::int64_t>(1, 2048 / std::max<std::int64_t>(1, split.n));
  detail::parallel_for(0, split.outer * split.inner, grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<Keyed<T>> lane(static_cast<std::size_t>(split.n));
    for (std::int64_t l = begin; l < end; ++l) {
      const std::int64_t o = l / split.inner, k = l % split.inner;
      for (std::int64_t i = 0; i < split.n; ++i)
        lane[static_cast<std::size_t>(i)] = {keys[(o * split.n + i) * split.inner + k], static_cast<std::int32_t>(i)};
      if (count < split.n)
        std::partial_sort(lane.begin(), lane.begin() + count, lane.end(), Before<T>{descending});
      else
        std::sort(lane.begin(), lane.end(), Before<T>{descending});
      for (std::int64_t i = 0; i < count; ++i)
        indices[(o * count + i) * split.inner + k] = lane[static_cast<std::size_t>(i)].place;
    }
  });
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
