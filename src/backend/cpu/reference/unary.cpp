#include "backend/cpu/reference/unary.hpp"

#include <concepts>

#include "backend/common/dispatch.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/map.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

/// What integers have of the functions: those that need no fractions.
template <class T>
T (*integer_function(Unary op))
(T) {
  switch (op) {
    case Unary::negative: return [](T x) { return scalar::subtract(T(0), x); };
    case Unary::abs: return [](T x) { return x < T(0) ? scalar::subtract(T(0), x) : x; };
    case Unary::sign: return [](T x) { return scalar::sign(x); };
    case Unary::square: return [](T x) { return scalar::multiply(x, x); };
    case Unary::floor:
    case Unary::ceil:
    case Unary::trunc:
    case Unary::round: return [](T x) { return x; };
    case Unary::relu: return [](T x) { return x < T(0) ? T(0) : x; };
    case Unary::relu6: return [](T x) { return x < T(0) ? T(0) : x > T(6) ? T(6) : x; };
    case Unary::bitwise_not: return [](T x) { return static_cast<T>(~x); };
    default: return nullptr;
  }
}

bool not_of(bool x) { return !x; }
bool self(bool x) { return x; }

template <class T>
bool is_zero(T x) {
  return x == T(0);
}

template <class T>
bool (*predicate_function(Predicate op))(T) {
  if constexpr (std::floating_point<T>) {
    switch (op) {
      case Predicate::isnan: return [](T x) { return std::isnan(x); };
      case Predicate::isinf: return [](T x) { return std::isinf(x); };
      case Predicate::isfinite: return [](T x) { return std::isfinite(x); };
    }
  }
  return op == Predicate::isfinite ? [](T) { return true; } : [](T) { return false; };
}

void unary_bool(Unary op, const Tensor& x, Tensor& out) {
  switch (op) {
    case Unary::bitwise_not: return map_elements(&not_of, out, Operand<bool>(x, out));
    case Unary::abs:
    case Unary::square:
    case Unary::sign:
    case Unary::floor:
    case Unary::ceil:
    case Unary::trunc:
    case Unary::round: return map_elements(&self, out, Operand<bool>(x, out));
    default: refuse_dtype("this elementwise function", x.dtype());
  }
}

}  // namespace

void ReferenceKernels::unary(Unary op, const Tensor& x, Tensor& out, UnaryParameters parameters) {
  if (is_half(x.dtype())) {
    Widened widened(*this);
    unary(op, widened.in(x), widened.out(out), parameters);
    return widened.finish();
  }
  if (op == Unary::logical_not) {
    return visit_arithmetic(x.dtype(), "logical_not", [&]<class T>(std::type_identity<T>) {
      map_elements(&is_zero<T>, out, Operand<T>(x, out));
    });
  }
  if (is_floating(x.dtype())) return unary_floating(op, x, out, parameters.a);
  if (x.dtype() == DType::boolean) return unary_bool(op, x, out);
  visit_number(x.dtype(), "unary", [&]<class T>(std::type_identity<T>) {
    if constexpr (std::integral<T>) {
      const auto f = integer_function<T>(op);
      if (f == nullptr) refuse_dtype("this elementwise function", x.dtype());
      map_elements(f, out, Operand<T>(x, out));
    }
  });
}

void ReferenceKernels::predicate(Predicate op, const Tensor& x, Tensor& out) {
  const Widened widened(*this);
  const Tensor wide = widened.in(x);
  visit_arithmetic(wide.dtype(), "predicate", [&]<class T>(std::type_identity<T>) {
    map_elements(predicate_function<T>(op), out, Operand<T>(wide, out));
  });
}

}  // namespace nyala::backend
