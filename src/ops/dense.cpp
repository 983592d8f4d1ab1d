#include <nyala/ops/linalg.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "autograd/node.hpp"
#include "ops/activation_gradient.hpp"
#include "ops/follow_up.hpp"
#include "ops/nn_support.hpp"
#include "ops/product.hpp"

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

/// The gradients of dense. What the layer before applied last, relu for one, is undone here too where nothing else uses
/// its output: by then that layer finds its gradient before the activation, with the sums for its bias.
struct DenseGradient {
  Tensor x, kernel;  // as far as wanted gradients need them
  ops::FusedGradient own;
  Shape x_shape;

  const backend::AppliedActivation* applied_activation() const { return own.applied_activation(); }

  void operator()(autograd::Backward& g) const {
    const Tensor dz = own(g);
    if (autograd::recording(dz, x, kernel) || dz.size() == 0) return by_operations(g, dz);
    const std::int64_t in = x_shape.back(), units = dz.shape().back();
    const backend::AppliedActivation* before = g.needs(0) && in > 0 ? g.activation_before(0) : nullptr;
    Tensor dx, dkernel, dbias, sums;
    if (g.needs(0)) dx = empty_beside(dz, x_shape);
    if (g.needs(1)) dkernel = Tensor::empty({in, units}, ops::product_gradient_dtype(g, 1, dz), dz.device());
    if (g.needs(2) && !g.sums_before_activation().defined()) dbias = empty_beside(dz, {units});
    if (before != nullptr && before->biased) sums = empty_beside(dz, {in});
    Tensor dx_rows = ops::as_rows(dx);
    backend::kernels(dz).dense_backward(ops::as_rows(x), kernel, ops::as_rows(dz), before, dx_rows, dkernel, dbias,
                                        sums);
    if (before != nullptr)
      g.set_before_activation(0, std::move(dx), std::move(sums));
    else
      g.set(0, std::move(dx));
    g.set(1, std::move(dkernel));
    g.set(2, dbias.defined() ? std::move(dbias) : g.sums_before_activation());
  }

 private:
  void by_operations(autograd::Backward& g, const Tensor& dz) const {
    const Tensor flat = reshape(dz, ops::rows_of(dz.shape()));
    if (g.needs(0)) g.set(0, reshape(matmul(flat, kernel, false, true), x_shape));
    if (g.needs(1)) g.set(1, matmul(reshape(x, ops::rows_of(x_shape)), flat, true, false));
    if (g.needs(2)) g.set(2, sum(flat, 0));
  }
};

/// y and what a graph has offered to do with it.
Tensor finished(Tensor y) {
  const backend::Finish* const offered = ops::take_finish(y);
  if (offered == nullptr) return y;
  backend::Finish finish = *offered;
  finish.residual = ops::as_rows(finish.residual);
  Tensor rows = ops::as_rows(y);
  backend::kernels(y).finish(finish, rows);
  return y;
}

/// x (…, features), all of one floating dtype.
Tensor dense_of(const Tensor& x, const Tensor& kernel, const Tensor& bias, FusedActivation activation) {
  const bool recorded = autograd::recording(x, kernel, bias);
  Shape shape = x.shape();
  shape.back() = kernel.shape()[1];
  Tensor y = empty_beside(x, shape), mask;
  Tensor before = recorded && ops::needs_before(activation) ? ops::empty_like(y) : Tensor();
  if (y.size() > 0) {
    Tensor y_rows = ops::as_rows(y), before_rows = ops::as_rows(before);
    backend::kernels(x, kernel, bias)
        .dense(ops::as_rows(x), kernel, bias, activation, before_rows, y_rows, recorded ? &mask : nullptr);
  }
  if (!recorded) return finished(y);
  DenseGradient backward{ops::kept_for(kernel, x), ops::kept_for(x, kernel), {activation, y, before}, x.shape()};
  backward.own.applied.mask = std::move(mask);
  backward.own.applied.biased = autograd::tracked(bias);
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
  return dense_of(in_dtype(x, dtype), weights, offset, activation);
}

}  // namespace nyala
