#include "backend/common/axis_split.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/dispatch.hpp"
#include "backend/cuda/sorted_sum.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

template <class T>
struct Gather {
  const T* x;
  Indices indices;
  T* out;
  std::int64_t n, m, inner;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t k = i % inner, rest = i / inner, at = rest % m, outer = rest / m;
    out[i] = x[(outer * n + indices[at]) * inner + k];
  }
};

struct alignas(16) Piece16 {
  std::uint64_t a, b;
};

/// As many bytes at once as the rows' length and all addresses allow.
template <class F>
void visit_pieces(std::uint64_t alike, F&& fn) {
  if (alike % 16 == 0) return fn(std::type_identity<Piece16>());
  if (alike % 8 == 0) return fn(std::type_identity<std::uint64_t>());
  if (alike % 4 == 0) return fn(std::type_identity<std::uint32_t>());
  if (alike % 2 == 0) return fn(std::type_identity<std::uint16_t>());
  return fn(std::type_identity<std::uint8_t>());
}

struct RowKey {
  Indices indices;
  constexpr std::uint64_t operator()(std::int64_t i) const { return static_cast<std::uint64_t>(indices[i]); }
};

/// The partner of element i of a tensor shaped as the indices, in one with n entries along the axis.
struct Along {
  Indices indices;
  std::int64_t own, n, inner;
  constexpr std::int64_t partner(std::int64_t i) const {
    return (i / (own * inner) * n + indices[i]) * inner + i % inner;
  }
  constexpr std::uint64_t operator()(std::int64_t i) const { return static_cast<std::uint64_t>(partner(i)); }
};

template <class T>
struct TakeAlong {
  Along along;
  const T* x;
  T* out;
  constexpr void operator()(std::int64_t i) const { out[i] = x[along.partner(i)]; }
};

/// The flat row that `depth` indices mean.
struct NdKey {
  Indices indices;
  int depth;
  std::int64_t sizes[Shape::max_rank];
  constexpr std::uint64_t operator()(std::int64_t row) const {
    std::int64_t place = 0;
    for (int d = 0; d < depth; ++d) place = place * sizes[d] + indices[row * depth + d];
    return static_cast<std::uint64_t>(place);
  }
};

template <class T>
struct OneHot {
  Indices x;
  std::int64_t classes, inner;
  T one;
  T* out;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t k = i % inner, rest = i / inner, number = rest % classes, outer = rest / classes;
    out[i] = x[outer * inner + k] == number ? one : T(0);
  }
};

}  // namespace

void CudaKernels::gather(const Tensor& x, const Tensor& indices, int axis, Tensor& out) {
  if (out.size() == 0) return;
  const AxisSplit split(x.shape(), axis);
  const std::int64_t bytes = split.inner * static_cast<std::int64_t>(size_of(x.dtype()));
  const auto alike = static_cast<std::uint64_t>(bytes) | reinterpret_cast<std::uintptr_t>(x.raw_data()) |
                     reinterpret_cast<std::uintptr_t>(out.raw_data());
  visit_pieces(alike, [&]<class T>(std::type_identity<T>) {
    const std::int64_t inner = bytes / static_cast<std::int64_t>(sizeof(T));
    launch(context_.stream(), split.outer * indices.size() * inner,
           Gather<T>{elements<T>(x), Indices(indices, "indexing"), elements<T>(out), split.n, indices.size(), inner});
  });
}

void CudaKernels::scatter_add(const Tensor& indices, int axis, const Tensor& values, Tensor& out) {
  if (values.size() == 0) return;
  const AxisSplit split(out.shape(), axis);
  const SortedKeys sorted(context_, indices.size(), split.n, RowKey{Indices(indices, "indexing")});
  join_sorted(context_, Join::sum, sorted, {split.outer, split.inner, split.n}, values, out);
}

void CudaKernels::take_along_axis(const Tensor& x, const Tensor& indices, int axis, Tensor& out) {
  const AxisSplit indexed(indices.shape(), axis);
  const Along along{Indices(indices, "indexing"), indexed.n, AxisSplit(x.shape(), axis).n, indexed.inner};
  visit_bytes(x.dtype(), "take_along_axis", [&]<class T>(std::type_identity<T>) {
    launch(context_.stream(), out.size(), TakeAlong<T>{along, elements<T>(x), elements<T>(out)});
  });
}

void CudaKernels::put_along_axis_add(const Tensor& indices, int axis, const Tensor& values, Tensor& out) {
  if (values.size() == 0) return;
  const AxisSplit indexed(indices.shape(), axis);
  const Along along{Indices(indices, "indexing"), indexed.n, AxisSplit(out.shape(), axis).n, indexed.inner};
  const SortedKeys sorted(context_, values.size(), out.size(), along);
  join_sorted(context_, Join::sum, sorted, {}, values, out);
}

void CudaKernels::scatter_nd(const Tensor& indices, const Tensor& values, bool add, Tensor& out) {
  if (values.size() == 0) return;
  NdKey key{Indices(indices, "indexing"), static_cast<int>(indices.shape()[1]), {}};
  std::int64_t slice = 1, rows = 1;
  for (int axis = 0; axis < out.rank(); ++axis) {
    const std::int64_t size = out.shape()[static_cast<std::size_t>(axis)];
    if (axis < key.depth) key.sizes[axis] = size;
    (axis < key.depth ? rows : slice) *= size;
  }
  const SortedKeys sorted(context_, indices.shape()[0], rows, key);
  join_sorted(context_, add ? Join::sum : Join::last, sorted, {1, slice, rows}, values, out);
}

void CudaKernels::segment_max(const Tensor& values, const Tensor& segment_ids, Tensor& out) {
  if (values.size() == 0) return;
  const std::int64_t segments = out.shape()[0], slice = values.size() / segment_ids.size();
  const SortedKeys sorted(context_, segment_ids.size(), segments, RowKey{Indices(segment_ids, "indexing")});
  join_sorted(context_, Join::maximum, sorted, {1, slice, segments}, values, out);
}

void CudaKernels::one_hot(const Tensor& x, std::int64_t, std::int64_t classes, std::int64_t inner, Tensor& out) {
  visit_bytes(out.dtype(), "one_hot", [&]<class T>(std::type_identity<T>) {
    launch(context_.stream(), out.size(),
           OneHot<T>{Indices(x, "one_hot"), classes, inner, bits_of<T>(out.dtype(), 1.0), elements<T>(out)});
  });
}

}  // namespace nyala::backend::cuda
