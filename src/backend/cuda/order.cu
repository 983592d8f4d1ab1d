#include <bit>

#include "backend/common/axis_split.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/dispatch.hpp"
#include "device/launch.hpp"
#include "device/sort.hpp"

namespace nyala::backend::cuda {
namespace {

/// Unsigned integers in the order of the numbers: NaNs last either way, both zeros alike.
template <class Key>
struct OrderOf {
  bool descending;

  constexpr Key of_floating(bool nan, Key bits) const {
    constexpr Key sign = Key(1) << (8 * sizeof(Key) - 1);
    if (nan) return ~Key(0);
    if (bits == sign) bits = 0;
    const Key ascending = (bits & sign) != 0 ? static_cast<Key>(~bits) : bits | sign;
    return descending ? static_cast<Key>(~ascending) : ascending;
  }
  constexpr Key of_signed(Key bits) const {
    constexpr Key sign = Key(1) << (8 * sizeof(Key) - 1);
    return descending ? static_cast<Key>(~(bits ^ sign)) : bits ^ sign;
  }
  constexpr Key of_unsigned(Key bits) const { return descending ? static_cast<Key>(~bits) : bits; }
};

/// Up to 32 bits; 16-bit floats as float.
struct NarrowKey {
  Elements x;
  OrderOf<std::uint32_t> order;
  constexpr std::uint32_t operator()(std::int64_t place) const {
    switch (x.dtype) {
      case DType::float16:
      case DType::bfloat16:
      case DType::float32: {
        const float value = x.get<float>(place);
        return order.of_floating(value != value, std::bit_cast<std::uint32_t>(value));
      }
      case DType::int8:
      case DType::int16:
      case DType::int32: return order.of_signed(static_cast<std::uint32_t>(x.get<std::int32_t>(place)));
      default: return order.of_unsigned(x.get<std::uint32_t>(place));
    }
  }
};

struct WideKey {
  Elements x;
  OrderOf<std::uint64_t> order;
  constexpr std::uint64_t operator()(std::int64_t place) const {
    if (x.dtype == DType::float64) {
      const auto value = x.get<double>(place);
      return order.of_floating(value != value, std::bit_cast<std::uint64_t>(value));
    }
    if (x.dtype == DType::int64) return order.of_signed(static_cast<std::uint64_t>(x.get<std::int64_t>(place)));
    return order.of_unsigned(x.get<std::uint64_t>(place));
  }
};

/// Lanes side by side, as sort_rows wants them.
template <class Key, class MakeKey>
struct MakeRows {
  MakeKey key;
  std::int64_t n, inner;
  Key* keys;
  std::int32_t* positions;
  constexpr void operator()(std::int64_t at) const {
    const std::int64_t lane = at / n, i = at % n;
    keys[at] = key((lane / inner * n + i) * inner + lane % inner);
    positions[at] = static_cast<std::int32_t>(i);
  }
};

struct TakeIndices {
  const std::int32_t* order;
  std::int64_t n, count, inner;
  std::int32_t* out;
  constexpr void operator()(std::int64_t at) const {
    const std::int64_t k = at % inner, rest = at / inner, i = rest % count, outer = rest / count;
    out[at] = order[(outer * inner + k) * n + i];
  }
};

template <class T>
struct TakeValues {
  const std::int32_t* order;
  const T* x;
  std::int64_t n, count, inner;
  T* out;
  constexpr void operator()(std::int64_t at) const {
    const std::int64_t k = at % inner, rest = at / inner, i = rest % count, outer = rest / count;
    out[at] = x[(outer * n + order[(outer * inner + k) * n + i]) * inner + k];
  }
};

template <class Key, class MakeKey>
Scratch sorted_positions(Context& context, const AxisSplit& split, const MakeKey& key) {
  const std::int64_t rows = split.outer * split.inner, all = rows * split.n;
  const Scratch keys = context.scratch_of<Key>(all), sorted = context.scratch_of<Key>(all);
  const Scratch positions = context.scratch_of<std::int32_t>(all);
  Scratch order = context.scratch_of<std::int32_t>(all);
  launch(context.stream(), all,
         MakeRows<Key, MakeKey>{key, split.n, split.inner, keys.template as<Key>(),
                                positions.template as<std::int32_t>()});
  sort_rows(context, rows, split.n, keys.template as<Key>(), sorted.template as<Key>(),
            positions.template as<std::int32_t>(), order.template as<std::int32_t>());
  return order;
}

}  // namespace

void CudaKernels::sort(const Tensor& x, int axis, bool descending, Tensor& values, Tensor& indices) {
  const AxisSplit split(x.shape(), axis);
  const Tensor& out = values.defined() ? values : indices;
  if (out.size() == 0) return;
  const std::int64_t count = out.shape()[static_cast<std::size_t>(axis)];
  const Elements from{x.raw_data(), x.dtype()};
  const Scratch order = size_of(x.dtype()) == 8
                            ? sorted_positions<std::uint64_t>(context_, split, WideKey{from, {descending}})
                            : sorted_positions<std::uint32_t>(context_, split, NarrowKey{from, {descending}});
  const auto* positions = order.as<std::int32_t>();
  const cudaStream_t stream = context_.stream();
  if (indices.defined()) {
    launch(stream, out.size(), TakeIndices{positions, split.n, count, split.inner, elements<std::int32_t>(indices)});
  }
  if (!values.defined()) return;
  visit_bytes(x.dtype(), "sort", [&]<class T>(std::type_identity<T>) {
    launch(stream, out.size(),
           TakeValues<T>{positions, elements<T>(x), split.n, count, split.inner, elements<T>(values)});
  });
}

void CudaKernels::top_k(const Tensor& x, std::int64_t, Tensor& values, Tensor& indices) {
  sort(x, x.rank() - 1, true, values, indices);
}

}  // namespace nyala::backend::cuda
