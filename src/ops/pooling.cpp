#include <nyala/ops/indexing.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/nn_support.hpp"
#include "ops/window.hpp"

namespace nyala {

using backend::Window;

namespace {

/// (batch, spatial…, channels) -> (batch, cells, channels)
Shape flat_cells(const Shape& shape) {
  std::int64_t cells = 1;
  for (std::size_t axis = 1; axis + 1 < shape.size(); ++axis) cells *= shape[axis];
  return {shape.front(), cells, shape.back()};
}

/// Gradients carried back to the places of the maxima.
Tensor max_pool_backward(const Tensor& gradient, const Tensor& argmax, const Window& window, const Shape& x_shape) {
  Tensor dx = ops::empty_beside(gradient, x_shape);
  if (dx.size() > 0) backend::kernels(gradient).max_pool_backward(gradient, argmax, window, dx);
  if (autograd::recording(gradient)) {
    autograd::attach(dx, "max_pool", {gradient}, [argmax, y_shape = gradient.shape()](autograd::Backward& g) {
      const Tensor flat = reshape(g.grad(), flat_cells(g.grad().shape()));
      const Tensor places = detail::alias(argmax, flat_cells(y_shape));
      g.set(0, reshape(take_along_axis(flat, places, 1), y_shape));
    });
  }
  return dx;
}

/// Where the activation before the pooling can be undone by its own result, that of the maxima alone is: fewer numbers,
/// and the others have no gradient.
struct MaxPoolGradient {
  Tensor argmax, y;
  Window window;
  Shape x_shape;

  void operator()(autograd::Backward& g) const {
    const backend::AppliedActivation* before = g.grad().size() > 0 ? g.activation_before(0) : nullptr;
    if (before == nullptr || before->before.defined())
      return g.set(0, max_pool_backward(g.grad(), argmax, window, x_shape));
    backend::AppliedActivation applied{before->activation, {}, ops::as_rows(y), {}, before->biased};
    Tensor gradient = g.place_like_grad(), rows = ops::as_rows(gradient), sums;
    if (before->biased) sums = ops::empty_beside(gradient, {gradient.shape().back()});
    backend::kernels(gradient).activation_backward(applied, ops::as_rows(g.grad()), rows, sums);
    g.set_before_activation(0, max_pool_backward(gradient, argmax, window, x_shape), std::move(sums));
  }
};

Tensor max_pool_last(const Tensor& x, const Window& window, const Shape& y_shape) {
  const bool recorded = autograd::recording(x);
  Tensor y = ops::empty_beside(x, y_shape);
  Tensor argmax = recorded ? Tensor::empty(y_shape, DType::int32, x.device()) : Tensor();
  if (y.size() > 0) backend::kernels(x).max_pool(x, window, y, argmax);
  if (recorded) {
    autograd::attach(y, "max_pool", {x}, MaxPoolGradient{argmax, autograd::save_output(y), window, x.shape()});
  }
  return y;
}

Tensor average_pool_backward(const Tensor& gradient, const Window& window, const Shape& x_shape);

Tensor average_pool_last(const Tensor& x, const Window& window, const Shape& y_shape) {
  Tensor y = ops::empty_beside(x, y_shape);
  if (y.size() > 0) backend::kernels(x).average_pool(x, window, y);
  if (autograd::recording(x)) {
    autograd::attach(y, "average_pool", {x}, [window, x_shape = x.shape()](autograd::Backward& g) {
      g.set(0, average_pool_backward(g.grad(), window, x_shape));
    });
  }
  return y;
}

Tensor average_pool_backward(const Tensor& gradient, const Window& window, const Shape& x_shape) {
  Tensor dx = ops::empty_beside(gradient, x_shape);
  if (dx.size() > 0) backend::kernels(gradient).average_pool_backward(gradient, window, dx);
  if (autograd::recording(gradient)) {
    autograd::attach(dx, "average_pool", {gradient}, [window, y_shape = gradient.shape()](autograd::Backward& g) {
      g.set(0, average_pool_last(g.grad(), window, y_shape));
    });
  }
  return dx;
}

template <class Pool>
Tensor pool(const Tensor& given, const std::vector<std::int64_t>& pool_size, const PoolArguments& arguments,
            const char* op, Pool pool_last) {
  const Tensor numbers = ops::in_floating(given, op);
  Window window;
  window.rank = ops::spatial_rank(numbers, op);
  window.size = ops::per_axis(pool_size, window.rank, op, "pool_size");
  window.strides =
      arguments.strides.empty() ? window.size : ops::per_axis(arguments.strides, window.rank, op, "strides");
  const ops::PaddingMode mode = ops::padding_mode(arguments.padding, false, op);
  const bool first = ops::is_channels_first(arguments.data_format, op);
  const Tensor x = first ? ops::channels_to_last(numbers) : numbers;
  const Tensor y = pool_last(x, window, ops::place_window(window, mode, x.shape(), x.shape().back(), op));
  return first ? ops::channels_to_first(y) : y;
}

}  // namespace

Tensor max_pool(const Tensor& x, const std::vector<std::int64_t>& pool_size, const PoolArguments& arguments) {
  return pool(x, pool_size, arguments, "max_pool", max_pool_last);
}

Tensor average_pool(const Tensor& x, const std::vector<std::int64_t>& pool_size, const PoolArguments& arguments) {
  return pool(x, pool_size, arguments, "average_pool", average_pool_last);
}

}  // namespace nyala
