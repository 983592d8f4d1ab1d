#include "ops/convolution_parts.hpp"

#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/activation_gradient.hpp"
#include "ops/follow_up.hpp"
#include "ops/nn_support.hpp"

namespace nyala::ops {

using backend::Window;

namespace {

Tensor sum_but_channels(const Tensor& x) {
  const std::int64_t channels = x.shape().back();
  return sum(reshape(x, Shape{channels == 0 ? 0 : x.size() / channels, channels}), 0);
}

/// The gradients of a convolution; what follows may undo its activation (dense, max_pool).
struct ConvGradient {
  Tensor x, kernel;  // as far as wanted gradients need them
  Shape x_shape, kernel_shape;
  Window window;
  const char* op;
  FusedGradient own;

  const backend::AppliedActivation* applied_activation() const { return own.applied_activation(); }

  void operator()(autograd::Backward& g) const {
    Tensor sums;
    const Tensor dz = own(g, g.needs(2) ? &sums : nullptr);
    if (g.needs(0)) g.set(0, convolve_backward_data(dz, kernel, window, x_shape, op));
    if (g.needs(1)) g.set(1, convolve_backward_filter(x, dz, window, kernel_shape, op));
    if (g.needs(2)) g.set(2, sums.defined() ? sums : sum_but_channels(dz));
  }
};

void fill_zero(Tensor& x) {
  if (x.size() > 0) backend::kernels(x).fill(x, 0.0);
}

}  // namespace

Tensor convolve(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                FusedActivation activation, const Shape& y_shape, const char* op) {
  const bool recorded = autograd::recording(x, kernel, bias);
  Tensor y = empty_beside(x, y_shape);
  Tensor before = recorded && needs_before(activation) ? empty_like(y) : Tensor();
  const backend::Finish* const finish = recorded ? nullptr : take_finish(y);
  if (finish != nullptr)
    backend::kernels(x, kernel, bias).conv_finished(x, kernel, bias, window, activation, *finish, y);
  else if (y.size() > 0)
    backend::kernels(x, kernel, bias).conv(x, kernel, bias, window, activation, before, y);
  if (!recorded) return y;
  ConvGradient backward{kept_for(kernel, x),    kept_for(x, kernel), x.shape(), kernel.shape(), window, op,
                        {activation, y, before}};
  backward.own.applied.biased = autograd::tracked(bias);
  if (before.defined())
    autograd::attach_all({&y, &before}, op, {x, kernel, bias}, std::move(backward));
  else
    autograd::attach(y, op, {x, kernel, bias}, std::move(backward));
  return y;
}

Tensor convolve_backward_data(const Tensor& y, const Tensor& kernel, const Window& window, const Shape& x_shape,
                              const char* op) {
  Tensor dx = empty_beside(y, x_shape);
  if (y.size() == 0)
    fill_zero(dx);
  else
    backend::kernels(y, kernel).conv_backward_data(y, kernel, window, dx);
  if (!autograd::recording(y, kernel)) return dx;
  autograd::attach(dx, op, {y, kernel},
                   [kept_y = kept_for(kernel, y), kept_kernel = kept_for(y, kernel), y_shape = y.shape(),
                    kernel_shape = kernel.shape(), window, op](autograd::Backward& g) {
                     if (g.needs(0)) {
                       g.set(0, convolve(g.grad(), kept_kernel, {}, window, FusedActivation::none, y_shape, op));
                     }
                     if (g.needs(1)) g.set(1, convolve_backward_filter(g.grad(), kept_y, window, kernel_shape, op));
                   });
  return dx;
}

Tensor convolve_backward_filter(const Tensor& x, const Tensor& y, const Window& window, const Shape& kernel_shape,
                                const char* op) {
  Tensor dkernel = empty_beside(x, kernel_shape);
  if (y.size() == 0)
    fill_zero(dkernel);
  else
    backend::kernels(x, y).conv_backward_filter(x, y, window, dkernel);
  if (!autograd::recording(x, y)) return dkernel;
  autograd::attach(dkernel, op, {x, y},
                   [kept_x = kept_for(y, x), kept_y = kept_for(x, y), x_shape = x.shape(), y_shape = y.shape(), window,
                    op](autograd::Backward& g) {
                     if (g.needs(0)) g.set(0, convolve_backward_data(kept_y, g.grad(), window, x_shape, op));
                     if (g.needs(1)) {
                       g.set(1, convolve(kept_x, g.grad(), {}, window, FusedActivation::none, y_shape, op));
                     }
                   });
  return dkernel;
}

}  // namespace nyala::ops
