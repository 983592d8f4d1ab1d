#include <limits>

#include <xtensor/xreducer.hpp>

#include "backend/common/dispatch.hpp"
#include "backend/common/scalar_math.hpp"
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
  if (axes.empty() || x.size() == 0) {
    auto first = xt::xarray<T>::from_shape(std::vector<std::size_t>(out.shape().begin(), out.shape().end()));
    first.fill(folding.first);
    if (x.size() == 0)
      xt::noalias(raw_elements<T>(out)) = first;
    else
      map_elements(folding.next, out, first, x.xt<T>());
  } else {
    const std::vector<std::size_t> along(axes.begin(), axes.end());
    const auto functor = xt::make_xreducer_functor(folding.next, xt::const_value<T>(folding.first));
    const xt::xarray<T> result = xt::reduce(functor, x.xt<T>(), along, xt::evaluation_strategy::immediate);
    std::copy(result.begin(), result.end(), out.data<T>());
  }
  if constexpr (std::floating_point<T>) {
    std::int64_t count = 1;
    for (const int axis : axes) count *= x.shape()[static_cast<std::size_t>(axis)];
    if (op == Reduce::mean) raw_elements<T>(out) /= static_cast<T>(count);
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
