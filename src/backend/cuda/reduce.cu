#include <limits>
#include <vector>

#include "backend/common/axis_split.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/dispatch.hpp"
#include "backend/cuda/order_key.hpp"
#include "backend/cuda/places.hpp"
#include "device/reduce.hpp"
#include "device/scan.hpp"

namespace nyala::backend::cuda {
namespace {

/// Sums of floating numbers are kept in double, those of integers in 64 bits, as on the CPU.
template <class A>
struct LoadElement {
  Elements x;
  Places<1> rows, terms;
  Reduce op;
  constexpr A operator()(std::int64_t row, std::int64_t i) const {
    const std::int64_t place = rows(row).of[0] + terms(i).of[0];
    if (op == Reduce::any || op == Reduce::all) return A(x.get<bool>(place));
    const A value = x.get<A>(place);
    if (op == Reduce::sum_of_squares) return scalar::multiply(value, value);
    if (op == Reduce::sum_of_abs) return value < A(0) ? scalar::subtract(A(0), value) : value;
    return value;
  }
};

template <class A>
struct Combine {
  Reduce op;
  constexpr A operator()(A a, A b) const {
    switch (op) {
      case Reduce::prod: return scalar::multiply(a, b);
      case Reduce::max:
      case Reduce::any: return scalar::maximum(a, b);
      case Reduce::min:
      case Reduce::all: return scalar::minimum(a, b);
      default: return scalar::add(a, b);
    }
  }
};

template <class A>
struct StoreResult {
  Results out;
  Reduce op;
  double count;
  constexpr void operator()(std::int64_t row, A value) const {
    if (op == Reduce::mean)
      out.set(row, static_cast<double>(value) / count);
    else
      out.set(row, value);
  }
};

template <class A>
A identity(Reduce op) {
  using Limits = std::numeric_limits<A>;
  switch (op) {
    case Reduce::prod:
    case Reduce::all: return A(1);
    case Reduce::max: return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    case Reduce::min: return Limits::has_infinity ? Limits::infinity() : Limits::max();
    default: return A(0);
  }
}

/// Kept axes are rows, reduced ones their elements, each with x's strides.
struct ReduceAxes {
  ReduceAxes(const Shape& shape, std::span<const int> axes) {
    std::int64_t stride = 1;
    std::vector<std::int64_t> strides(shape.size());
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      strides[axis] = stride;
      stride *= shape[axis];
    }
    std::size_t next = 0;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const bool reduced = next < axes.size() && static_cast<std::size_t>(axes[next]) == axis;
      if (reduced) ++next;
      (reduced ? terms : rows).push_back(shape[axis]);
      (reduced ? term_strides : row_strides).push_back(strides[axis]);
      if (shape[axis] > 1) within = reduced;
    }
  }
  Shape rows, terms;
  std::vector<std::int64_t> row_strides, term_strides;
  bool within = true;  // whether the innermost axis is reduced
};

/// Whose key is highest, see OrderKey; index -1: none yet.
struct Candidate {
  std::uint64_t key;
  std::int32_t index;
};

struct LoadCandidate {
  OrderKey key;
  std::int64_t n, inner;
  constexpr Candidate operator()(std::int64_t lane, std::int64_t i) const {
    return {key((lane / inner * n + i) * inner + lane % inner), static_cast<std::int32_t>(i)};
  }
};

/// The first of equals.
struct BetterCandidate {
  constexpr Candidate operator()(const Candidate& a, const Candidate& b) const {
    if (a.index < 0 || b.index < 0) return a.index < 0 ? b : a;
    if (a.key == b.key) return a.index < b.index ? a : b;
    return a.key > b.key ? a : b;
  }
};

struct StoreIndex {
  std::int32_t* out;
  constexpr void operator()(std::int64_t lane, const Candidate& best) const { out[lane] = best.index; }
};

/// Lanes of an axis for scans, walked from the end with `reverse`.
struct Lanes {
  std::int64_t n, inner;
  bool reverse;
  constexpr std::int64_t place(std::int64_t lane, std::int64_t i) const {
    return (lane / inner * n + (reverse ? n - 1 - i : i)) * inner + lane % inner;
  }
};

template <class A>
struct LoadLane {
  Elements x;
  Lanes lanes;
  constexpr A operator()(std::int64_t lane, std::int64_t i) const { return x.get<A>(lanes.place(lane, i)); }
};

template <class A>
struct CombineScan {
  Scan op;
  constexpr A operator()(A a, A b) const { return op == Scan::sum ? scalar::add(a, b) : scalar::multiply(a, b); }
};

template <class A>
struct StoreLane {
  Results out;
  Lanes lanes;
  constexpr void operator()(std::int64_t lane, std::int64_t i, A value) const { out.set(lanes.place(lane, i), value); }
};

}  // namespace

void CudaKernels::reduce(Reduce op, const Tensor& x, std::span<const int> axes, Tensor& out) {
  if (out.size() == 0) return;
  const ReduceAxes split(x.shape(), axes);
  const std::int64_t rows = split.rows.elements(), n = split.terms.elements();
  const auto run = [&]<class A>(std::type_identity<A>) {
    cuda::reduce(context_, rows, n, split.within ? Neighbours::within_row : Neighbours::across_rows, identity<A>(op),
                 LoadElement<A>{elements_of(x), places_of(split.rows, split.row_strides),
                                places_of(split.terms, split.term_strides), op},
                 Combine<A>{op}, StoreResult<A>{results_of(out), op, static_cast<double>(n)});
  };
  if (op == Reduce::any || op == Reduce::all)
    run(std::type_identity<std::int64_t>());
  else if (is_floating(x.dtype()) || op == Reduce::mean)
    run(std::type_identity<double>());
  else if (x.dtype() == DType::uint64)
    run(std::type_identity<std::uint64_t>());
  else
    run(std::type_identity<std::int64_t>());
}

void CudaKernels::arg_reduce(bool maximum, const Tensor& x, int axis, Tensor& out_int32) {
  const AxisSplit split(x.shape(), axis);
  // NaNs are last in either order: the first of them beats every number.
  cuda::reduce(context_, split.outer * split.inner, split.n,
               split.inner == 1 ? Neighbours::within_row : Neighbours::across_rows, Candidate{0, -1},
               LoadCandidate{{elements_of(x), !maximum}, split.n, split.inner}, BetterCandidate{},
               StoreIndex{elements<std::int32_t>(out_int32)});
}

void CudaKernels::scan(Scan op, const Tensor& x, int axis, bool reverse, Tensor& out) {
  if (x.dtype() == DType::boolean) refuse_dtype("scan", x.dtype());
  const AxisSplit split(x.shape(), axis);
  const Lanes lanes{split.n, split.inner, reverse};
  const auto run = [&]<class A>(std::type_identity<A>) {
    cuda::scan(context_, split.outer * split.inner, split.n, op == Scan::sum ? A(0) : A(1),
               LoadLane<A>{elements_of(x), lanes}, CombineScan<A>{op}, StoreLane<A>{results_of(out), lanes});
  };
  // Integers wrap around in 64 bits to the same lower bits as in fewer.
  if (is_floating(x.dtype()))
    run(std::type_identity<double>());
  else
    run(std::type_identity<std::uint64_t>());
}

}  // namespace nyala::backend::cuda
