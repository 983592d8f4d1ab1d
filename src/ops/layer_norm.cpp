#include <nyala/ops/math.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/nn_support.hpp"
#include "ops/replay.hpp"

namespace nyala {

namespace {

constexpr const char* plain = "layer_normalization";
constexpr const char* group = "group_normalization";
constexpr const char* rms = "rms_normalization";

std::int64_t product(const Shape& sizes) { return sizes.elements(); }

/// Normalises each run of n elements of x, scaled and shifted by gamma and beta (n,) or null.
Tensor normalize_rows(const Tensor& x, std::int64_t n, const Tensor& gamma, const Tensor& beta, double epsilon) {
  const bool recorded = autograd::recording(x, gamma, beta);
  Tensor y = ops::empty_like(x);
  if (x.size() == 0) return y;
  const Shape rows{x.size() / n, n};
  const DType precise = ops::is_half(x.dtype()) ? DType::float32 : x.dtype();
  Tensor middle, inverse_deviation;
  if (recorded) {
    middle = Tensor::empty(Shape{rows.front()}, precise, x.device());
    inverse_deviation = Tensor::empty(Shape{rows.front()}, precise, x.device());
  }
  Tensor y_rows = detail::alias(y, rows);
  backend::kernels(x, gamma, beta)
      .layer_norm(detail::alias(x, rows), gamma, beta, epsilon, y_rows, middle, inverse_deviation);
  if (!recorded) return y;
  autograd::attach(
      y, plain, {x, gamma, beta}, [x, gamma, beta, rows, middle, inverse_deviation, epsilon](autograd::Backward& g) {
        if (autograd::recording(g.grad(), x, gamma)) {
          ops::differentiate_again(g, {x, gamma, beta}, [&](const std::vector<Tensor>& in) -> std::vector<Tensor> {
            const Tensor all = reshape(in[0], rows);
            const Tensor off = all - mean(all, -1, true);
            Tensor normal = off * rsqrt(mean(square(off), -1, true) + epsilon);
            if (in[1].defined()) normal = normal * in[1];
            if (in[2].defined()) normal = normal + in[2];
            return {ops::in_dtype(reshape(normal, x.shape()), x.dtype())};
          });
          return;
        }
        const bool in_place = x.device().kind() == Device::Kind::cpu && g.grad().dtype() == x.dtype();
        Tensor dx = in_place ? g.place_like_grad() : ops::empty_like(x);
        Tensor dx_rows = detail::alias(dx, rows);
        Tensor dgamma = g.needs(1) ? ops::empty_like(gamma) : Tensor();
        Tensor dbeta = g.needs(2) ? ops::empty_like(beta) : Tensor();
        backend::kernels(x).layer_norm_backward(detail::alias(x, rows), detail::alias(g.grad(), rows), gamma, middle,
                                                inverse_deviation, dx_rows, dgamma, dbeta);
        g.set(0, dx);
        g.set(1, dgamma);
        g.set(2, dbeta);
      });
  return y;
}

/// gamma or beta as (n,) in the dtype that x's statistics have; null stays null.
Tensor flat_weight(const Tensor& weight, const Shape& sizes, const Tensor& x, const char* op, const char* name) {
  if (!weight.defined()) return weight;
  if (weight.shape() != sizes) {
    ops::fail(op, ": ", name, " must have the shape ", sizes, " of the normalised axes of x ", x.shape(), ", got ",
              weight.shape());
  }
  const Tensor precise = ops::in_dtype(weight, ops::is_half(x.dtype()) ? DType::float32 : x.dtype());
  return sizes.size() == 1 ? precise : reshape(precise, Shape{product(sizes)});
}

Shape sizes_of(const Shape& shape, const std::vector<int>& axes) {
  Shape sizes;
  for (const int axis : axes) sizes.push_back(shape[static_cast<std::size_t>(axis)]);
  return sizes;
}

std::vector<int> normalised_axes(const Tensor& x, const Axes& axis, const char* op) {
  std::vector<int> axes = axis.resolve(x.rank(), op);
  if (axes.empty()) ops::fail(op, ": axis must name at least one axis of x ", x.shape());
  return axes;
}

}  // namespace

Tensor layer_normalization(const Tensor& given, const Tensor& gamma, const Tensor& beta, const Axes& axis,
                           double epsilon) {
  const Tensor x = ops::in_floating(given, plain);
  const std::vector<int> axes = normalised_axes(x, axis, plain);
  const Shape sizes = sizes_of(x.shape(), axes);
  const Tensor scale = flat_weight(gamma, sizes, x, plain, "gamma");
  const Tensor shift = flat_weight(beta, sizes, x, plain, "beta");
  const ops::AxesLast order(axes, x.rank());
  if (order.trivial) return normalize_rows(x, product(sizes), scale, shift, epsilon);
  return transpose(normalize_rows(transpose(x, order.forth), product(sizes), scale, shift, epsilon), order.back);
}

Tensor group_normalization(const Tensor& given, const Tensor& gamma, const Tensor& beta, int groups, int axis,
                           double epsilon) {
  const Tensor numbers = ops::in_floating(given, group);
  const int channel_axis = ops::normalized_axis(axis, numbers.rank(), group);
  if (numbers.rank() < 2 || channel_axis == 0) {
    ops::fail(group, ": x must have a batch axis before its channels, got ", numbers.shape(), " with axis ", axis);
  }
  const bool last = channel_axis == numbers.rank() - 1;
  const Tensor x = last ? numbers : moveaxis(numbers, channel_axis, -1);
  const std::int64_t channels = x.shape().back(), batch = x.shape().front();
  if (groups < 1 || channels % groups != 0) {
    ops::fail(group, ": the number of groups must divide the ", channels, " channels of x ", numbers.shape(), ", got ",
              groups);
  }
  if (x.size() == 0) return numbers;
  const std::int64_t each = channels / groups, cells = x.size() / (batch * channels);
  const Tensor grouped = swapaxes(reshape(x, Shape{batch, cells, groups, each}), 1, 2);
  Tensor y = normalize_rows(grouped, cells * each, {}, {}, epsilon);
  y = reshape(swapaxes(y, 1, 2), x.shape());
  if (gamma.defined()) y = y * flat_weight(gamma, {channels}, x, group, "gamma");
  if (beta.defined()) y = y + flat_weight(beta, {channels}, x, group, "beta");
  y = ops::in_dtype(y, x.dtype());
  return last ? y : moveaxis(y, -1, channel_axis);
}

Tensor rms_normalization(const Tensor& given, const Tensor& scale, const Axes& axis, double epsilon) {
  const Tensor numbers = ops::in_floating(given, rms);
  const std::vector<int> axes = normalised_axes(numbers, axis, rms);
  const Tensor weight = flat_weight(scale, sizes_of(numbers.shape(), axes), numbers, rms, "scale");
  const Tensor x = ops::is_half(numbers.dtype()) ? cast(numbers, DType::float32) : numbers;
  Tensor y = x * rsqrt(mean(square(x), axes, true) + epsilon);
  if (weight.defined()) {
    Shape beside(std::vector<std::int64_t>(x.shape().size(), 1));
    for (const int each : axes) beside[static_cast<std::size_t>(each)] = x.shape()[static_cast<std::size_t>(each)];
    y = y * reshape(weight, beside);
  }
  return ops::in_dtype(y, numbers.dtype());
}

}  // namespace nyala
