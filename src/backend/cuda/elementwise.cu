#include "backend/common/unary_math.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/dispatch.hpp"
#include "backend/cuda/places.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

template <class T>
struct UnaryMap {
  Unary op;
  const T* x;
  T* out;
  Wide<T> a;
  constexpr void operator()(std::int64_t i) const {
    out[i] = static_cast<T>(scalar::unary_value(op, static_cast<Wide<T>>(x[i]), a));
  }
};

template <class T>
struct IsZero {
  const T* x;
  bool* out;
  constexpr void operator()(std::int64_t i) const { out[i] = static_cast<Wide<T>>(x[i]) == Wide<T>(0); }
};

/// The derivative of what x is, or of what y is where x is null.
template <class T>
struct UnaryBackwardMap {
  Unary op;
  const T *x, *y, *gradient;
  T* out;
  Wide<T> a;
  constexpr void operator()(std::int64_t i) const {
    const Wide<T> slope = y == nullptr ? scalar::derivative_of_argument(op, static_cast<Wide<T>>(x[i]), a)
                                       : scalar::derivative_of_result(op, static_cast<Wide<T>>(y[i]), a);
    out[i] = static_cast<T>(slope * static_cast<Wide<T>>(gradient[i]));
  }
};

template <class T>
struct PredicateMap {
  Predicate op;
  const T* x;
  bool* out;
  constexpr void operator()(std::int64_t i) const {
    const auto value = static_cast<Wide<T>>(x[i]);
    const bool number = value == value, finite = value - value == Wide<T>(0);
    out[i] = op == Predicate::isnan ? !number : op == Predicate::isinf ? number && !finite : finite;
  }
};
struct PredicateOfIntegers {
  bool value;
  bool* out;
  constexpr void operator()(std::int64_t i) const { out[i] = value; }
};

/// Where the operands of element i of the result lie; `same`: at i, all of them.
template <int N>
struct Operands {
  Places<N> places;
  bool same;
  constexpr typename Places<N>::At operator()(std::int64_t i) const {
    if (!same) return places(i);
    typename Places<N>::At at{};
    for (int n = 0; n < N; ++n) at.of[n] = i;
    return at;
  }
};

template <std::size_t N>
Operands<static_cast<int>(N)> operands(const Tensor& out, const std::array<const Shape*, N>& shapes) {
  bool same = true;
  for (const Shape* shape : shapes) same = same && shape->elements() == out.size();
  return {places_of(BroadcastWalk<N>(out.shape(), shapes)), same};
}

template <std::floating_point T>
constexpr T binary_floating(Binary op, T a, T b) {
  switch (op) {
    case Binary::divide: return a / b;
    case Binary::arctan2: return std::atan2(a, b);
    case Binary::hypot: return std::hypot(a, b);
    case Binary::logaddexp: return scalar::logaddexp(a, b);
    default: return T(0);
  }
}

template <class T>
constexpr T binary_value(Binary op, T a, T b) {
  switch (op) {
    case Binary::add: return scalar::add(a, b);
    case Binary::subtract: return scalar::subtract(a, b);
    case Binary::multiply: return scalar::multiply(a, b);
    case Binary::maximum: return scalar::maximum(a, b);
    case Binary::minimum: return scalar::minimum(a, b);
    case Binary::squared_difference: return scalar::multiply(scalar::subtract(a, b), scalar::subtract(a, b));
    default: break;
  }
  if constexpr (!std::same_as<T, bool>) {
    switch (op) {
      case Binary::floor_divide: return scalar::floor_divide(a, b);
      case Binary::mod: return scalar::mod(a, b);
      case Binary::power: return scalar::power(a, b);
      default: break;
    }
  }
  if constexpr (std::floating_point<T>) return binary_floating(op, a, b);
  return T(0);
}

/// Whether the backend has the operation for the dtype; as on the CPU.
bool has_binary(Binary op, DType dtype) {
  switch (op) {
    case Binary::divide:
    case Binary::arctan2:
    case Binary::hypot:
    case Binary::logaddexp: return is_floating(dtype);
    case Binary::floor_divide:
    case Binary::mod:
    case Binary::power: return dtype != DType::boolean;
    default: return true;
  }
}

template <class T>
struct BinaryMap {
  Binary op;
  const T *a, *b;
  T* out;
  Operands<2> operands;
  constexpr void operator()(std::int64_t i) const {
    const auto at = operands(i);
    out[i] = static_cast<T>(binary_value(op, static_cast<Wide<T>>(a[at.of[0]]), static_cast<Wide<T>>(b[at.of[1]])));
  }
};

template <class T>
struct LogicalMap {
  Binary op;
  const T *a, *b;
  bool* out;
  Operands<2> operands;
  constexpr void operator()(std::int64_t i) const {
    const auto at = operands(i);
    const bool left = static_cast<Wide<T>>(a[at.of[0]]) != Wide<T>(0);
    const bool right = static_cast<Wide<T>>(b[at.of[1]]) != Wide<T>(0);
    out[i] = op == Binary::logical_and ? left && right : op == Binary::logical_or ? left || right : left != right;
  }
};

