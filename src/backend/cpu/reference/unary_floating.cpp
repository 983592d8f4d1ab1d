#include "backend/common/dispatch.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/cpu/reference/map.hpp"
#include "backend/cpu/reference/unary.hpp"

namespace nyala::backend {
namespace {

/// The function of an element and of the operation's parameter.
template <class T>
using Function = T (*)(T, T);

template <class T>
Function<T> activation(Unary op) {
  switch (op) {
    case Unary::sigmoid: return [](T x, T) { return scalar::sigmoid(x); };
    case Unary::log_sigmoid: return [](T x, T) { return -scalar::softplus(-x); };
    case Unary::softplus: return [](T x, T) { return scalar::softplus(x); };
    case Unary::softsign: return [](T x, T) { return x / (1 + std::abs(x)); };
    case Unary::relu: return [](T x, T) { return x < 0 ? T(0) : x; };
    case Unary::relu6: return [](T x, T) { return x < 0 ? T(0) : x > 6 ? T(6) : x; };
    case Unary::leaky_relu: return [](T x, T slope) { return x < 0 ? slope * x : x; };
    case Unary::elu: return [](T x, T alpha) { return x > 0 ? x : alpha * std::expm1(x); };
    case Unary::selu:
      return [](T x, T) { return T(scalar::selu_scale) * (x > 0 ? x : T(scalar::selu_alpha) * std::expm1(x)); };
    case Unary::gelu: return [](T x, T) { return scalar::gelu(x); };
    case Unary::gelu_tanh: return [](T x, T) { return scalar::gelu_tanh(x); };
    case Unary::silu: return [](T x, T) { return x * scalar::sigmoid(x); };
    case Unary::hard_sigmoid: return [](T x, T) { return scalar::hard_sigmoid(x); };
    case Unary::hard_silu: return [](T x, T) { return x * scalar::hard_sigmoid(x); };
    case Unary::mish: return [](T x, T) { return x * std::tanh(scalar::softplus(x)); };
    default: return nullptr;
  }
}

template <class T>
Function<T> function(Unary op) {
  switch (op) {
    case Unary::negative: return [](T x, T) { return -x; };
    case Unary::abs: return [](T x, T) { return std::abs(x); };
    case Unary::sign: return [](T x, T) { return scalar::sign(x); };
    case Unary::square: return [](T x, T) { return x * x; };
    case Unary::sqrt: return [](T x, T) { return std::sqrt(x); };
    case Unary::rsqrt: return [](T x, T) { return 1 / std::sqrt(x); };
    case Unary::reciprocal: return [](T x, T) { return 1 / x; };
    case Unary::exp: return [](T x, T) { return std::exp(x); };
    case Unary::exp2: return [](T x, T) { return std::exp2(x); };
    case Unary::expm1: return [](T x, T) { return std::expm1(x); };
    case Unary::log: return [](T x, T) { return std::log(x); };
    case Unary::log1p: return [](T x, T) { return std::log1p(x); };
    case Unary::log2: return [](T x, T) { return std::log2(x); };
    case Unary::log10: return [](T x, T) { return std::log10(x); };
    case Unary::erf: return [](T x, T) { return std::erf(x); };
    case Unary::erfinv: return [](T x, T) { return static_cast<T>(scalar::erfinv(x)); };
    case Unary::sin: return [](T x, T) { return std::sin(x); };
    case Unary::cos: return [](T x, T) { return std::cos(x); };
    case Unary::tan: return [](T x, T) { return std::tan(x); };
    case Unary::arcsin: return [](T x, T) { return std::asin(x); };
    case Unary::arccos: return [](T x, T) { return std::acos(x); };
    case Unary::arctan: return [](T x, T) { return std::atan(x); };
    case Unary::sinh: return [](T x, T) { return std::sinh(x); };
    case Unary::cosh: return [](T x, T) { return std::cosh(x); };
    case Unary::tanh: return [](T x, T) { return std::tanh(x); };
    case Unary::arcsinh: return [](T x, T) { return std::asinh(x); };
    case Unary::arccosh: return [](T x, T) { return std::acosh(x); };
    case Unary::arctanh: return [](T x, T) { return std::atanh(x); };
    case Unary::floor: return [](T x, T) { return std::floor(x); };
    case Unary::ceil: return [](T x, T) { return std::ceil(x); };
    case Unary::trunc: return [](T x, T) { return std::trunc(x); };
    case Unary::round: return [](T x, T) { return scalar::round(x); };
    default: return activation<T>(op);
  }
}

}  // namespace

void unary_floating(Unary op, const Tensor& x, Tensor& out, double parameter) {
  visit_floating(x.dtype(), "unary", [&]<class T>(std::type_identity<T>) {
    const Function<T> f = function<T>(op);
    if (f == nullptr) refuse_dtype("bitwise operation", x.dtype());
    map_elements(f, out, Operand<T>(x, out), Operand<T>(static_cast<T>(parameter)));
  });
}

}  // namespace nyala::backend
