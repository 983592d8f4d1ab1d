#include <algorithm>
#include <array>
#include <limits>

#include "backend/common/dispatch.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/common/strided.hpp"
#include "backend/cpu/reference/map.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

/// How a reduction begins and goes on.
template <class T>
struct Fold {
  T first;
  T (*next)(T, T);
};

template <class T>
Fold<T> fold(Reduce op) {
  using Limits = std::numeric_limits<T>;
  constexpr T lowest = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  constexpr T highest = Limits::has_infinity ? Limits::infinity() : Limits::max();
  switch (op) {
    case Reduce::sum:
    case Reduce::mean: return {T(0), &scalar::add<T>};
    case Reduce::prod: return {T(1), &scalar::multiply<T>};
    case Reduce::max: return {lowest, &scalar::maximum<T>};
    case Reduce::min: return {highest, &scalar::minimum<T>};
    case Reduce::any: return {T(0), [](T sum, T x) { return T(sum != T(0) || x != T(0)); }};
    case Reduce::all: return {T(1), [](T sum, T x) { return T(sum != T(0) && x != T(0)); }};
    case Reduce::sum_of_squares: return {T(0), [](T sum, T x) { return scalar::add(sum, scalar::multiply(x, x)); }};
    case Reduce::sum_of_abs:
      return {T(0), [](T sum, T x) { return scalar::add(sum, x < T(0) ? scalar::subtract(T(0), x) : x); }};
  }
  return {};
}

/// What sums are kept in: float32 loses too many digits over long axes.
DType accumulator(Reduce op, DType dtype) {
  if (is_floating(dtype) || op == Reduce::mean) return DType::float64;
  if (op == Reduce::any || op == Reduce::all) return DType::int64;
  if (dtype == DType::uint64) return DType::uint64;
  return DType::int64;
}

template <class T>
void reduce_as(Reduce op, const Tensor& x, std::span<const int> axes, Tensor& out) {
  const Fold<T> folding = fold<T>(op);
  raw_elements<T>(out).fill(folding.first);
  // A walk over x beside out, where the reduced axes have stride 0.
  std::array<std::int64_t, Shape::max_rank> strides{};
  std::int64_t stride = 1;
  for (int axis = x.rank() - 1; axis >= 0; --axis) {
    if (std::find(axes.begin(), axes.end(), axis) != axes.end()) continue;
    strides[static_cast<std::size_t>(axis)] = stride;
    stride *= x.shape()[static_cast<std::size_t>(axis)];
  }
  const T* from = x.data<T>();
  T* to = out.data<T>();
  for_each_run(x.shape(), std::span(strides).first(x.shape().size()),
               [&](std::int64_t first, std::int64_t start, std::int64_t count, std::int64_t step) {
                 for (std::int64_t i = 0; i < count; ++i) {
                   T& place = to[start + i * step];
                   place = folding.next(place, from[first + i]);
                 }
               });
  if constexpr (std::floating_point<T>) {
    if (op == Reduce::mean) raw_elements<T>(out) /= static_cast<T>(x.size()) / static_cast<T>(out.size());
  }
}

}  // namespace

void ReferenceKernels::reduce(Reduce op, const Tensor& x, std::span<const int> axes, Tensor& out) {
  const DType dtype = accumulator(op, x.dtype());
  Tensor wide = x, result = out;
  if (x.dtype() != dtype) {
    wide = Tensor::empty(x.shape(), dtype, x.device());
    if (op == Reduce::any || op == Reduce::all) {
      Tensor truth = Tensor::empty(x.shape(), DType::boolean, x.device());
      cast(x, truth);
      cast(truth, wide);
    } else {
      cast(x, wide);
    }
  }
  if (out.dtype() != dtype) result = Tensor::empty(out.shape(), dtype, out.device());
  switch (dtype) {
    case DType::float64: reduce_as<double>(op, wide, axes, result); break;
    case DType::uint64: reduce_as<std::uint64_t>(op, wide, axes, result); break;
    default: reduce_as<std::int64_t>(op, wide, axes, result); break;
  }
  if (!result.is(out)) cast(result, out);
}

}  // namespace nyala::backend
