#include "backend/common/dispatch.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/map.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

template <class T>
T squared_difference(T a, T b) {
  const T difference = scalar::subtract(a, b);
  return scalar::multiply(difference, difference);
}

template <class T>
T (*function(Binary op))
(T, T) {
  if constexpr (std::floating_point<T>) {
    switch (op) {
      case Binary::divide: return [](T a, T b) { return a / b; };
      case Binary::arctan2: return [](T a, T b) { return std::atan2(a, b); };
      case Binary::hypot: return [](T a, T b) { return std::hypot(a, b); };
      case Binary::logaddexp: return &scalar::logaddexp<T>;
      default: break;
    }
  }
  if constexpr (!std::same_as<T, bool>) {
    switch (op) {
      case Binary::floor_divide: return &scalar::floor_divide<T>;
      case Binary::mod: return &scalar::mod<T>;
      case Binary::power: return &scalar::power<T>;
      default: break;
    }
  }
  switch (op) {
    case Binary::add: return &scalar::add<T>;
    case Binary::subtract: return &scalar::subtract<T>;
    case Binary::multiply: return &scalar::multiply<T>;
    case Binary::maximum: return &scalar::maximum<T>;
    case Binary::minimum: return &scalar::minimum<T>;
    case Binary::squared_difference: return &squared_difference<T>;
    default: return nullptr;
  }
}

template <class T>
bool (*logical_function(Binary op))(T, T) {
  switch (op) {
    case Binary::logical_and: return [](T a, T b) { return a != T(0) && b != T(0); };
    case Binary::logical_or: return [](T a, T b) { return a != T(0) || b != T(0); };
    case Binary::logical_xor: return [](T a, T b) { return (a != T(0)) != (b != T(0)); };
    default: return nullptr;
  }
}

}  // namespace

void ReferenceKernels::binary(Binary op, const Tensor& a, const Tensor& b, Tensor& out) {
  if (is_half(a.dtype())) {
    Widened widened(*this);
    binary(op, widened.in(a), widened.in(b), widened.out(out));
    return widened.finish();
  }
  visit_arithmetic(a.dtype(), "binary", [&]<class T>(std::type_identity<T>) {
    if (const auto logical = logical_function<T>(op))
      return map_elements(logical, out, Operand<T>(a, out), Operand<T>(b, out));
    const auto f = function<T>(op);
    if (f == nullptr) refuse_dtype("this operation of two numbers", a.dtype());
    map_elements(f, out, Operand<T>(a, out), Operand<T>(b, out));
  });
}

}  // namespace nyala::backend
