#include <optional>

#include <nyala/ops/activations.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>

#include "ops/common.hpp"

namespace nyala {

namespace {

using autograd::Backward;
using backend::Binary;
using ops::kept_for;
using ops::Operands;
using ops::reduce_to;

Tensor run(Binary op, const Operands& o) {
  Tensor y = Tensor::empty(o.shape(), o.dtype(), o.a().device());
  backend::kernels(o.a(), o.b()).binary(op, o.a(), o.b(), y);
  return y;
}

/// Records y with a gradient function of both operands: first(g, a, b) and second(g, a, b) give their gradients in y's
/// shape. What they use of a and b is kept where Keep says so.
struct Keep {
  bool a_for_a = false, b_for_a = false, a_for_b = false, b_for_b = false;
};
constexpr Keep keep_none{}, keep_both{true, true, true, true};

template <class First, class Second>
void record(Tensor& y, const char* op, const Operands& o, Keep keep, First first, Second second) {
  if (!o.recorded()) return;
  const bool needs_a = autograd::tracked(o.a()), needs_b = autograd::tracked(o.b());
  autograd::attach(y, op, {o.a(), o.b()},
                   [a = (keep.a_for_a && needs_a) || (keep.a_for_b && needs_b) ? o.a() : Tensor(),
                    b = (keep.b_for_a && needs_a) || (keep.b_for_b && needs_b) ? o.b() : Tensor(),
                    a_shape = o.a().shape(), b_shape = o.b().shape(), first, second](Backward& g) {
                     if (g.needs(0)) g.set(0, reduce_to(first(g.grad(), a, b), a_shape));
                     if (g.needs(1)) g.set(1, reduce_to(second(g.grad(), a, b), b_shape));
                   });
}

using T = const Tensor&;

/// The part of the gradient that goes to the operand that was chosen; equal operands share it evenly, as in JAX.
Tensor chosen(const Tensor& g, const Tensor& wins, const Tensor& ties) {
  return where(wins, g, where(ties, g * 0.5, 0.0));
}

Tensor zeros_of(T g, T, T) { return zeros_like(g); }

Tensor logical(Binary op, const char* name, const Tensor& x1, const Tensor& x2) {
  return run(op, Operands(x1, x2, name, DType::boolean));
}

bool both_bool(const Operands& o) { return o.dtype() == DType::boolean; }

/// Keras counts bools as int32 in these.
DType at_least_int32(const Tensor& x1, const Tensor& x2) {
  const DType dtype = ops::promoted_dtype(x1, x2);
  return dtype == DType::boolean ? DType::int32 : dtype;
}

/// 2 (a - b) g, in one tensor where nothing of it is recorded.
Tensor squared_difference_gradient(const Tensor& g, const Tensor& a, const Tensor& b) {
  if (autograd::recording(g, a, b) || a.shape() != g.shape() || b.shape() != g.shape()) return g * ((a - b) * 2.0);
  Tensor result = ops::empty_like(g);
  backend::Kernels& kernels = backend::kernels(g);
  kernels.binary(Binary::subtract, a, b, result);
  kernels.binary(Binary::add, result, result, result);
  kernels.binary(Binary::multiply, g, result, result);
  return result;
}

/// The exponent, if it is one number that is not differentiated, and not 0.
std::optional<double> fixed_exponent(const Operands& o) {
  const Tensor& b = o.b();
  if (b.rank() != 0 || !is_floating(o.dtype()) || b.device().kind() != Device::Kind::cpu || autograd::tracked(b))
    return std::nullopt;
  const double exponent = b.item<double>();
  return exponent == 0.0 ? std::nullopt : std::optional(exponent);
}

Tensor power_of(const Operands& o, double exponent) {
  const bool squares = exponent == 2.0;
  Tensor y = Tensor::empty(o.shape(), o.dtype(), o.a().device());
  if (squares)
    backend::kernels(o.a()).unary(backend::Unary::square, o.a(), y, {});
  else
    backend::kernels(o.a(), o.b()).binary(Binary::power, o.a(), o.b(), y);
  record(
      y, "power", o, {.a_for_a = true},
      [exponent, squares](T g, T a, T) { return g * (squares ? a * 2.0 : exponent * power(a, exponent - 1.0)); },
      zeros_of);
  return y;
}

}  // namespace

Tensor add(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "add");
  Tensor y = run(both_bool(o) ? Binary::logical_or : Binary::add, o);
  record(
      y, "add", o, keep_none, [](T g, T, T) { return g; }, [](T g, T, T) { return g; });
  return y;
}

Tensor subtract(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "subtract");
  if (both_bool(o)) ops::fail("subtract: takes numbers, got bool and bool; see logical_xor");
  Tensor y = run(Binary::subtract, o);
  record(
      y, "subtract", o, keep_none, [](T g, T, T) { return g; }, [](T g, T, T) { return -g; });
  return y;
}

Tensor multiply(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "multiply");
  Tensor y = run(both_bool(o) ? Binary::logical_and : Binary::multiply, o);
  record(
      y, "multiply", o, {.b_for_a = true, .a_for_b = true}, [](T g, T, T b) { return g * b; },
      [](T g, T a, T) { return g * a; });
  return y;
}

