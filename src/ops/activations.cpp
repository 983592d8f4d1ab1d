#include <nyala/ops/activations.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/activation_gradient.hpp"
#include "ops/nn_support.hpp"

namespace nyala {

using backend::Unary;
using ops::activate;
using ops::in_floating;

Tensor relu(const Tensor& x, double negative_slope, std::optional<double> max_value, double threshold) {
  detail::require_defined(x, "relu");
  if (negative_slope == 0.0 && threshold == 0.0 && !max_value) {
    return is_integer(x.dtype()) ? maximum(x, 0) : activate(Unary::relu, "relu", x);
  }
  if (max_value && *max_value < 0.0) ops::fail("relu: max_value must not be negative, got ", *max_value);
  const Tensor input = in_floating(x, "relu");
  if (threshold == 0.0 && !max_value) return leaky_relu(input, negative_slope);
  Tensor positive;
  if (threshold != 0.0) {
    positive = input * cast(input > threshold, input.dtype());
    if (max_value) positive = clip(positive, 0.0, *max_value);
  } else {
    positive = *max_value == 6.0 ? relu6(input) : clip(relu(input), 0.0, *max_value);
  }
  if (negative_slope == 0.0) return positive;
  return positive - negative_slope * relu(threshold - input);
}

Tensor relu6(const Tensor& x) { return activate(Unary::relu6, "relu6", x); }
Tensor leaky_relu(const Tensor& x, double negative_slope) {
  return activate(Unary::leaky_relu, "leaky_relu", x, {.a = negative_slope});
}
Tensor elu(const Tensor& x, double alpha) { return activate(Unary::elu, "elu", x, {.a = alpha}); }
Tensor selu(const Tensor& x) { return activate(Unary::selu, "selu", x); }

Tensor celu(const Tensor& x, double alpha) {
  if (alpha == 0.0) ops::fail("celu: alpha must not be 0");
  return alpha == 1.0 ? activate(Unary::elu, "celu", x, {.a = 1.0})
                      : alpha * activate(Unary::elu, "celu", in_floating(x, "celu") * (1.0 / alpha), {.a = 1.0});
}

Tensor gelu(const Tensor& x, bool approximate) {
  return activate(approximate ? Unary::gelu_tanh : Unary::gelu, "gelu", x);
}
Tensor sigmoid(const Tensor& x) { return activate(Unary::sigmoid, "sigmoid", x); }
Tensor log_sigmoid(const Tensor& x) { return activate(Unary::log_sigmoid, "log_sigmoid", x); }
Tensor hard_sigmoid(const Tensor& x) { return activate(Unary::hard_sigmoid, "hard_sigmoid", x); }
Tensor silu(const Tensor& x) { return activate(Unary::silu, "silu", x); }
Tensor swish(const Tensor& x) { return silu(x); }
Tensor hard_silu(const Tensor& x) { return activate(Unary::hard_silu, "hard_silu", x); }
Tensor hard_swish(const Tensor& x) { return hard_silu(x); }
Tensor softplus(const Tensor& x) { return activate(Unary::softplus, "softplus", x); }
Tensor softsign(const Tensor& x) { return activate(Unary::softsign, "softsign", x); }
Tensor mish(const Tensor& x) { return activate(Unary::mish, "mish", x); }
Tensor hard_tanh(const Tensor& x) { return clip(x, -1, 1); }

Tensor tanh_shrink(const Tensor& x) {
  const Tensor input = in_floating(x, "tanh_shrink");
  return input - tanh(input);
}

Tensor soft_shrink(const Tensor& x, double threshold) {
  const Tensor input = in_floating(x, "soft_shrink");
  return input - clip(input, -threshold, threshold);
}

Tensor hard_shrink(const Tensor& x, double threshold) {
  const Tensor input = in_floating(x, "hard_shrink");
  return input * cast(abs(input) > threshold, input.dtype());
}

Tensor squareplus(const Tensor& x, double b) {
  const Tensor input = in_floating(x, "squareplus");
  return 0.5 * (input + sqrt(square(input) + b));
}

Tensor sparse_plus(const Tensor& x) {
  const Tensor input = in_floating(x, "sparse_plus");
  return where(input > 1.0, input, 0.25 * square(maximum(input, -1.0) + 1.0));
}

Tensor sparse_sigmoid(const Tensor& x) { return 0.5 * clip(in_floating(x, "sparse_sigmoid") + 1.0, 0.0, 2.0); }

Tensor threshold(const Tensor& x, double threshold, double default_value) {
  const Tensor input = in_floating(x, "threshold");
  return where(input > threshold, input, default_value);
}

Tensor exponential(const Tensor& x) { return exp(x); }
Tensor linear(const Tensor& x) { return x; }

Tensor glu(const Tensor& x, int axis) {
  const Tensor input = in_floating(x, "glu");
  const int resolved = ops::normalized_axis(axis, input.rank(), "glu");
  if (input.shape().at(resolved) % 2 != 0) {
    ops::fail("glu: axis ", axis, " of x ", input.shape(), " must be even, so that it has two halves");
  }
  const std::vector<Tensor> halves = split(input, 2, resolved);
  return halves[0] * sigmoid(halves[1]);
}

}  // namespace nyala
