#include <cmath>
#include <limits>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/linalg.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/reduce.hpp"

namespace nyala {

namespace {

using autograd::Backward;
using backend::Reduce;
using ops::Reduction;

/// In which statistics of x are formed: half precision would lose the squares.
DType statistics_dtype(DType dtype) {
  if (dtype == DType::float16 || dtype == DType::bfloat16) return DType::float32;
  return ops::floating(dtype);
}

/// numerator / denominator where the denominator is not zero, else 0: derivatives at the tip of a norm.
Tensor safe_ratio(const Tensor& numerator, const Tensor& denominator) {
  return numerator / where(equal(denominator, 0.0), 1.0, denominator);
}

/// Population variance of floating x, keeping axes as r says.
Tensor variance(const Tensor& x, const Reduction& r) {
  const Tensor from = stop_gradient(x);
  const Tensor centred = from - mean(from, r.axes, true);
  Tensor y = run_reduce(Reduce::sum_of_squares, centred, r, x.dtype()) / static_cast<double>(r.count);
  if (autograd::recording(x)) {
    autograd::attach(y, "var", {x}, [x, r](Backward& g) {
      const Tensor slope = reshape(g.grad(), r.kept) * (2.0 / static_cast<double>(r.count));
      g.set(0, (x - mean(x, r.axes, true)) * slope);
    });
  }
  return y;
}

Tensor euclidean(const Tensor& x, const Reduction& r) {
  Tensor y = sqrt(run_reduce(Reduce::sum_of_squares, x, r, x.dtype()));
  if (autograd::recording(x)) {
    autograd::attach(y, "norm", {x}, [x, r, saved = autograd::save_output(y)](Backward& g) {
      g.set(0, x * reshape(safe_ratio(g.grad(), g.restore(saved)), r.kept));
    });
  }
  return y;
}

Tensor absolute_sum(const Tensor& x, const Reduction& r) {
  Tensor y = run_reduce(Reduce::sum_of_abs, x, r, x.dtype());
  if (autograd::recording(x)) {
    autograd::attach(y, "norm", {x}, [x, r](Backward& g) { g.set(0, sign(x) * reshape(g.grad(), r.kept)); });
  }
  return y;
}

Tensor vector_norm(const Tensor& x, double order, int axis, bool keepdims) {
  const Reduction r(x, axis, keepdims, "norm");
  if (order == 2.0) return euclidean(x, r);
  if (order == 1.0) return absolute_sum(x, r);
  if (std::isinf(order)) return order > 0 ? max(abs(x), axis, keepdims) : min(abs(x), axis, keepdims);
  if (order == 0.0) return sum(cast(not_equal(x, 0.0), x.dtype()), axis, keepdims);
  if (std::isnan(order)) ops::fail("norm: the order must be a number, got NaN");
  const Tensor total = sum(power(abs(x), order), axis, keepdims);
  const Tensor nothing = equal(total, 0.0);
  return where(nothing, 0.0, power(where(nothing, 1.0, total), 1.0 / order));
}

Tensor matrix_norm(const Tensor& x, double order, const std::vector<int>& axes, bool keepdims) {
  const int rows = axes[0], columns = axes[1];
  const double size = std::fabs(order);
  const bool largest = order > 0;
  if (size == 2.0) {
    const Tensor s = svd(moveaxis(moveaxis(x, columns, -1), rows, -2)).s;
    const Tensor y = largest ? max(s, -1) : min(s, -1);
    return keepdims ? reshape(y, ops::keepdims_shape(x.shape(), axes)) : y;
  }
  if (size != 1.0 && !std::isinf(size)) {
    ops::fail("norm: the order of a matrix norm must be 1, 2, infinity or their negatives, got ", order);
  }
  const Tensor sums = sum(abs(x), size == 1.0 ? rows : columns, true);
  const Tensor y = largest ? max(sums, axes, true) : min(sums, axes, true);
  return keepdims ? y : squeeze(y, axes);
}

}  // namespace

Tensor var(const Tensor& x, const Axes& axis, bool keepdims) {
  ops::require_numbers(x, "var");
  const Tensor wide = cast(x, statistics_dtype(x.dtype()));
  return cast(variance(wide, Reduction(wide, axis, keepdims, "var")), ops::floating(x.dtype()));
}

Tensor std(const Tensor& x, const Axes& axis, bool keepdims) {
  ops::require_numbers(x, "std");
  const Tensor wide = cast(x, statistics_dtype(x.dtype()));
  const Reduction r(wide, axis, keepdims, "std");
  Tensor y = sqrt(variance(stop_gradient(wide), r));
  if (autograd::recording(wide)) {
    autograd::attach(y, "std", {wide}, [wide, r, saved = autograd::save_output(y)](Backward& g) {
      const Tensor slope = safe_ratio(g.grad(), g.restore(saved) * static_cast<double>(r.count));
      g.set(0, (wide - mean(wide, r.axes, true)) * reshape(slope, r.kept));
    });
  }
  return cast(y, ops::floating(x.dtype()));
}

Moments moments(const Tensor& x, const Axes& axis, bool keepdims) {
  ops::require_numbers(x, "moments");
  const Tensor wide = cast(x, statistics_dtype(x.dtype()));
  const DType dtype = ops::floating(x.dtype());
  const Reduction r(wide, axis, keepdims, "moments");
  return {cast(mean(wide, r.axes, keepdims), dtype), cast(variance(wide, r), dtype)};
}

Tensor norm(const Tensor& x, std::optional<double> ord, const Axes& axis, bool keepdims) {
  ops::require_numbers(x, "norm");
  if (!is_floating(x.dtype())) return norm(cast(x, floatx()), ord, axis, keepdims);
  const Reduction r(x, axis, keepdims, "norm");
  if (!ord) return euclidean(x, r);
  if (r.axes.size() == 1) return vector_norm(x, *ord, r.axes[0], keepdims);
  if (r.axes.size() == 2) return matrix_norm(x, *ord, r.axes, keepdims);
  ops::fail("norm: an order needs one axis (a vector) or two (a matrix), got ", r.axes.size(), " axes of shape ",
            x.shape());
}

Tensor logsumexp(const Tensor& x, const Axes& axis, bool keepdims) {
  ops::require_numbers(x, "logsumexp");
  if (!is_floating(x.dtype())) return logsumexp(cast(x, floatx()), axis, keepdims);
  const Reduction r(x, axis, keepdims, "logsumexp");
  if (r.count == 0) return ops::filled(r.out, x.dtype(), x.device(), -std::numeric_limits<double>::infinity());
  const Tensor from = stop_gradient(x);
  const Tensor peak = max(from, r.axes, true);
  // Of nothing but -infinities, or beside an infinity, the difference below would be NaN.
  const Tensor shift = where(isfinite(peak), peak, 0.0);
  Tensor y = log(sum(exp(from - shift), r.axes, true)) + shift;
  if (y.shape() != r.out) y = detail::alias(y, r.out);
  if (autograd::recording(x)) {
    autograd::attach(y, "logsumexp", {x}, [x, r, saved = autograd::save_output(y)](Backward& g) {
      const Tensor total = reshape(g.restore(saved), r.kept);
      g.set(0, exp(x - where(isfinite(total), total, 0.0)) * reshape(g.grad(), r.kept));
    });
  }
  return y;
}

}  // namespace nyala