template <class T>
struct CompareMap {
  Compare op;
  const T *left, *right;
  bool* out;
  Operands<2> operands;
  constexpr bool holds(Wide<T> a, Wide<T> b) const {
    switch (op) {
      case Compare::equal: return a == b;
      case Compare::not_equal: return a != b;
      case Compare::less: return a < b;
      case Compare::less_equal: return a <= b;
      case Compare::greater: return a > b;
      case Compare::greater_equal: return a >= b;
    }
    return false;
  }
  constexpr void operator()(std::int64_t i) const {
    const auto at = operands(i);
    out[i] = holds(static_cast<Wide<T>>(left[at.of[0]]), static_cast<Wide<T>>(right[at.of[1]]));
  }
};

template <class T>
struct WhereMap {
  const bool* condition;
  const T *a, *b;
  T* out;
  Operands<3> operands;
  constexpr void operator()(std::int64_t i) const {
    const auto at = operands(i);
    out[i] = condition[at.of[0]] ? a[at.of[1]] : b[at.of[2]];
  }
};

}  // namespace

void CudaKernels::unary(Unary op, const Tensor& x, Tensor& out, UnaryParameters parameters) {
  const cudaStream_t stream = context_.stream();
  if (op == Unary::logical_not) {
    return visit_any(x.dtype(), "logical_not", [&]<class T>(std::type_identity<T>) {
      launch(stream, out.size(), IsZero<T>{elements<T>(x), elements<bool>(out)});
    });
  }
  const bool known = is_floating(x.dtype()) ? op != Unary::bitwise_not : scalar::unary_of_integers(op);
  const bool odd = x.dtype() == DType::boolean && (op == Unary::negative || op == Unary::relu || op == Unary::relu6);
  if (!known || odd) refuse_dtype("this elementwise function", x.dtype());
  visit_any(x.dtype(), "unary", [&]<class T>(std::type_identity<T>) {
    launch(stream, out.size(), UnaryMap<T>{op, elements<T>(x), elements<T>(out), convert<Wide<T>>(parameters.a)});
  });
}

void CudaKernels::unary_backward(Unary op, const Tensor& x, const Tensor& y, const Tensor& gradient, Tensor& out,
                                 UnaryParameters parameters) {
  if (op == Unary::bitwise_not || op == Unary::logical_not) {
    refuse_dtype("the derivative of a bitwise or logical operation", gradient.dtype());
  }
  Tensor result = y;
  const bool from_result = !x.defined() || scalar::derivative_needs_result(op);
  if (from_result && !result.defined()) {
    result = Tensor::empty(x.shape(), x.dtype(), x.device());
    unary(op, x, result, parameters);
  }
  visit_any_floating(gradient.dtype(), "unary_backward", [&]<class T>(std::type_identity<T>) {
    launch(context_.stream(), out.size(),
           UnaryBackwardMap<T>{op, elements<T>(x), from_result ? elements<T>(result) : nullptr, elements<T>(gradient),
                               elements<T>(out), static_cast<Wide<T>>(parameters.a)});
  });
}

void CudaKernels::predicate(Predicate op, const Tensor& x, Tensor& out) {
  const cudaStream_t stream = context_.stream();
  if (!is_floating(x.dtype())) {
    return launch(stream, out.size(), PredicateOfIntegers{op == Predicate::isfinite, elements<bool>(out)});
  }
  visit_any_floating(x.dtype(), "predicate", [&]<class T>(std::type_identity<T>) {
    launch(stream, out.size(), PredicateMap<T>{op, elements<T>(x), elements<bool>(out)});
  });
}

void CudaKernels::binary(Binary op, const Tensor& a, const Tensor& b, Tensor& out) {
  if (!has_binary(op, a.dtype())) refuse_dtype("this operation of two numbers", a.dtype());
  const bool logical = op == Binary::logical_and || op == Binary::logical_or || op == Binary::logical_xor;
  const Operands<2> where = operands<2>(out, {&a.shape(), &b.shape()});
  visit_any(a.dtype(), "binary", [&]<class T>(std::type_identity<T>) {
    if (logical)
      launch(context_.stream(), out.size(),
             LogicalMap<T>{op, elements<T>(a), elements<T>(b), elements<bool>(out), where});
    else
      launch(context_.stream(), out.size(), BinaryMap<T>{op, elements<T>(a), elements<T>(b), elements<T>(out), where});
  });
}

void CudaKernels::compare(Compare op, const Tensor& a, const Tensor& b, Tensor& out) {
  const Operands<2> where = operands<2>(out, {&a.shape(), &b.shape()});
  visit_any(a.dtype(), "compare", [&]<class T>(std::type_identity<T>) {
    launch(context_.stream(), out.size(),
           CompareMap<T>{op, elements<T>(a), elements<T>(b), elements<bool>(out), where});
  });
}

void CudaKernels::where(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& out) {
  const Operands<3> at = operands<3>(out, {&condition.shape(), &a.shape(), &b.shape()});
  visit_bytes(out.dtype(), "where", [&]<class T>(std::type_identity<T>) {
    launch(context_.stream(), out.size(),
           WhereMap<T>{elements<bool>(condition), elements<T>(a), elements<T>(b), elements<T>(out), at});
  });
}

}  // namespace nyala::backend::cuda
