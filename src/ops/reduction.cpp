#include <nyala/ops/reduction.hpp>

#include <array>

#include <nyala/ops/math.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/reduce.hpp"

namespace nyala {

namespace ops {

Reduction::Reduction(const Tensor& x, const Axes& axis, bool keepdims, const char* op)
    : axes(axis.resolve(x.rank(), op)), kept(keepdims_shape(x.shape(), axes)) {
  for (const int reduced : axes) count *= x.shape()[static_cast<std::size_t>(reduced)];
  out = kept;
  if (keepdims) return;
  for (auto reduced = axes.rbegin(); reduced != axes.rend(); ++reduced) out.erase(static_cast<std::size_t>(*reduced));
}

Tensor run_reduce(backend::Reduce op, const Tensor& x, const Reduction& r, DType dtype) {
  Tensor y = Tensor::empty(r.out, dtype, x.device());
  if (!r.axes.empty()) {
    backend::kernels(x).reduce(op, x, r.axes, y);
  } else {
    // Over no axis each element is reduced by itself.
    const std::array<int, 1> last{1};
    backend::kernels(x).reduce(op, detail::alias(x, {x.size(), 1}), last, y);
  }
  return y;
}

Tensor spread(const Tensor& gradient, const Reduction& r, const Shape& shape) {
  return broadcast_to(gradient.shape() == r.kept ? gradient : reshape(gradient, r.kept), shape);
}

void require_elements(const Tensor& x, const Reduction& r, const char* op) {
  if (r.count == 0) fail(op, ": an empty axis has no extreme, got shape ", x.shape());
}

}  // namespace ops

namespace {

using autograd::Backward;
using backend::Reduce;
using ops::Reduction;

Tensor extreme(Reduce op, const char* name, const Tensor& x, const Axes& axis, bool keepdims) {
  ops::require_numbers(x, name);
  const Reduction r(x, axis, keepdims, name);
  ops::require_elements(x, r, name);
  if (x.dtype() == DType::boolean) return run_reduce(op == Reduce::max ? Reduce::any : Reduce::all, x, r, x.dtype());
  Tensor y = run_reduce(op, x, r, x.dtype());
  if (autograd::recording(x)) {
    autograd::attach(y, name, {x}, [x, r, saved = autograd::save_output(y)](Backward& g) {
      const Tensor found = equal(x, detail::alias(saved, r.kept));
      const Tensor share = reshape(g.grad(), r.kept) / sum(cast(found, x.dtype()), r.axes, true);
      g.set(0, where(found, share, 0.0));
    });
  }
  return y;
}

Tensor truth(Reduce op, const char* name, const Tensor& x, const Axes& axis, bool keepdims) {
  ops::require_numbers(x, name);
  const Tensor condition = cast(x, DType::boolean);
  return run_reduce(op, condition, Reduction(condition, axis, keepdims, name), DType::boolean);
}

Tensor position(bool maximum, const char* name, const Tensor& x, std::optional<int> axis, bool keepdims) {
  ops::require_numbers(x, name);
  const Tensor flat = axis ? x : detail::alias(x, {x.size()});
  const int along = axis ? ops::normalized_axis(*axis, x.rank(), name) : 0;
  const Reduction r(x, axis ? Axes(along) : Axes(), keepdims, name);
  ops::require_elements(x, r, name);
  const Tensor numbers = x.dtype() == DType::boolean ? cast(flat, DType::uint8) : flat;
  Tensor y = Tensor::empty(r.out, DType::int32, x.device());
  backend::kernels(numbers).arg_reduce(maximum, numbers, along, y);
  return y;
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axis, bool keepdims) {
  ops::require_numbers(x, "sum");
  if (const DType dtype = ops::sum_dtype(x.dtype()); dtype != x.dtype()) return sum(cast(x, dtype), axis, keepdims);
  const Reduction r(x, axis, keepdims, "sum");
  Tensor y = run_reduce(Reduce::sum, x, r, x.dtype());
  if (autograd::recording(x)) {
    autograd::attach(y, "sum", {x}, [r, shape = x.shape()](Backward& g) { g.set(0, ops::spread(g.grad(), r, shape)); });
  }
  return y;
}

Tensor mean(const Tensor& x, const Axes& axis, bool keepdims) {
  ops::require_numbers(x, "mean");
  if (!is_floating(x.dtype())) return mean(cast(x, floatx()), axis, keepdims);
  const Reduction r(x, axis, keepdims, "mean");
  Tensor y = run_reduce(Reduce::mean, x, r, x.dtype());
  if (autograd::recording(x)) {
    autograd::attach(y, "mean", {x}, [r, shape = x.shape()](Backward& g) {
      const auto count = static_cast<double>(r.count);
      if (r.count == 1) return g.set(0, reshape(g.grad(), shape));
      if (!autograd::recording(g.grad()) && shape.elements() > 0) {
        if (g.grad().size() == 1 && g.grad().device().kind() == Device::Kind::cpu) {
          const double share = g.grad().item<double>() / count;
          return g.set(0, ops::filled(shape, g.grad().dtype(), g.grad().device(), share));
        }
        Tensor dx = Tensor::empty(shape, g.grad().dtype(), g.grad().device());
        backend::kernels(dx).binary(backend::Binary::divide, detail::alias(g.grad(), r.kept),
                                    ops::scalar_like(dx, count), dx);
        return g.set(0, std::move(dx));
      }
      g.set(0, ops::spread(g.grad() / count, r, shape));
    });
  }
  return y;
}

Tensor max(const Tensor& x, const Axes& axis, bool keepdims) { return extreme(Reduce::max, "max", x, axis, keepdims); }
Tensor min(const Tensor& x, const Axes& axis, bool keepdims) { return extreme(Reduce::min, "min", x, axis, keepdims); }
Tensor any(const Tensor& x, const Axes& axis, bool keepdims) { return truth(Reduce::any, "any", x, axis, keepdims); }
Tensor all(const Tensor& x, const Axes& axis, bool keepdims) { return truth(Reduce::all, "all", x, axis, keepdims); }

Tensor count_nonzero(const Tensor& x, const Axes& axis) {
  ops::require_numbers(x, "count_nonzero");
  return sum(cast(cast(x, DType::boolean), DType::int32), axis);
}

Tensor argmax(const Tensor& x, std::optional<int> axis, bool keepdims) {
  return position(true, "argmax", x, axis, keepdims);
}
Tensor argmin(const Tensor& x, std::optional<int> axis, bool keepdims) {
  return position(false, "argmin", x, axis, keepdims);
}

}  // namespace nyala
