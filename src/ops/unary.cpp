#include <cmath>
#include <numbers>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>

#include "ops/common.hpp"

namespace nyala {

namespace {

using backend::Unary;

/// Operations whose derivative follows from their value keep that and not their input.
bool keeps_output(Unary op) {
  switch (op) {
    case Unary::exp:
    case Unary::sqrt:
    case Unary::rsqrt:
    case Unary::reciprocal:
    case Unary::tanh: return true;
    default: return false;
  }
}

/// gradient * op'(x) written with operations, for tapes around tapes. Of x and y only the one that is kept is there.
Tensor composed_gradient(Unary op, const Tensor& x, const Tensor& y, const Tensor& g) {
  using std::numbers::ln10;
  using std::numbers::ln2;
  switch (op) {
    case Unary::abs: return g * sign(x);
    case Unary::square: return g * (x * 2.0);
    case Unary::sqrt: return g / (y * 2.0);
    case Unary::rsqrt: return g * (y * square(y)) * -0.5;
    case Unary::reciprocal: return -(g * square(y));
    case Unary::exp: return g * y;
    case Unary::exp2: return g * (exp2(x) * ln2);
    case Unary::expm1: return g * exp(x);
    case Unary::log: return g / x;
    case Unary::log1p: return g / (x + 1.0);
    case Unary::log2: return g / (x * ln2);
    case Unary::log10: return g / (x * ln10);
    case Unary::erf: return g * (exp(-square(x)) * (2.0 * std::numbers::inv_sqrtpi));
    case Unary::erfinv: return g * (exp(square(erfinv(x))) * (0.5 / std::numbers::inv_sqrtpi));
    case Unary::sin: return g * cos(x);
    case Unary::cos: return -(g * sin(x));
    case Unary::tan: return g * (square(tan(x)) + 1.0);
    case Unary::arcsin: return g * rsqrt(1.0 - square(x));
    case Unary::arccos: return -(g * rsqrt(1.0 - square(x)));
    case Unary::arctan: return g / (square(x) + 1.0);
    case Unary::sinh: return g * cosh(x);
    case Unary::cosh: return g * sinh(x);
    case Unary::tanh: return g * (1.0 - square(y));
    case Unary::arcsinh: return g * rsqrt(square(x) + 1.0);
    case Unary::arccosh: return g * rsqrt(square(x) - 1.0);
    case Unary::arctanh: return g / (1.0 - square(x));
    default: return zeros_like(g);
  }
}

Tensor gradient(Unary op, const Tensor& x, const Tensor& y, const Tensor& g) {
  if (autograd::recording(g, x, y)) return composed_gradient(op, x, y, g);
  Tensor out = ops::empty_like(g);
  backend::kernels(g).unary_backward(op, x, y, g, out);
  return out;
}

Tensor apply(Unary op, const char* name, const Tensor& x) {
  Tensor y = ops::empty_like(x);
  backend::kernels(x).unary(op, x, y);
  if (autograd::recording(x)) {
    if (keeps_output(op)) {
      autograd::attach(y, name, {x}, [op, saved = autograd::save_output(y)](autograd::Backward& g) {
        g.set(0, gradient(op, {}, g.restore(saved), g.grad()));
      });
    } else {
      autograd::attach(y, name, {x}, [op, x](autograd::Backward& g) { g.set(0, gradient(op, x, {}, g.grad())); });
    }
  }
  return y;
}

/// In floating point whatever x is.
Tensor floating(Unary op, const char* name, const Tensor& x) {
  ops::require_numbers(x, name);
  return is_floating(x.dtype()) ? apply(op, name, x) : apply(op, name, cast(x, floatx()));
}

void refuse_bool(const Tensor& x, const char* name) {
  ops::require_numbers(x, name);
  if (x.dtype() == DType::boolean) ops::fail(name, ": takes numbers, got bool of shape ", x.shape());
}

/// Steps: constant but for their jumps, so that their gradient is zero.
Tensor step(Unary op, const char* name, const Tensor& x) {
  Tensor y = ops::empty_like(x);
  backend::kernels(x).unary(op, x, y);
  if (autograd::recording(x)) {
    autograd::attach(y, name, {x}, [](autograd::Backward& g) { g.set(0, zeros_like(g.grad())); });
  }
  return y;
}

Tensor predicate(backend::Predicate op, const char* name, const Tensor& x) {
  ops::require_numbers(x, name);
  Tensor y = Tensor::empty(x.shape(), DType::boolean, x.device());
  if (is_floating(x.dtype())) {
    backend::kernels(x).predicate(op, x, y);
  } else {
    backend::kernels(x).fill(y, op == backend::Predicate::isfinite ? 1.0 : 0.0);
  }
  return y;
}

}  // namespace

Tensor negative(const Tensor& x) {
  refuse_bool(x, "negative");
  Tensor y = ops::empty_like(x);
  backend::kernels(x).unary(Unary::negative, x, y);
  if (autograd::recording(x)) {
    autograd::attach(y, "negative", {x}, [](autograd::Backward& g) { g.set(0, negative(g.grad())); });
  }
  return y;
}

Tensor abs(const Tensor& x) {
  ops::require_numbers(x, "abs");
  return x.dtype() == DType::boolean ? x : apply(Unary::abs, "abs", x);
}

Tensor sign(const Tensor& x) {
  refuse_bool(x, "sign");
  return step(Unary::sign, "sign", x);
}

Tensor square(const Tensor& x) {
  ops::require_numbers(x, "square");
  return x.dtype() == DType::boolean ? cast(x, DType::int32) : apply(Unary::square, "square", x);
}

Tensor sqrt(const Tensor& x) { return floating(Unary::sqrt, "sqrt", x); }
Tensor rsqrt(const Tensor& x) { return floating(Unary::rsqrt, "rsqrt", x); }
Tensor reciprocal(const Tensor& x) { return floating(Unary::reciprocal, "reciprocal", x); }
Tensor exp(const Tensor& x) { return floating(Unary::exp, "exp", x); }
Tensor exp2(const Tensor& x) { return floating(Unary::exp2, "exp2", x); }
Tensor expm1(const Tensor& x) { return floating(Unary::expm1, "expm1", x); }
Tensor log(const Tensor& x) { return floating(Unary::log, "log", x); }
Tensor log1p(const Tensor& x) { return floating(Unary::log1p, "log1p", x); }
Tensor log2(const Tensor& x) { return floating(Unary::log2, "log2", x); }
Tensor log10(const Tensor& x) { return floating(Unary::log10, "log10", x); }
Tensor erf(const Tensor& x) { return floating(Unary::erf, "erf", x); }
Tensor erfinv(const Tensor& x) { return floating(Unary::erfinv, "erfinv", x); }
Tensor sin(const Tensor& x) { return floating(Unary::sin, "sin", x); }
Tensor cos(const Tensor& x) { return floating(Unary::cos, "cos", x); }
Tensor tan(const Tensor& x) { return floating(Unary::tan, "tan", x); }
Tensor arcsin(const Tensor& x) { return floating(Unary::arcsin, "arcsin", x); }
Tensor arccos(const Tensor& x) { return floating(Unary::arccos, "arccos", x); }
Tensor arctan(const Tensor& x) { return floating(Unary::arctan, "arctan", x); }
Tensor sinh(const Tensor& x) { return floating(Unary::sinh, "sinh", x); }
Tensor cosh(const Tensor& x) { return floating(Unary::cosh, "cosh", x); }
Tensor tanh(const Tensor& x) { return floating(Unary::tanh, "tanh", x); }
Tensor arcsinh(const Tensor& x) { return floating(Unary::arcsinh, "arcsinh", x); }
Tensor arccosh(const Tensor& x) { return floating(Unary::arccosh, "arccosh", x); }
Tensor arctanh(const Tensor& x) { return floating(Unary::arctanh, "arctanh", x); }

Tensor floor(const Tensor& x) {
  ops::require_numbers(x, "floor");
  return is_floating(x.dtype()) ? step(Unary::floor, "floor", x) : cast(x, floatx());
}

Tensor ceil(const Tensor& x) {
  ops::require_numbers(x, "ceil");
  return is_floating(x.dtype()) ? step(Unary::ceil, "ceil", x) : cast(x, floatx());
}

Tensor trunc(const Tensor& x) {
  ops::require_numbers(x, "trunc");
  return is_floating(x.dtype()) ? step(Unary::trunc, "trunc", x) : x;
}

Tensor round(const Tensor& x, int decimals) {
  refuse_bool(x, "round");
  if (!is_floating(x.dtype())) {
    return decimals >= 0 ? x : cast(round(cast(x, DType::float64), decimals), x.dtype());
  }
  if (decimals == 0) return step(Unary::round, "round", x);
  const double scale = std::pow(10.0, std::abs(decimals));
  return decimals > 0 ? step(Unary::round, "round", x * scale) / scale : step(Unary::round, "round", x / scale) * scale;
}

Tensor isnan(const Tensor& x) { return predicate(backend::Predicate::isnan, "isnan", x); }
Tensor isinf(const Tensor& x) { return predicate(backend::Predicate::isinf, "isinf", x); }
Tensor isfinite(const Tensor& x) { return predicate(backend::Predicate::isfinite, "isfinite", x); }

Tensor logical_not(const Tensor& x) {
  ops::require_numbers(x, "logical_not");
  const Tensor condition = cast(x, DType::boolean);
  Tensor y = ops::empty_like(condition);
  backend::kernels(condition).unary(Unary::logical_not, condition, y);
  return y;
}

Tensor operator-(const Tensor& a) { return negative(a); }
Tensor operator!(const Tensor& a) { return logical_not(a); }

}  // namespace nyala