Tensor divide(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "divide", Operands::Floating{});
  Tensor y = run(Binary::divide, o);
  record(
      y, "divide", o, {.b_for_a = true, .a_for_b = true, .b_for_b = true}, [](T g, T, T b) { return g / b; },
      [](T g, T a, T b) { return -(g / b) * (a / b); });
  return y;
}

Tensor divide_no_nan(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "divide_no_nan", Operands::Floating{});
  const Tensor nothing = equal(o.b(), 0.0);
  return where(nothing, 0.0, divide(o.a(), where(nothing, 1.0, o.b())));
}

Tensor floor_divide(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "floor_divide", at_least_int32(x1, x2));
  Tensor y = run(Binary::floor_divide, o);
  record(y, "floor_divide", o, keep_none, zeros_of, zeros_of);
  return y;
}

Tensor mod(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "mod", at_least_int32(x1, x2));
  Tensor y = run(Binary::mod, o);
  record(
      y, "mod", o, {.a_for_b = true, .b_for_b = true}, [](T g, T, T) { return g; },
      [](T g, T a, T b) { return -(g * floor_divide(a, b)); });
  return y;
}

Tensor power(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "power", at_least_int32(x1, x2));
  if (const auto exponent = fixed_exponent(o)) return power_of(o, *exponent);
  Tensor y = run(Binary::power, o);
  // Where the exponent is 0 the power is constant in its base, and 0**b is constant in b > 0, whatever log(0) says.
  record(
      y, "power", o, keep_both,
      [](T g, T a, T b) {
        const Tensor constant = equal(b, 0.0);
        return where(constant, 0.0, g * b * power(a, where(constant, 1.0, b - 1.0)));
      },
      [](T g, T a, T b) { return g * log(where(equal(a, 0.0), 1.0, a)) * power(a, b); });
  return y;
}

Tensor maximum(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "maximum");
  Tensor y = run(both_bool(o) ? Binary::logical_or : Binary::maximum, o);
  record(
      y, "maximum", o, keep_both, [](T g, T a, T b) { return chosen(g, a > b, a == b); },
      [](T g, T a, T b) { return chosen(g, b > a, a == b); });
  return y;
}

Tensor minimum(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "minimum");
  Tensor y = run(both_bool(o) ? Binary::logical_and : Binary::minimum, o);
  record(
      y, "minimum", o, keep_both, [](T g, T a, T b) { return chosen(g, a < b, a == b); },
      [](T g, T a, T b) { return chosen(g, b < a, a == b); });
  return y;
}

Tensor arctan2(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "arctan2", Operands::Floating{});
  Tensor y = run(Binary::arctan2, o);
  record(
      y, "arctan2", o, keep_both, [](T g, T a, T b) { return g * b / (square(a) + square(b)); },
      [](T g, T a, T b) { return -(g * a / (square(a) + square(b))); });
  return y;
}

Tensor hypot(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "hypot", Operands::Floating{});
  Tensor y = run(Binary::hypot, o);
  record(
      y, "hypot", o, keep_both, [](T g, T a, T b) { return g * divide_no_nan(a, hypot(a, b)); },
      [](T g, T a, T b) { return g * divide_no_nan(b, hypot(a, b)); });
  return y;
}

Tensor logaddexp(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "logaddexp", Operands::Floating{});
  Tensor y = run(Binary::logaddexp, o);
  record(
      y, "logaddexp", o, keep_both, [](T g, T a, T b) { return g * sigmoid(a - b); },
      [](T g, T a, T b) { return g * sigmoid(b - a); });
  return y;
}

Tensor squared_difference(const Tensor& x1, const Tensor& x2) {
  const Operands o(x1, x2, "squared_difference", at_least_int32(x1, x2));
  Tensor y = run(Binary::squared_difference, o);
  record(
      y, "squared_difference", o, keep_both, [](T g, T a, T b) { return squared_difference_gradient(g, a, b); },
      [](T g, T a, T b) { return squared_difference_gradient(g, b, a); });
  return y;
}

Tensor logical_and(const Tensor& x1, const Tensor& x2) { return logical(Binary::logical_and, "logical_and", x1, x2); }
Tensor logical_or(const Tensor& x1, const Tensor& x2) { return logical(Binary::logical_or, "logical_or", x1, x2); }
Tensor logical_xor(const Tensor& x1, const Tensor& x2) { return logical(Binary::logical_xor, "logical_xor", x1, x2); }

Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
Tensor operator-(const Tensor& a, const Tensor& b) { return subtract(a, b); }
Tensor operator*(const Tensor& a, const Tensor& b) { return multiply(a, b); }
Tensor operator/(const Tensor& a, const Tensor& b) { return divide(a, b); }
Tensor operator%(const Tensor& a, const Tensor& b) { return mod(a, b); }
Tensor operator&&(const Tensor& a, const Tensor& b) { return logical_and(a, b); }
Tensor operator||(const Tensor& a, const Tensor& b) { return logical_or(a, b); }

}  // namespace nyala
