#include "ops/activation_gradient.hpp"

#include <cmath>
#include <numbers>

#include <nyala/error.hpp>
#include <nyala/ops/activations.hpp>
#include <nyala/ops/creation.hpp>

#include "backend/common/fused_activation.hpp"
#include "ops/nn_support.hpp"

namespace nyala::ops {

using backend::Unary;
using backend::UnaryParameters;

namespace {

constexpr double selu_alpha = 1.6732632423543772848170429916717;
constexpr double selu_scale = 1.0507009873554804934193349852946;

Tensor indicator(const Tensor& condition, const Tensor& like) { return cast(condition, like.dtype()); }

/// op'(x) by differentiable operations.
Tensor derivative(Unary op, const Tensor& x, const Tensor& y, UnaryParameters parameters) {
  const Tensor& given = y.defined() ? y : x;
  switch (op) {
    case Unary::sigmoid: return y * (1.0 - y);
    case Unary::tanh: return 1.0 - square(y);
    case Unary::relu: return indicator(given > 0.0, given);
    case Unary::relu6: return indicator(given > 0.0, given) * indicator(given < 6.0, given);
    case Unary::leaky_relu: return where(given > 0.0, ones_like(given), full_like(given, parameters.a));
    case Unary::elu:
      if (y.defined()) return where(y > 0.0, ones_like(y), y + parameters.a);
      return where(x > 0.0, ones_like(x), exp(minimum(x, 0.0)) * parameters.a);
    case Unary::selu: return where(y > 0.0, full_like(y, selu_scale), y + selu_scale * selu_alpha);
    case Unary::log_sigmoid: return sigmoid(-x);
    case Unary::softplus: return sigmoid(x);
    case Unary::softsign: return reciprocal(square(1.0 + abs(x)));
    case Unary::gelu:
      return 0.5 * (1.0 + erf(x * std::numbers::sqrt2 * 0.5)) +
             x * exp(-0.5 * square(x)) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2);
    case Unary::gelu_tanh: {
      const double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
      const Tensor t = tanh(scale * (x + 0.044715 * x * square(x)));
      return 0.5 * (1.0 + t) + 0.5 * scale * x * (1.0 - square(t)) * (1.0 + 3.0 * 0.044715 * square(x));
    }
    case Unary::silu: {
      const Tensor s = sigmoid(x);
      return s * (1.0 + x * (1.0 - s));
    }
    case Unary::hard_sigmoid: return indicator(abs(x) < 3.0, x) * (1.0 / 6.0);
    case Unary::hard_silu: return where(abs(x) < 3.0, x * (1.0 / 3.0) + 0.5, indicator(x > 0.0, x));
    case Unary::mish: {
      const Tensor t = tanh(softplus(x));
      return t + x * sigmoid(x) * (1.0 - square(t));
    }
    default: throw Error("an activation has no second derivative");
  }
}

}  // namespace

bool follows_from_output(Unary op, UnaryParameters parameters) {
  switch (op) {
    case Unary::sigmoid:
    case Unary::tanh:
    case Unary::relu:
    case Unary::relu6:
    case Unary::selu: return true;
    // A negative slope gives both halves of the axis one sign.
    case Unary::leaky_relu:
    case Unary::elu: return parameters.a >= 0.0;
    default: return false;
  }
}

Tensor unary_gradient(Unary op, const Tensor& x, const Tensor& y, const Tensor& gradient, UnaryParameters parameters) {
  if (autograd::recording(gradient, x, y)) return gradient * derivative(op, x, y, parameters);
  Tensor result = empty_like(gradient);
  backend::kernels(gradient).unary_backward(op, x, y, gradient, result, parameters);
  return result;
}

Tensor activate(Unary op, const char* name, const Tensor& given, UnaryParameters parameters) {
  const Tensor x = in_floating(given, name);
  Tensor y = empty_like(x);
  backend::kernels(x).unary(op, x, y, parameters);
  if (!autograd::recording(x)) return y;
  if (follows_from_output(op, parameters)) {
    autograd::attach(y, name, {x}, [op, parameters, kept = autograd::save_output(y)](autograd::Backward& g) {
      g.set(0, unary_gradient(op, {}, g.restore(kept), g.grad(), parameters));
    });
  } else {
    autograd::attach(y, name, {x}, [op, parameters, x](autograd::Backward& g) {
      g.set(0, unary_gradient(op, x, {}, g.grad(), parameters));
    });
  }
  return y;
}

FusedGradient::FusedGradient(FusedActivation activation, const Tensor& y, const Tensor& before) : shape(y.shape()) {
  applied.activation = activation;
  if (needs_before(activation))
    applied.before = detail::alias(before, rows_of(shape));  // not the recorded tensors: they hold this
  else if (activation != FusedActivation::none)
    applied.after = detail::alias(y, rows_of(shape));
}

Tensor FusedGradient::operator()(autograd::Backward& g, Tensor* sums) const {
  if (applied.activation == FusedActivation::none) return g.grad();
  if (g.is_before_activation()) {
    if (sums != nullptr) *sums = g.sums_before_activation();
    return g.grad();
  }
  const bool two = applied.before.defined();
  if (!autograd::recording() && !(two && g.grad(1).defined())) {
    Tensor result = g.place_like_grad(), rows = as_rows(result), none;
    if (result.size() == 0) return result;
    if (sums != nullptr) *sums = empty_beside(result, {shape.back()});
    backend::kernels(result).activation_backward(applied, as_rows(g.grad()), rows, sums != nullptr ? *sums : none);
    return result;
  }
  const Unary op = backend::unary_of(applied.activation);
  if (!two) return unary_gradient(op, {}, g.restore(detail::alias(applied.after, shape)), g.grad());
  Tensor result;
  if (g.grad().defined()) {
    result = unary_gradient(op, g.restore(detail::alias(applied.before, shape), 1), {}, g.grad());
  }
  if (!g.grad(1).defined()) return result;
  return result.defined() ? result + g.grad(1) : g.grad(1);
}

}  // namespace nyala::ops
