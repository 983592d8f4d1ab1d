#include <algorithm>

#include <nyala/ops/activations.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/shape.hpp>

#include "backend/common/fused_activation.hpp"
#include "ops/activation_gradient.hpp"
#include "ops/convolution_parts.hpp"
#include "ops/nn_support.hpp"
#include "ops/window.hpp"

namespace nyala {

using backend::Window;

namespace {

constexpr const char* transpose_op = "conv_transpose";

/// One spatial axis: the convolution whose input gradient this is has an input of `reached` cells, which zeros extend
/// to `length`.
struct TransposedAxis {
  std::int64_t length = 0, reached = 0, pad_before = 0, pad_after = 0;
};

TransposedAxis transposed_axis(std::int64_t in, std::int64_t covered, std::int64_t stride, bool same,
                               std::optional<std::int64_t> output_padding) {
  TransposedAxis axis;
  if (!same) {
    axis.length = (in - 1) * stride + covered + output_padding.value_or(std::max(covered, stride) - covered);
  } else {
    const std::int64_t total = output_padding ? covered + covered % 2 - 2 + *output_padding : stride + covered - 2;
    axis.length = output_padding ? (in - 1) * stride + covered % 2 + *output_padding : in * stride;
    axis.pad_before = covered - 1 - std::min((total + 1) / 2, covered - 1);
  }
  const std::int64_t used = (in - 1) * stride + covered;
  axis.pad_after = std::max<std::int64_t>(used - axis.pad_before - axis.length, 0);
  // The convolution ignores up to stride - 1 cells at its input's end; more than that no window reaches.
  axis.reached = std::min(axis.length, used + stride - 1 - axis.pad_before);
  return axis;
}

std::vector<std::int64_t> checked_output_padding(const std::vector<std::int64_t>& given, int rank) {
  const auto count = static_cast<int>(given.size());
  if (count > 1 && count != rank) {
    ops::fail(transpose_op, ": output_padding must hold no number, one, or one per spatial axis (", rank, "), got ",
              count, " numbers");
  }
  for (const std::int64_t each : given) {
    if (each < 0) ops::fail(transpose_op, ": output_padding must not be negative, got ", each);
  }
  return count == 1 ? std::vector<std::int64_t>(static_cast<std::size_t>(rank), given.front()) : given;
}

Tensor activated(const Tensor& x, FusedActivation activation) {
  return activation == FusedActivation::none ? x : ops::activate(backend::unary_of(activation), transpose_op, x);
}

/// The same without a second tensor.
void finish_in_place(Tensor& y, const Tensor& bias, FusedActivation activation) {
  backend::Kernels& kernels = backend::kernels(y);
  if (bias.defined()) kernels.binary(backend::Binary::add, y, bias, y);
  if (activation != FusedActivation::none) kernels.unary(backend::unary_of(activation), y, y);
}

}  // namespace

Tensor conv_transpose(const Tensor& given, const Tensor& kernel, const Tensor& bias, const ConvArguments& arguments,
                      const std::vector<std::int64_t>& output_padding) {
  const DType dtype = ops::floating_dtype(given, kernel, transpose_op);
  Window window;
  window.rank = ops::spatial_rank(given, transpose_op);
  if (kernel.rank() != given.rank()) {
    ops::fail(transpose_op, ": x ", given.shape(), " takes a kernel of ", given.rank(), " axes, got ", kernel.shape());
  }
  window.strides = ops::per_axis(arguments.strides, window.rank, transpose_op, "strides");
  window.dilation = ops::per_axis(arguments.dilation_rate, window.rank, transpose_op, "dilation_rate");
  const bool same = ops::padding_mode(arguments.padding, false, transpose_op) == ops::PaddingMode::same;
  const std::vector<std::int64_t> extra = checked_output_padding(output_padding, window.rank);
  const bool first = ops::is_channels_first(arguments.data_format, transpose_op);
  const Tensor x = ops::in_dtype(first ? ops::channels_to_last(given) : given, dtype);
  const std::int64_t filters = kernel.shape()[kernel.shape().size() - 2];
  if (x.shape().back() != kernel.shape().back()) {
    ops::fail(transpose_op, ": the kernel ", kernel.shape(), " (k…, filters, channels) takes ", kernel.shape().back(),
              " channels, x ", given.shape(), " has ", x.shape().back());
  }
  if (bias.defined() && (bias.rank() != 1 || bias.shape()[0] != filters)) {
    ops::fail(transpose_op, ": the bias must have the shape (", filters, ",), one number per filter, got ",
              bias.shape());
  }

  Shape reached = x.shape();
  reached.back() = filters;
  std::vector<Padding> zeros(reached.size());
  bool extended = false;
  for (std::size_t i = 0; i < static_cast<std::size_t>(window.rank); ++i) {
    window.size[i] = kernel.shape()[i];
    if (window.size[i] < 1) ops::fail(transpose_op, ": the kernel must not be empty, got ", kernel.shape());
    const TransposedAxis axis = transposed_axis(x.shape()[i + 1], ops::extent(window, i), window.strides[i], same,
                                                extra.empty() ? std::nullopt : std::optional<std::int64_t>(extra[i]));
    if (x.shape()[i + 1] < 1 || axis.length < 1) {
      ops::fail(transpose_op, ": the output would be empty: x ", given.shape(), ", kernel ", kernel.shape(),
                ", output length ", axis.length, " on spatial axis ", i);
    }
    reached[i + 1] = axis.reached;
    window.pad_before[i] = axis.pad_before;
    window.pad_after[i] = axis.pad_after;
    zeros[i + 1].after = axis.length - axis.reached;
    extended = extended || axis.length > axis.reached;
  }
  Tensor y = ops::convolve_backward_data(x, ops::in_dtype(kernel, dtype), window, reached, transpose_op);
  if (extended) y = pad(y, zeros);
  if (autograd::recording(x, kernel, bias)) {
    if (bias.defined()) y = y + ops::in_dtype(bias, dtype);
    y = activated(y, arguments.activation);
  } else {
    finish_in_place(y, bias.defined() ? ops::in_dtype(bias, dtype) : bias, arguments.activation);
  }
  return first ? ops::channels_to_first(y) : y;
}

}  // namespace nyala
