#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "backend/common/scalar_math.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/dispatch.hpp"
#include "backend/cuda/places.hpp"
#include "backend/cuda/sorted_sum.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"

namespace nyala::backend::cuda {
namespace {

template <class T>
struct Fill {
  T* out;
  T value;
  constexpr void operator()(std::int64_t i) const { out[i] = value; }
};

struct Arange {
  Results out;
  double start, step;
  constexpr void operator()(std::int64_t i) const { out.set(i, start + static_cast<double>(i) * step); }
};

template <class A>
struct Cast {
  Numbers<A> in;
  Results out;
  constexpr void operator()(std::int64_t i) const { out.set(i, in.get(i)); }
};

template <class T>
struct StridedRead {
  const T* in;
  T* out;
  Places<1> places;
  constexpr void operator()(std::int64_t i) const { out[i] = in[places(i).of[0]]; }
};

template <class T>
struct StridedWrite {
  const T* in;
  T* out;
  Places<1> places;
  constexpr void operator()(std::int64_t i) const { out[places(i).of[0]] = in[i]; }
};

template <class A>
struct StridedAdd {
  Numbers<A> in, out;
  std::int64_t offset;
  Places<1> places;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t place = offset + places(i).of[0];
    out.set(place, scalar::add(out.get(place), in.get(i)));
  }
};

/// Element i of the terms that fall on row r's place.
template <class A>
struct LoadTerm {
  Numbers<A> in;
  Places<1> rows, terms;
  constexpr A operator()(std::int64_t row, std::int64_t i) const { return in.get(rows(row).of[0] + terms(i).of[0]); }
};
template <class A>
struct Add {
  constexpr A operator()(A a, A b) const { return scalar::add(a, b); }
};
template <class A>
struct AddToPlace {
  Numbers<A> out;
  std::int64_t offset;
  Places<1> places;
  constexpr void operator()(std::int64_t row, A sum) const {
    const std::int64_t place = offset + places(row).of[0];
    out.set(place, scalar::add(out.get(place), sum));
  }
};

struct PlaceKey {
  Places<1> places;
  std::int64_t lowest;
  constexpr std::uint64_t operator()(std::int64_t i) const {
    return static_cast<std::uint64_t>(places(i).of[0] - lowest);
  }
};

/// Whether no two elements fall on one place, as far as strides show it: each passes over what the smaller ones reach.
bool apart(const Shape& shape, std::span<const std::int64_t> strides) {
  std::vector<std::size_t> axes;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] > 1) axes.push_back(axis);
  }
  std::sort(axes.begin(), axes.end(),
            [&](std::size_t a, std::size_t b) { return std::llabs(strides[a]) < std::llabs(strides[b]); });
  std::int64_t reach = 0;
  for (const std::size_t axis : axes) {
    if (std::llabs(strides[axis]) <= reach) return false;
    reach += std::llabs(strides[axis]) * (shape[axis] - 1);
  }
  return true;
}

std::vector<std::int64_t> row_major(const Shape& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/// Axes of stride 0 apart from the others: their elements are terms of one sum.
struct Repeated {
  Repeated(const Shape& shape, std::span<const std::int64_t> strides) {
    const std::vector<std::int64_t> own = row_major(shape);
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const bool repeats = strides[axis] == 0 && shape[axis] > 1;
      (repeats ? terms : rows).push_back(shape[axis]);
      (repeats ? term_strides : row_strides).push_back(own[axis]);
      if (!repeats) out_strides.push_back(strides[axis]);
    }
  }
  Shape rows, terms;
  std::vector<std::int64_t> row_strides, term_strides, out_strides;
};

}  // namespace

void CudaKernels::fill(Tensor& out, double value) {
  visit_bytes(out.dtype(), "fill", [&]<class T>(std::type_identity<T>) {
    launch(context_.stream(), out.size(), Fill<T>{elements<T>(out), bits_of<T>(out.dtype(), value)});
  });
}

