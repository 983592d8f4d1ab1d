#include <nyala/ops/nn.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/convolution_parts.hpp"
#include "ops/follow_up.hpp"
#include "ops/nn_support.hpp"
#include "ops/window.hpp"

namespace nyala {

using backend::Window;

namespace {

void check_bias(const Tensor& bias, std::int64_t filters, const char* op) {
  if (bias.defined() && (bias.rank() != 1 || bias.shape()[0] != filters)) {
    ops::fail(op, ": the bias must have the shape (", filters, ",), one number per filter, got ", bias.shape());
  }
}

Window window_of(const Tensor& x, const Tensor& kernel, const ConvArguments& arguments, const char* op) {
  Window window;
  window.rank = ops::spatial_rank(x, op);
  if (kernel.rank() != x.rank()) {
    ops::fail(op, ": x ", x.shape(), " takes a kernel of ", x.rank(), " axes, got ", kernel.shape());
  }
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(window.rank); ++axis) {
    window.size[axis] = kernel.shape()[axis];
    if (window.size[axis] < 1) ops::fail(op, ": the kernel must not be empty, got ", kernel.shape());
  }
  window.strides = ops::per_axis(arguments.strides, window.rank, op, "strides");
  window.dilation = ops::per_axis(arguments.dilation_rate, window.rank, op, "dilation_rate");
  return window;
}

/// x with channels last, kernel (k…, in / groups, filters).
Tensor conv_last(const Tensor& x, const Tensor& kernel, const Tensor& bias, const ConvArguments& arguments,
                 Window& window, const char* op) {
  const DType dtype = ops::floating_dtype(x, kernel, op);
  const std::int64_t filters = kernel.shape().back();
  check_bias(bias, filters, op);
  const ops::PaddingMode mode = ops::padding_mode(arguments.padding, window.rank == 1, op);
  const Shape result = ops::place_window(window, mode, x.shape(), filters, op);
  return ops::convolve(ops::in_dtype(x, dtype), ops::in_dtype(kernel, dtype),
                       bias.defined() ? ops::in_dtype(bias, dtype) : bias, window, arguments.activation, result, op);
}

}  // namespace

Tensor conv(const Tensor& given, const Tensor& kernel, const Tensor& bias, const ConvArguments& arguments) {
  constexpr const char* op = "conv";
  detail::require_defined(given, op);
  detail::require_defined(kernel, op);
  Window window = window_of(given, kernel, arguments, op);
  const bool first = ops::is_channels_first(arguments.data_format, op);
  if (first) ops::OfferFollowUp::take();  // it is about the channels of another axis
  const Tensor x = first ? ops::channels_to_last(given) : given;
  const std::int64_t channels = x.shape().back(), taken = kernel.shape()[kernel.shape().size() - 2];
  if (taken == 0 || channels % taken != 0) {
    ops::fail(op, ": the kernel ", kernel.shape(), " takes ", taken, " channels, x ", given.shape(), " has ", channels);
  }
  window.groups = channels / taken;
  const std::int64_t filters = kernel.shape().back();
  if (window.groups == 0 || filters % window.groups != 0) {
    ops::fail(op, ": the number of filters must be divisible by the number of groups, got ", filters, " filters and ",
              window.groups, " groups (kernel ", kernel.shape(), ", x ", given.shape(), ")");
  }
  const Tensor y = conv_last(x, kernel, bias, arguments, window, op);
  return first ? ops::channels_to_first(y) : y;
}

Tensor depthwise_conv(const Tensor& given, const Tensor& kernel, const Tensor& bias, const ConvArguments& arguments) {
  constexpr const char* op = "depthwise_conv";
  detail::require_defined(given, op);
  detail::require_defined(kernel, op);
  Window window = window_of(given, kernel, arguments, op);
  const bool first = ops::is_channels_first(arguments.data_format, op);
  if (first) ops::OfferFollowUp::take();  // it is about the channels of another axis
  const Tensor x = first ? ops::channels_to_last(given) : given;
  Shape grouped = kernel.shape();
  const std::size_t in_axis = grouped.size() - 2;
  const std::int64_t channels = x.shape().back();
  if (grouped[in_axis] != channels || channels == 0) {
    ops::fail(op, ": the kernel ", kernel.shape(), " takes ", grouped[in_axis], " channels, x ", given.shape(), " has ",
              channels);
  }
  window.groups = channels;
  grouped[in_axis] = 1;
  grouped.back() *= channels;
  const Tensor y = conv_last(x, reshape(kernel, grouped), bias, arguments, window, op);
  return first ? ops::channels_to_first(y) : y;
}

Tensor separable_conv(const Tensor& x, const Tensor& depthwise_kernel, const Tensor& pointwise_kernel,
                      const Tensor& bias, const ConvArguments& arguments) {
  detail::require_defined(pointwise_kernel, "separable_conv");
  for (int axis = 0; axis + 2 < pointwise_kernel.rank(); ++axis) {
    if (pointwise_kernel.shape().at(axis) != 1) {
      ops::fail("separable_conv: the pointwise kernel must cover one cell, got ", pointwise_kernel.shape());
    }
  }
  ConvArguments pointwise{.data_format = arguments.data_format, .activation = arguments.activation};
  ConvArguments depthwise = arguments;
  depthwise.activation = FusedActivation::none;
  ops::FollowUp* const next = ops::OfferFollowUp::take();
  const Tensor between = depthwise_conv(x, depthwise_kernel, {}, depthwise);
  const ops::OfferFollowUp offer(next);
  return conv(between, pointwise_kernel, bias, pointwise);
}

}  // namespace nyala
