#include <algorithm>
#include <cmath>
#include <cstdint>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "core/parallel.hpp"
#include "ops/common.hpp"

namespace nyala {

using autograd::Backward;

Tensor sort(const Tensor& x, int axis) {
  ops::require_numbers(x, "sort");
  if (x.dtype() == DType::boolean) return cast(sort(cast(x, DType::uint8), axis), DType::boolean);
  const int along = ops::normalized_axis(axis, x.rank(), "sort");
  const bool recorded = autograd::recording(x);
  Tensor values = ops::empty_like(x), indices;
  if (recorded) indices = Tensor::empty(x.shape(), DType::int32, x.device());
  if (x.size() > 0) backend::kernels(x).sort(x, along, false, values, indices);
  if (recorded) {
    autograd::attach(values, "sort", {x}, [indices, along](Backward& g) {
      g.set(0, ops::put_along_axis(indices, g.grad(), along, indices.shape().at(along)));
    });
  }
  return values;
}

Tensor argsort(const Tensor& x, int axis) {
  ops::require_numbers(x, "argsort");
  const Tensor numbers = x.dtype() == DType::boolean ? cast(x, DType::uint8) : x;
  const int along = ops::normalized_axis(axis, x.rank(), "argsort");
  Tensor values, indices = Tensor::empty(x.shape(), DType::int32, x.device());
  if (x.size() > 0) backend::kernels(numbers).sort(numbers, along, false, values, indices);
  return indices;
}

TopK top_k(const Tensor& x, std::int64_t k, bool) {
  ops::require_numbers(x, "top_k");
  if (x.rank() == 0) ops::fail("top_k: a scalar has no last axis");
  const std::int64_t size = x.shape().back();
  if (k < 1 || k > size) ops::fail("top_k: k must lie between 1 and the last axis of ", x.shape(), ", got ", k);
  Shape shape = x.shape();
  shape.back() = k;
  const Tensor numbers = x.dtype() == DType::boolean ? cast(x, DType::uint8) : x;
  Tensor values = Tensor::empty(shape, numbers.dtype(), x.device());
  Tensor indices = Tensor::empty(shape, DType::int32, x.device());
  if (values.size() > 0) backend::kernels(numbers).top_k(numbers, k, values, indices);
  if (autograd::recording(numbers)) {
    autograd::attach(values, "top_k", {numbers}, [indices, size](Backward& g) {
      g.set(0, ops::put_along_axis(indices, g.grad(), indices.rank() - 1, size));
    });
  }
  return {cast(values, x.dtype()), indices};
}

Tensor in_top_k(const Tensor& targets, const Tensor& predictions, std::int64_t k) {
  ops::require_numbers(targets, "in_top_k");
  ops::require_numbers(predictions, "in_top_k");
  const Shape& shape = predictions.shape();
  if (shape.empty() || targets.rank() != shape.rank() - 1 || is_floating(targets.dtype()) ||
      !std::equal(targets.shape().begin(), targets.shape().end(), shape.begin())) {
    ops::fail("in_top_k: takes integer targets (n,) for predictions (n, classes), got ", targets.dtype(), ' ',
              targets.shape(), " and ", shape);
  }
  if (k < 1) ops::fail("in_top_k: k must be at least 1, got ", k);
  const std::int64_t classes = shape.back();
  if (classes == 0 || targets.size() == 0) return ops::filled(targets.shape(), DType::boolean, targets.device(), 0.0);
  const Tensor from = stop_gradient(predictions), wanted = cast(targets, DType::int64);
  const Tensor known = logical_and(wanted >= 0, wanted < classes);
  const Tensor value = take_along_axis(from, expand_dims(where(known, wanted, 0), -1), -1);
  const Tensor reached = any(value >= top_k(from, std::min(k, classes)).values, -1);
  return logical_and(reached, known);
}

namespace {

/// Where in ascending `sorted` each value would be inserted; NaN stands behind every number.
template <class T>
std::vector<std::int32_t> insertion_points(const Tensor& sorted_sequence, const Tensor& values, bool left) {
  const auto sorted = sorted_sequence.to_vector<T>(), wanted = values.to_vector<T>();
  const auto before = [](T a, T b) {
    if constexpr (std::floating_point<T>)
      return a < b || (std::isnan(b) && !std::isnan(a));
    else
      return a < b;
  };
  std::vector<std::int32_t> result(wanted.size());
  detail::parallel_for(0, std::ssize(wanted), 4096, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const auto place = left ? std::lower_bound(sorted.begin(), sorted.end(), wanted[i], before)
                              : std::upper_bound(sorted.begin(), sorted.end(), wanted[i], before);
      result[i] = static_cast<std::int32_t>(place - sorted.begin());
    }
  });
  return result;
}

}  // namespace

Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values, const std::string& side) {
  ops::require_numbers(sorted_sequence, "searchsorted");
  ops::require_numbers(values, "searchsorted");
  if (sorted_sequence.rank() != 1) {
    ops::fail("searchsorted: the sorted sequence must be a vector, got shape ", sorted_sequence.shape());
  }
  if (side != "left" && side != "right")
    ops::fail("searchsorted: side must be \"left\" or \"right\", got \"", side, '"');
  const bool left = side == "left";
  const bool floats = is_floating(ops::promoted_dtype(sorted_sequence, values));
  const auto points = floats ? insertion_points<double>(sorted_sequence, values, left)
                             : insertion_points<std::int64_t>(sorted_sequence, values, left);
  return tensor(points, values.shape()).to(values.device());
}

}  // namespace nyala