void CudaKernels::fill_integer(Tensor& out, std::int64_t value) {
  visit_bytes(out.dtype(), "fill", [&]<class T>(std::type_identity<T>) {
    launch(context_.stream(), out.size(), Fill<T>{elements<T>(out), bits_of<T>(out.dtype(), value)});
  });
}

void CudaKernels::arange(Tensor& out, double start, double step) {
  launch(context_.stream(), out.size(), Arange{results_of(out), start, step});
}

void CudaKernels::copy(const Tensor& in, Tensor& out) {
  const bool from_host = in.device().kind() == Device::Kind::cpu, to_host = out.device().kind() == Device::Kind::cpu;
  if (from_host)
    context_.upload(out.raw_data(), in.raw_data(), in.bytes());
  else if (to_host)
    context_.download(out.raw_data(), in.raw_data(), in.bytes());
  else if (in.raw_data() != out.raw_data())
    context_.copy(out.raw_data(), in.raw_data(), in.bytes());
}

void CudaKernels::cast(const Tensor& in, Tensor& out) {
  if (in.dtype() == out.dtype()) return copy(in, out);
  visit_wide(in.dtype(), "cast", [&]<class A>(std::type_identity<A>) {
    launch(context_.stream(), out.size(), Cast<A>{Numbers<A>(in), results_of(out)});
  });
}

void CudaKernels::strided_read(const Tensor& in, std::int64_t offset, std::span<const std::int64_t> strides,
                               Tensor& out) {
  if (out.size() == 0) return;
  visit_bytes(in.dtype(), "strided_read", [&]<class T>(std::type_identity<T>) {
    launch(context_.stream(), out.size(),
           StridedRead<T>{elements<T>(in) + offset, elements<T>(out), places_of(out.shape(), strides)});
  });
}

void CudaKernels::strided_write(const Tensor& in, Tensor& out, std::int64_t offset,
                                std::span<const std::int64_t> strides, bool add) {
  if (in.size() == 0) return;
  const cudaStream_t stream = context_.stream();
  if (!add) {
    return visit_bytes(in.dtype(), "strided_write", [&]<class T>(std::type_identity<T>) {
      launch(stream, in.size(),
             StridedWrite<T>{elements<T>(in), elements<T>(out) + offset, places_of(in.shape(), strides)});
    });
  }
  const Repeated repeated(in.shape(), strides);
  const bool simple = apart(repeated.rows, repeated.out_strides);
  if (!simple) {
    std::int64_t lowest = 0, highest = 0;
    for (std::size_t axis = 0; axis < strides.size(); ++axis) {
      const std::int64_t reach = strides[axis] * (in.shape()[axis] - 1);
      (reach < 0 ? lowest : highest) += reach;
    }
    const PlaceKey key{places_of(in.shape(), strides), lowest};
    return join_sorted(context_, Join::sum, SortedKeys(context_, in.size(), highest - lowest + 1, key), {}, in, out,
                       offset + lowest);
  }
  visit_wide(in.dtype(), "strided_write", [&]<class A>(std::type_identity<A>) {
    const Numbers<A> from(in), to(out);
    if (repeated.terms.size() == 0)
      return launch(stream, in.size(), StridedAdd<A>{from, to, offset, places_of(in.shape(), strides)});
    const bool within = in.shape().back() > 1 && strides.back() == 0;
    cuda::reduce(context_, repeated.rows.elements(), repeated.terms.elements(),
                 within ? Neighbours::within_row : Neighbours::across_rows, A(0),
                 LoadTerm<A>{from, places_of(repeated.rows, repeated.row_strides),
                             places_of(repeated.terms, repeated.term_strides)},
                 Add<A>(), AddToPlace<A>{to, offset, places_of(repeated.rows, repeated.out_strides)});
  });
}

}  // namespace nyala::backend::cuda
