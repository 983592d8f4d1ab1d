#include <nyala/ops/linalg.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "autograd/node.hpp"
#include "ops/activation_gradient.hpp"
#include "ops/nn_support.hpp"

namespace nyala {

using ops::empty_beside;
using ops::in_dtype;

namespace {

void check_dense(const Tensor& x, const Tensor& kernel, const Tensor& bias) {
  detail::require_defined(x, "dense");
  detail::require_defined(kernel, "dense");
  if (kernel.rank() != 2) ops::fail("dense: the kernel must have two axes (features, units), got ", kernel.shape());
  if (x.rank() == 0) ops::fail("dense: x must have at least one axis, got a scalar");
  if (x.shape().back() != kernel.shape()[0]) {
    ops::fail("dense: the kernel ", kernel.shape(), " takes ", kernel.shape()[0], " features, x ", x.shape(), " has ",
              x.shape().back());
  }
  if (bias.defined() && (bias.rank() != 1 || bias.shape()[0] != kernel.shape()[1])) {
    ops::fail("dense: the kernel ", kernel.shape(), " takes a bias (", kernel.shape()[1], ",), got ", bias.shape());
  }
}

/// x (rows, features), all of one floating dtype.
Tensor dense_rows(const Tensor& x, const Tensor& kernel, const Tensor& bias, FusedActivation activation) {
  const bool recorded = autograd::recording(x, kernel, bias);
  Tensor y = empty_beside(x, Shape{x.shape()[0], kernel.shape()[1]});
  Tensor before = recorded && ops::needs_before(activation) ? ops::empty_like(y) : Tensor();
  if (y.size() > 0) backend::kernels(x, kernel, bias).dense(x, kernel, bias, activation, before, y);
  if (!recorded) return y;
  auto backward = [kept_x = ops::kept_for(kernel, x), kept_kernel = ops::kept_for(x, kernel),
                   before_activation = ops::FusedGradient(activation, y, before)](autograd::Backward& g) {
    const Tensor dz = before_activation(g);
    if (!autograd::recording(dz, kept_x, kept_kernel) && dz.size() > 0) {
      Tensor dx, dkernel, dbias;
      const std::int64_t units = dz.shape()[1];
      if (g.needs(0)) dx = empty_beside(dz, Shape{dz.shape()[0], kept_kernel.shape()[0]});
      if (g.needs(1)) dkernel = empty_beside(dz, Shape{kept_x.shape()[1], units});
      if (g.needs(2)) dbias = empty_beside(dz, Shape{units});
      backend::kernels(dz).dense_backward(kept_x, kept_kernel, dz, dx, dkernel, dbias);
      g.set(0, std::move(dx));
      g.set(1, std::move(dkernel));
      g.set(2, std::move(dbias));
      return;
    }
    if (g.needs(0)) g.set(0, matmul(dz, kept_kernel, false, true));
    if (g.needs(1)) g.set(1, matmul(kept_x, dz, true, false));
    if (g.needs(2)) g.set(2, sum(dz, 0));
  };
  if (before.defined())
    autograd::attach_all({&y, &before}, "dense", {x, kernel, bias}, std::move(backward));
  else
    autograd::attach(y, "dense", {x, kernel, bias}, std::move(backward));
  return y;
}

}  // namespace

Tensor dense(const Tensor& x, const Tensor& kernel, const Tensor& bias, FusedActivation activation) {
  check_dense(x, kernel, bias);
  const DType dtype = ops::floating_dtype(x, kernel, "dense");
  const Tensor weights = in_dtype(kernel, dtype);
  const Tensor offset = bias.defined() ? in_dtype(bias, dtype) : Tensor();
  if (x.rank() == 2) return dense_rows(in_dtype(x, dtype), weights, offset, activation);
  Shape result = x.shape();
  result.back() = kernel.shape()[1];
  std::int64_t rows = 1;
  for (int axis = 0; axis + 1 < x.rank(); ++axis) rows *= x.shape()[static_cast<std::size_t>(axis)];
  const Tensor flat = reshape(in_dtype(x, dtype), Shape{rows, x.shape().back()});
  return reshape(dense_rows(flat, weights, offset, activation), result);
}

}  // namespace nyala
