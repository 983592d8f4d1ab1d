#include <limits>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>

#include "core/dtype_lattice.hpp"
#include "ops/common.hpp"

namespace nyala {

using autograd::Backward;

Tensor where(const Tensor& condition, const Tensor& x1, const Tensor& x2) {
  ops::require_numbers(condition, "where");
  const Tensor choice = cast(condition, DType::boolean);
  const ops::Operands o(x1, x2, "where");
  const Shape shape = ops::broadcast_shapes(choice.shape(), o.shape(), "where");
  Tensor y = Tensor::empty(shape, o.dtype(), choice.device());
  // Two bare numbers go where the choice is.
  const bool numbers = x1.weak() && x2.weak();
  const Tensor a = numbers ? o.a().to(choice.device()) : o.a(), b = numbers ? o.b().to(choice.device()) : o.b();
  backend::kernels(choice, a, b).where(choice, a, b, y);
  if (o.recorded()) {
    autograd::attach(y, "where", {o.a(), o.b()},
                     [choice, a_shape = o.a().shape(), b_shape = o.b().shape()](Backward& g) {
                       if (g.needs(0)) g.set(0, ops::reduce_to(where(choice, g.grad(), 0.0), a_shape));
                       if (g.needs(1)) g.set(1, ops::reduce_to(where(choice, 0.0, g.grad()), b_shape));
                     });
  }
  return y;
}

Tensor clip(const Tensor& x, const Tensor& x_min, const Tensor& x_max) {
  ops::require_numbers(x, "clip");
  ops::require_numbers(x_min, "clip");
  ops::require_numbers(x_max, "clip");
  DType dtype = x.dtype();
  if (!(is_floating(dtype) && x_min.weak() && x_max.weak())) dtype = ops::promoted_dtype({x, x_min, x_max});
  if (dtype == DType::boolean) dtype = DType::int32;
  const Tensor value = ops::as_dtype(x, dtype, x, "clip");
  const Tensor low = ops::as_dtype(x_min, dtype, x, "clip"), high = ops::as_dtype(x_max, dtype, x, "clip");

  const Shape raised = ops::broadcast_shapes(value.shape(), low.shape(), "clip");
  auto& kernels = backend::kernels(value, low, high);
  Tensor y = Tensor::empty(raised, dtype, x.device());
  kernels.binary(backend::Binary::maximum, value, low, y);
  if (const Shape shape = ops::broadcast_shapes(raised, high.shape(), "clip"); shape == raised) {
    kernels.binary(backend::Binary::minimum, y, high, y);
  } else {
    Tensor full = Tensor::empty(shape, dtype, x.device());
    kernels.binary(backend::Binary::minimum, y, high, full);
    y = full;
  }
  if (autograd::recording(value, low, high)) {
    autograd::attach(y, "clip", {value, low, high}, [value, low, high](Backward& g) {
      if (g.needs(0)) {
        const Tensor inside = logical_and(value >= low, value <= high);
        g.set(0, ops::reduce_to(where(inside, g.grad(), 0.0), value.shape()));
      }
      if (g.needs(1)) {
        const Tensor below = logical_and(value < low, low <= high);
        g.set(1, ops::reduce_to(where(below, g.grad(), 0.0), low.shape()));
      }
      if (g.needs(2)) g.set(2, ops::reduce_to(where(maximum(value, low) > high, g.grad(), 0.0), high.shape()));
    });
  }
  return y;
}

namespace {

double largest(DType dtype) {
  switch (dtype) {
    case DType::float16: return 65504.0;
    case DType::bfloat16: return 0x1.FEp127;
    case DType::float32: return static_cast<double>(std::numeric_limits<float>::max());
    default: return std::numeric_limits<double>::max();
  }
}

}  // namespace

Tensor nan_to_num(const Tensor& x, double nan) {
  ops::require_numbers(x, "nan_to_num");
  if (!is_floating(x.dtype())) return x;
  const double bound = largest(x.dtype());
  return where(isnan(x), nan, clip(x, -bound, bound));
}

Tensor cast(const Tensor& x, DType dtype) {
  detail::require_defined(x, "cast");
  if (x.dtype() == dtype && !x.weak()) return x;
  if (x.dtype() == DType::string || dtype == DType::string) {
    ops::fail("cast: strings and numbers do not convert into each other, got ", x.dtype(), " to ", dtype);
  }
  Tensor y = Tensor::empty(x.shape(), dtype, x.device());
  if (x.weak() && is_floating(dtype))
    backend::kernels(y).fill(y, x.impl()->weak_value);
  else
    backend::kernels(x).cast(x, y);
  if (is_floating(dtype) && autograd::recording(x)) autograd::record_cast(y, x);
  return y;
}

Tensor stop_gradient(const Tensor& x) {
  detail::require_defined(x, "stop_gradient");
  const Tensor mask = x.mask();
  const Tensor y = detail::alias(x);
  return mask.defined() ? y.with_mask(mask) : y;
}

Tensor Tensor::to(const Device& device) const {
  detail::require_defined(*this, "to");
  // Strings stay where only the CPU can read them.
  if (device == this->device() || dtype() == DType::string) return *this;
  const bool between_gpus = device.kind() != Device::Kind::cpu && this->device().kind() != Device::Kind::cpu;
  if (between_gpus) return to(Device()).to(device);
  Tensor y = Tensor::empty(shape(), dtype(), device);
  y.impl()->weak = impl_->weak;
  y.impl()->weak_value = impl_->weak_value;
  backend::kernels_for(device.kind() == Device::Kind::cpu ? this->device() : device).copy(*this, y);
  if (autograd::recording(*this)) {
    autograd::attach(y, "to", {*this}, [from = this->device()](Backward& g) { g.set(0, g.grad().to(from)); });
  }
  return y;
}

}  // namespace nyala
