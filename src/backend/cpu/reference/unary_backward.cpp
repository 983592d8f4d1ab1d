#include "backend/common/dispatch.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/map.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

/// The derivative from x and the operation's parameter, or from y and the parameter.
template <class T>
using Derivative = T (*)(T, T);

template <class T>
Derivative<T> derivative_from_y(Unary op) {
  switch (op) {
    case Unary::sigmoid: return [](T y, T) { return y * (1 - y); };
    case Unary::tanh: return [](T y, T) { return 1 - y * y; };
    case Unary::relu: return [](T y, T) { return T(y > 0); };
    case Unary::relu6: return [](T y, T) { return T(y > 0 && y < 6); };
    case Unary::leaky_relu: return [](T y, T slope) { return std::signbit(y) ? slope : T(1); };
    case Unary::elu: return [](T y, T alpha) { return y > 0 ? T(1) : y + alpha; };
    case Unary::selu:
      return [](T y, T) { return y > 0 ? T(scalar::selu_scale) : y + T(scalar::selu_scale * scalar::selu_alpha); };
    case Unary::exp: return [](T y, T) { return y; };
    case Unary::sqrt: return [](T y, T) { return T(0.5) / y; };
    case Unary::rsqrt: return [](T y, T) { return T(-0.5) * y * y * y; };
    case Unary::reciprocal: return [](T y, T) { return -y * y; };
    case Unary::erfinv: return [](T y, T) { return std::exp(y * y) / (2 * std::numbers::inv_sqrtpi_v<T>); };
    default: return nullptr;
  }
}

template <class T>
T gelu_derivative(T x, T) {
  return T(0.5) * std::erfc(-x * (std::numbers::sqrt2_v<T> / 2)) + x * scalar::normal_density(x);
}

template <class T>
T gelu_tanh_derivative(T x, T) {
  const T t = std::tanh(scalar::gelu_tanh_argument(x));
  const T inner = std::numbers::sqrt2_v<T> * std::numbers::inv_sqrtpi_v<T> * (1 + T(3 * 0.044715) * x * x);
  return T(0.5) * (1 + t) + T(0.5) * x * (1 - t * t) * inner;
}

template <class T>
T silu_derivative(T x, T) {
  const T s = scalar::sigmoid(x);
  return s * (1 + x * (1 - s));
}

template <class T>
T mish_derivative(T x, T) {
  const T t = std::tanh(scalar::softplus(x));
  return t + x * (1 - t * t) * scalar::sigmoid(x);
}

template <class T>
Derivative<T> activation_derivative(Unary op) {
  switch (op) {
    case Unary::leaky_relu: return [](T x, T slope) { return x < 0 ? slope : T(1); };
    case Unary::elu: return [](T x, T alpha) { return x > 0 ? T(1) : alpha * std::exp(x); };
    case Unary::log_sigmoid: return [](T x, T) { return scalar::sigmoid(-x); };
    case Unary::softplus: return [](T x, T) { return scalar::sigmoid(x); };
    case Unary::softsign: return [](T x, T) { return 1 / ((1 + std::abs(x)) * (1 + std::abs(x))); };
    case Unary::gelu: return &gelu_derivative<T>;
    case Unary::gelu_tanh: return &gelu_tanh_derivative<T>;
    case Unary::silu: return &silu_derivative<T>;
    case Unary::hard_sigmoid: return [](T x, T) { return std::abs(x) < 3 ? T(1) / 6 : T(0); };
    case Unary::hard_silu: return [](T x, T) { return x <= -3 ? T(0) : x >= 3 ? T(1) : (2 * x + 3) / 6; };
    case Unary::mish: return &mish_derivative<T>;
    default: return nullptr;
  }
}

template <class T>
Derivative<T> derivative(Unary op) {
  switch (op) {
    case Unary::negative: return [](T, T) { return T(-1); };
    case Unary::abs: return [](T x, T) { return scalar::sign(x); };
    case Unary::square: return [](T x, T) { return 2 * x; };
    case Unary::exp2: return [](T x, T) { return std::exp2(x) * std::numbers::ln2_v<T>; };
    case Unary::expm1: return [](T x, T) { return std::exp(x); };
    case Unary::log: return [](T x, T) { return 1 / x; };
    case Unary::log1p: return [](T x, T) { return 1 / (1 + x); };
    case Unary::log2: return [](T x, T) { return std::numbers::log2e_v<T> / x; };
    case Unary::log10: return [](T x, T) { return std::numbers::log10e_v<T> / x; };
    case Unary::erf: return [](T x, T) { return 2 * std::numbers::inv_sqrtpi_v<T> * std::exp(-x * x); };
    case Unary::sin: return [](T x, T) { return std::cos(x); };
    case Unary::cos: return [](T x, T) { return -std::sin(x); };
    case Unary::tan: return [](T x, T) { return 1 + std::tan(x) * std::tan(x); };
    case Unary::arcsin: return [](T x, T) { return 1 / std::sqrt((1 - x) * (1 + x)); };
    case Unary::arccos: return [](T x, T) { return -1 / std::sqrt((1 - x) * (1 + x)); };
    case Unary::arctan: return [](T x, T) { return 1 / (1 + x * x); };
    case Unary::sinh: return [](T x, T) { return std::cosh(x); };
    case Unary::cosh: return [](T x, T) { return std::sinh(x); };
    case Unary::arcsinh: return [](T x, T) { return 1 / std::hypot(x, T(1)); };
    case Unary::arccosh: return [](T x, T) { return 1 / (std::sqrt(x - 1) * std::sqrt(x + 1)); };
    case Unary::arctanh: return [](T x, T) { return 1 / ((1 - x) * (1 + x)); };
    case Unary::sign:
    case Unary::floor:
    case Unary::ceil:
    case Unary::trunc:
    case Unary::round: return [](T, T) { return T(0); };
    default: return activation_derivative<T>(op);
  }
}

}  // namespace

void ReferenceKernels::unary_backward(Unary op, const Tensor& x, const Tensor& y, const Tensor& gradient, Tensor& out,
                                      UnaryParameters parameters) {
  if (is_half(gradient.dtype())) {
    Widened widened(*this);
    unary_backward(op, widened.in(x), widened.in(y), widened.in(gradient), widened.out(out), parameters);
    return widened.finish();
  }
  visit_floating(gradient.dtype(), "unary_backward", [&]<class T>(std::type_identity<T>) {
    Derivative<T> f = x.defined() ? derivative<T>(op) : nullptr;
    Tensor from = x;
    if (f == nullptr) {
      f = derivative_from_y<T>(op);
      if (f == nullptr) refuse_dtype("the derivative of a bitwise or logical operation", gradient.dtype());
      from = y;
      if (!from.defined()) {
        from = Tensor::empty(x.shape(), x.dtype(), x.device());
        unary(op, x, from, parameters);
      }
    }
    // The gradient may lie where its product with the slopes goes.
    const bool same = out.raw_data() == gradient.raw_data();
    Tensor slopes = same ? Tensor::empty(out.shape(), out.dtype(), out.device()) : out;
    map_elements(f, slopes, Operand<T>(from, slopes), Operand<T>(static_cast<T>(parameters.a)));
    out.xt<T>() = slopes.xt<T>() * gradient.xt<T>();
  });
}

}  // namespace nyala::backend
