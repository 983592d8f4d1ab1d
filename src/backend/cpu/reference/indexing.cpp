#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/common/axis_split.hpp"
#include "backend/common/dispatch.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

std::vector<std::int64_t> read_indices(const Tensor& indices) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(indices.size()));
  visit_index(indices.dtype(), "indexing",
              [&]<class T>(std::type_identity<T>) { std::copy_n(indices.data<T>(), values.size(), values.begin()); });
  return values;
}

/// fn(element of the tensor that has the indices' shape, its partner in a tensor of n entries along the axis)
template <class F>
void for_each_along_axis(const std::vector<std::int64_t>& places, const AxisSplit& indexed, std::int64_t n, F&& fn) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto element = static_cast<std::int64_t>(i);
    const std::int64_t o = element / (indexed.n * indexed.inner), k = element % indexed.inner;
    fn(element, (o * n + places[i]) * indexed.inner + k);
  }
}

}  // namespace

void ReferenceKernels::gather(const Tensor& x, const Tensor& indices, int axis, Tensor& out) {
  const AxisSplit split(x.shape(), axis);
  const std::vector<std::int64_t> rows = read_indices(indices);
  const std::size_t bytes = static_cast<std::size_t>(split.inner) * size_of(x.dtype());
  const char* from = static_cast<const char*>(x.raw_data());
  char* to = static_cast<char*>(out.raw_data());
  if (bytes == 0) return;
  for (std::int64_t o = 0; o < split.outer; ++o) {
    for (const std::int64_t row : rows) {
      std::memcpy(to, from + static_cast<std::size_t>(o * split.n + row) * bytes, bytes);
      to += bytes;
    }
  }
}

void ReferenceKernels::scatter_add(const Tensor& indices, int axis, const Tensor& values, Tensor& out) {
  Widened widened(*this);
  const Tensor wide = widened.in(values);
  Tensor& sums = widened.in_out(out);
  const AxisSplit split(out.shape(), axis);
  const std::vector<std::int64_t> rows = read_indices(indices);
  visit_arithmetic(wide.dtype(), "scatter_add", [&]<class T>(std::type_identity<T>) {
    const T* from = wide.data<T>();
    for (std::int64_t o = 0; o < split.outer; ++o) {
      for (const std::int64_t row : rows) {
        T* to = sums.data<T>() + (o * split.n + row) * split.inner;
        for (std::int64_t k = 0; k < split.inner; ++k) to[k] = scalar::add(to[k], from[k]);
        from += split.inner;
      }
    }
  });
  widened.finish();
}

void ReferenceKernels::take_along_axis(const Tensor& x, const Tensor& indices, int axis, Tensor& out) {
  const AxisSplit indexed(indices.shape(), axis);
  visit_bytes(x.dtype(), "take_along_axis", [&]<class T>(std::type_identity<T>) {
    const T* from = static_cast<const T*>(x.raw_data());
    T* to = static_cast<T*>(out.raw_data());
    for_each_along_axis(read_indices(indices), indexed, AxisSplit(x.shape(), axis).n,
                        [&](std::int64_t element, std::int64_t partner) { to[element] = from[partner]; });
  });
}

void ReferenceKernels::put_along_axis_add(const Tensor& indices, int axis, const Tensor& values, Tensor& out) {
  Widened widened(*this);
  const Tensor wide = widened.in(values);
  Tensor& sums = widened.in_out(out);
  const AxisSplit indexed(indices.shape(), axis);
  visit_arithmetic(wide.dtype(), "put_along_axis_add", [&]<class T>(std::type_identity<T>) {
    const T* from = wide.data<T>();
    T* to = sums.data<T>();
    for_each_along_axis(
        read_indices(indices), indexed, AxisSplit(out.shape(), axis).n,
        [&](std::int64_t element, std::int64_t partner) { to[partner] = scalar::add(to[partner], from[element]); });
  });
  widened.finish();
}

void ReferenceKernels::scatter_nd(const Tensor& indices, const Tensor& values, bool add, Tensor& out) {
  Widened widened(*this);
  const Tensor wide = widened.in(values);
  Tensor& result = widened.in_out(out);
  const auto depth = static_cast<std::size_t>(indices.shape()[1]);
  const std::vector<std::int64_t> places = read_indices(indices);
  std::int64_t slice = 1;
  for (std::size_t axis = depth; axis < out.shape().size(); ++axis) slice *= out.shape()[axis];
  visit_arithmetic(wide.dtype(), "scatter_nd", [&]<class T>(std::type_identity<T>) {
    const T* from = wide.data<T>();
    for (std::int64_t row = 0; row < indices.shape()[0]; ++row) {
      std::int64_t place = 0;
      for (std::size_t d = 0; d < depth; ++d) {
        place = place * out.shape()[d] + places[static_cast<std::size_t>(row) * depth + d];
      }
      T* to = result.data<T>() + place * slice;
      for (std::int64_t k = 0; k < slice; ++k) to[k] = add ? scalar::add(to[k], from[k]) : from[k];
      from += slice;
    }
  });
  widened.finish();
}

void ReferenceKernels::segment_max(const Tensor& values, const Tensor& segment_ids, Tensor& out) {
  Widened widened(*this);
  const Tensor wide = widened.in(values);
  Tensor& result = widened.in_out(out);
  const std::vector<std::int64_t> segments = read_indices(segment_ids);
  if (segments.empty()) return;
  const std::int64_t slice = values.size() / static_cast<std::int64_t>(segments.size());
  visit_arithmetic(wide.dtype(), "segment_max", [&]<class T>(std::type_identity<T>) {
    const T* from = wide.data<T>();
    for (const std::int64_t segment : segments) {
      T* to = result.data<T>() + segment * slice;
      for (std::int64_t k = 0; k < slice; ++k) to[k] = scalar::maximum(to[k], from[k]);
      from += slice;
    }
  });
  widened.finish();
}

void ReferenceKernels::one_hot(const Tensor& x, std::int64_t outer, std::int64_t classes, std::int64_t inner,
                               Tensor& out) {
  Widened widened(*this);
  Tensor& result = widened.out(out);
  const std::vector<std::int64_t> hot = read_indices(x);
  fill(result, 0);
  visit_arithmetic(result.dtype(), "one_hot", [&]<class T>(std::type_identity<T>) {
    T* to = result.data<T>();
    for (std::int64_t i = 0; i < outer * inner; ++i) {
      const std::int64_t number = hot[static_cast<std::size_t>(i)];
      if (number >= 0 && number < classes) to[(i / inner * classes + number) * inner + i % inner] = T(1);
    }
  });
  widened.finish();
}

}  // namespace nyala::backend
