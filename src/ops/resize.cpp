#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <nyala/ops/image.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/linalg.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/nn_support.hpp"
#include "ops/window.hpp"

namespace nyala {

namespace {

constexpr const char* resize_op = "resize";

Tensor bilinear_backward(const Tensor& gradient, const Shape& x_shape);

Tensor bilinear(const Tensor& x, const Shape& y_shape) {
  Tensor y = ops::empty_beside(x, y_shape);
  if (y.size() > 0) backend::kernels(x).resize_bilinear(x, y);
  if (autograd::recording(x)) {
    autograd::attach(y, resize_op, {x},
                     [x_shape = x.shape()](autograd::Backward& g) { g.set(0, bilinear_backward(g.grad(), x_shape)); });
  }
  return y;
}

Tensor bilinear_backward(const Tensor& gradient, const Shape& x_shape) {
  Tensor dx = ops::empty_beside(gradient, x_shape);
  if (dx.size() > 0) backend::kernels(gradient).resize_bilinear_backward(gradient, dx);
  if (autograd::recording(gradient)) {
    autograd::attach(dx, resize_op, {gradient},
                     [y_shape = gradient.shape()](autograd::Backward& g) { g.set(0, bilinear(g.grad(), y_shape)); });
  }
  return dx;
}

Tensor nearest(const Tensor& x, std::int64_t size, int axis) {
  const std::int64_t from = x.shape().at(axis);
  if (from == size) return x;
  std::vector<std::int32_t> cells;
  for (std::int64_t i = 0; i < size; ++i) {
    const float place = (static_cast<float>(i) + 0.5f) * static_cast<float>(from) / static_cast<float>(size);
    cells.push_back(static_cast<std::int32_t>(std::floor(place)));
  }
  return take(x, tensor(cells).to(x.device()), axis);
}

/// Keys 1981 with a = -1/2.
double cubic(double x) {
  if (x >= 2.0) return 0.0;
  return x >= 1.0 ? ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 : (1.5 * x - 2.5) * x * x + 1.0;
}

double lanczos(double x, double radius) {
  if (x > radius) return 0.0;
  if (x <= 1e-3) return 1.0;
  const double angle = std::numbers::pi * x;
  return radius * std::sin(angle) * std::sin(angle / radius) / (angle * angle);
}

double kernel_value(const std::string& interpolation, double distance) {
  if (interpolation == "bilinear") return std::max(0.0, 1.0 - distance);
  if (interpolation == "bicubic") return cubic(distance);
  return lanczos(distance, interpolation == "lanczos3" ? 3.0 : 5.0);
}

/// The matrix (size, from) that resamples an axis; its rows sum to 1, so that edges need no padding.
Tensor resampling(const std::string& interpolation, bool antialias, std::int64_t from, std::int64_t size,
                  const Tensor& beside) {
  std::vector<double> weights(static_cast<std::size_t>(from * size));
  const double width = antialias ? std::max(static_cast<double>(from) / static_cast<double>(size), 1.0) : 1.0;
  for (std::int64_t i = 0; i < size; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(size) - 0.5;
    double* row = weights.data() + i * from;
    double sum = 0.0;
    for (std::int64_t j = 0; j < from; ++j) {
      row[j] = kernel_value(interpolation, std::abs(centre - static_cast<double>(j)) / width);
      sum += row[j];
    }
    for (std::int64_t j = 0; j < from; ++j) row[j] /= sum;
  }
  return cast(tensor(weights, Shape{size, from}), beside.dtype()).to(beside.device());
}

Tensor by_matrices(const Tensor& x, const Shape& y_shape, const std::string& interpolation, bool antialias) {
  const Shape& from = x.shape();
  Tensor y = x;
  if (from[1] != y_shape[1]) {
    y = matmul(resampling(interpolation, antialias, from[1], y_shape[1], x),
               reshape(y, Shape{from[0], from[1], from[2] * from[3]}));
  }
  if (from[2] != y_shape[2]) {
    y = matmul(resampling(interpolation, antialias, from[2], y_shape[2], x),
               reshape(y, Shape{from[0] * y_shape[1], from[2], from[3]}));
  }
  return reshape(y, y_shape);
}

/// The range of an integer dtype.
std::array<double, 2> range_of(DType dtype) {
  if (dtype == DType::boolean) return {0.0, 1.0};
  const auto bits = static_cast<int>(8 * size_of(dtype));
  if (dtype < DType::int8) return {0.0, std::ldexp(1.0, bits) - 1.0};
  return {-std::ldexp(1.0, bits - 1), std::ldexp(1.0, bits - 1) - 1.0};
}

Tensor interpolate(const Tensor& x, const Shape& y_shape, const std::string& interpolation, bool antialias) {
  if (interpolation == "nearest") return nearest(nearest(x, y_shape[1], 1), y_shape[2], 2);
  if (!is_floating(x.dtype())) {
    const std::array<double, 2> range = range_of(x.dtype());
    const Tensor y = interpolate(cast(x, floatx()), y_shape, interpolation, antialias);
    return cast(clip(round(y), range[0], range[1]), x.dtype());
  }
  if (interpolation == "bilinear" && !antialias) return bilinear(x, y_shape);
  return by_matrices(x, y_shape, interpolation, antialias);
}

/// The largest length within `length` that has the target's ratio to `other`.
std::int64_t fitting(std::int64_t length, std::int64_t other, std::int64_t target, std::int64_t other_target) {
  const auto wanted =
      static_cast<std::int64_t>(static_cast<double>(other * target) / static_cast<double>(other_target));
  return std::max<std::int64_t>(std::min(length, wanted), 1);
}

Tensor cut(const Tensor& x, const std::array<std::int64_t, 2>& size) {
  const std::int64_t height = x.shape()[1], width = x.shape()[2];
  const std::int64_t rows = fitting(height, width, size[0], size[1]),
                     columns = fitting(width, height, size[1], size[0]);
  return slice(x, {0, (height - rows) / 2, (width - columns) / 2, 0}, {x.shape()[0], rows, columns, x.shape()[3]});
}

Tensor filled_up(const Tensor& x, const std::array<std::int64_t, 2>& size, double fill_value) {
  const std::int64_t height = x.shape()[1], width = x.shape()[2];
  const auto missing = [](std::int64_t length, std::int64_t other, std::int64_t target, std::int64_t other_target) {
    const double wanted = static_cast<double>(other * target) / static_cast<double>(other_target);
    return std::max<std::int64_t>(static_cast<std::int64_t>(wanted) - length, 0) / 2;
  };
  const std::int64_t rows = missing(height, width, size[0], size[1]);
  const std::int64_t columns = rows > 0 ? 0 : missing(width, height, size[1], size[0]);
  return pad(x, {{0, 0}, {rows, rows}, {columns, columns}, {0, 0}}, "constant", fill_value);
}

Tensor resize_last(const Tensor& x, const std::array<std::int64_t, 2>& size, const ResizeArguments& arguments) {
  Tensor y = x;
  if (arguments.crop_to_aspect_ratio) y = cut(x, size);
  if (arguments.pad_to_aspect_ratio) y = filled_up(x, size, arguments.fill_value);
  return interpolate(y, Shape{x.shape()[0], size[0], size[1], x.shape()[3]}, arguments.interpolation,
                     arguments.antialias);
}

}  // namespace

Tensor resize(const Tensor& images, const std::array<std::int64_t, 2>& size, const std::string& interpolation,
              const std::string& data_format) {
  return resize_image(images, size, {.interpolation = interpolation, .data_format = data_format});
}

Tensor resize_image(const Tensor& images, const std::array<std::int64_t, 2>& size, const ResizeArguments& arguments) {
  const std::string& interpolation = arguments.interpolation;
  if (arguments.crop_to_aspect_ratio && arguments.pad_to_aspect_ratio) {
    ops::fail(resize_op, ": crop_to_aspect_ratio and pad_to_aspect_ratio exclude each other, got both");
  }
  ops::require_numbers(images, resize_op);
  if (interpolation != "nearest" && interpolation != "bilinear" && interpolation != "bicubic" &&
      interpolation != "lanczos3" && interpolation != "lanczos5") {
    ops::fail(resize_op,
              ": interpolation must be \"nearest\", \"bilinear\", \"bicubic\", \"lanczos3\" or \"lanczos5\", got \"",
              interpolation, "\"");
  }
  if (size[0] < 1 || size[1] < 1) ops::fail(resize_op, ": size must be positive, got (", size[0], ", ", size[1], ")");
  constexpr std::int64_t most = std::int64_t{1} << 20;
  if (size[0] > most || size[1] > most) {
    ops::fail(resize_op, ": size must be at most ", most, " each way, got (", size[0], ", ", size[1], ")");
  }
  if (images.rank() != 3 && images.rank() != 4) {
    ops::fail(resize_op, ": images must have 3 axes, or 4 with a batch, got ", images.shape());
  }
  const bool first = ops::is_channels_first(arguments.data_format, resize_op);
  Tensor x = images.rank() == 3 ? expand_dims(images, 0) : images;
  if (first) x = ops::channels_to_last(x);
  if (x.shape()[1] < 1 || x.shape()[2] < 1) ops::fail(resize_op, ": images hold no pixels: ", images.shape());
  Tensor y = resize_last(x, size, arguments);
  if (first) y = ops::channels_to_first(y);
  return images.rank() == 3 ? squeeze(y, 0) : y;
}

Tensor upsample(const Tensor& given, const std::vector<std::int64_t>& size, const std::string& data_format) {
  ops::require_numbers(given, "upsample");
  const int rank = ops::spatial_rank(given, "upsample");
  const std::array<std::int64_t, 3> times = ops::per_axis(size, rank, "upsample", "size");
  const bool first = ops::is_channels_first(data_format, "upsample");
  const Tensor x = first ? ops::channels_to_last(given) : given;
  Shape between{x.shape().front()}, repeated = between, result = between;
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank); ++axis) {
    const std::int64_t cells = x.shape()[axis + 1];
    between.push_back(cells);
    between.push_back(1);
    repeated.push_back(cells);
    repeated.push_back(times[axis]);
    result.push_back(cells * times[axis]);
  }
  for (Shape* shape : {&between, &repeated, &result}) shape->push_back(x.shape().back());
  const Tensor y = reshape(broadcast_to(reshape(x, between), repeated), result);
  return first ? ops::channels_to_first(y) : y;
}

}  // namespace nyala
