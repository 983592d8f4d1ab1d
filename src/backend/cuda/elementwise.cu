#include "backend/common/unary_math.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/dispatch.hpp"
#include "backend/cuda/places.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

template <class A>
struct UnaryMap {
  Unary op;
  Numbers<A> x, out;
  A a;
  constexpr void operator()(std::int64_t i) const { out.set(i, scalar::unary_value(op, x.get(i), a)); }
};

struct IsZero {
  Elements x;
  bool* out;
  constexpr void operator()(std::int64_t i) const { out[i] = !x.get<bool>(i); }
};

/// gradient * the derivative, found from the operation's argument or, with of_result, from its result.
template <class A>
struct UnaryBackwardMap {
  Unary op;
  bool of_result;
  Numbers<A> argument, gradient, out;
  A a;
  constexpr void operator()(std::int64_t i) const {
    const A at = argument.get(i);
    const A slope = of_result ? scalar::derivative_of_result(op, at, a) : scalar::derivative_of_argument(op, at, a);
    out.set(i, slope * gradient.get(i));
  }
};

struct PredicateMap {
  Predicate op;
  Elements x;
  bool* out;
  constexpr void operator()(std::int64_t i) const {
    const auto value = x.get<double>(i);
    const bool number = value == value, finite = value - value == 0.0;
    out[i] = op == Predicate::isnan ? !number : op == Predicate::isinf ? number && !finite : finite;
  }
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
    case Binary::floor_divide: return scalar::floor_divide(a, b);
    case Binary::mod: return scalar::mod(a, b);
    case Binary::power: return scalar::power(a, b);
    default: break;
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

template <class A>
struct BinaryMap {
  Binary op;
  Numbers<A> a, b, out;
  Operands<2> operands;
  constexpr void operator()(std::int64_t i) const {
    const auto at = operands(i);
    out.set(i, binary_value(op, a.get(at.of[0]), b.get(at.of[1])));
  }
};

struct LogicalMap {
  Binary op;
  Elements a, b;
  bool* out;
  Operands<2> operands;
  constexpr void operator()(std::int64_t i) const {
    const auto at = operands(i);
    const bool left = a.get<bool>(at.of[0]), right = b.get<bool>(at.of[1]);
    out[i] = op == Binary::logical_and ? left && right : op == Binary::logical_or ? left || right : left != right;
  }
};

template <class A>
struct CompareMap {
  Compare op;
  Numbers<A> left, right;
  bool* out;
  Operands<2> operands;
  constexpr bool holds(A a, A b) const {
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
    out[i] = holds(left.get(at.of[0]), right.get(at.of[1]));
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
  const bool boolean = x.dtype() == DType::boolean;
  if (op == Unary::logical_not || (boolean && op == Unary::bitwise_not))
    return launch(context_.stream(), out.size(), IsZero{elements_of(x), elements<bool>(out)});
  const bool known = is_floating(x.dtype()) ? op != Unary::bitwise_not : scalar::unary_of_integers(op);
  const bool odd = boolean && (op == Unary::negative || op == Unary::relu || op == Unary::relu6);
  if (!known || odd) refuse_dtype("this elementwise function", x.dtype());
  visit_wide(x.dtype(), "unary", [&]<class A>(std::type_identity<A>) {
    launch(context_.stream(), out.size(), UnaryMap<A>{op, Numbers<A>(x), Numbers<A>(out), convert<A>(parameters.a)});
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
  const Tensor& argument = from_result ? result : x;
  visit_wide_floating(gradient.dtype(), "unary_backward", [&]<class A>(std::type_identity<A>) {
    launch(context_.stream(), out.size(),
           UnaryBackwardMap<A>{op, from_result, Numbers<A>(argument), Numbers<A>(gradient), Numbers<A>(out),
                               static_cast<A>(parameters.a)});
  });
}

void CudaKernels::predicate(Predicate op, const Tensor& x, Tensor& out) {
  launch(context_.stream(), out.size(), PredicateMap{op, elements_of(x), elements<bool>(out)});
}

void CudaKernels::binary(Binary op, const Tensor& a, const Tensor& b, Tensor& out) {
  if (!has_binary(op, a.dtype())) refuse_dtype("this operation of two numbers", a.dtype());
  const Operands<2> where = operands<2>(out, {&a.shape(), &b.shape()});
  const cudaStream_t stream = context_.stream();
  if (op == Binary::logical_and || op == Binary::logical_or || op == Binary::logical_xor)
    return launch(stream, out.size(), LogicalMap{op, elements_of(a), elements_of(b), elements<bool>(out), where});
  visit_wide(a.dtype(), "binary", [&]<class A>(std::type_identity<A>) {
    launch(stream, out.size(), BinaryMap<A>{op, Numbers<A>(a), Numbers<A>(b), Numbers<A>(out), where});
  });
}

void CudaKernels::compare(Compare op, const Tensor& a, const Tensor& b, Tensor& out) {
  const Operands<2> where = operands<2>(out, {&a.shape(), &b.shape()});
  visit_wide(a.dtype(), "compare", [&]<class A>(std::type_identity<A>) {
    launch(context_.stream(), out.size(), CompareMap<A>{op, Numbers<A>(a), Numbers<A>(b), elements<bool>(out), where});
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
