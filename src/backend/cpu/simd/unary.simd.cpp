#include "backend/cpu/simd/loops.hpp"
#include "backend/cpu/simd/math.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {
namespace {

/// f(x, a) as a loop; the class of a lambda without captures stands for its function.
template <class F>
void loop(float a, const float* x, float* out, std::int64_t n) {
  map(
      x, out, n, [a](Floats value) __attribute__((always_inline)) { return F()(value, a); });
}
template <class F>
constexpr SimdTable::UnaryLoop loop_of(F) {
  return &loop<F>;
}

Floats clamped(Floats x, float low, float high) {
  return select(x < low, splat(low), select(x > high, splat(high), x));
}

SimdTable::UnaryLoop activation(Unary op) {
  switch (op) {
    case Unary::sigmoid: return loop_of([](Floats x, float) { return sigmoid(x); });
    case Unary::log_sigmoid: return loop_of([](Floats x, float) { return -softplus(-x); });
    case Unary::softplus: return loop_of([](Floats x, float) { return softplus(x); });
    case Unary::softsign: return loop_of([](Floats x, float) { return x / (abs(x) + 1.0F); });
    case Unary::relu: return loop_of([](Floats x, float) { return select(x < 0.0F, Floats{}, x); });
    case Unary::relu6: return loop_of([](Floats x, float) { return clamped(x, 0.0F, 6.0F); });
    case Unary::leaky_relu: return loop_of([](Floats x, float slope) { return select(x < 0.0F, x * slope, x); });
    case Unary::elu: return loop_of([](Floats x, float alpha) { return select(x > 0.0F, x, expm1(x) * alpha); });
    case Unary::selu:
      return loop_of([](Floats x, float) { return select(x > 0.0F, x * selu_scale, expm1(x) * selu_product); });
    case Unary::gelu: return loop_of([](Floats x, float) { return x * exact_distribution(x); });
    case Unary::gelu_tanh:
      return loop_of([](Floats x, float) { return x * 0.5F * (tanh(gelu_tanh_argument(x)) + 1.0F); });
    case Unary::silu: return loop_of([](Floats x, float) { return x * sigmoid(x); });
    case Unary::hard_sigmoid: return loop_of([](Floats x, float) { return clamped(x + 3.0F, 0.0F, 6.0F) / 6.0F; });
    case Unary::hard_silu: return loop_of([](Floats x, float) { return x * (clamped(x + 3.0F, 0.0F, 6.0F) / 6.0F); });
    case Unary::mish: return loop_of([](Floats x, float) { return x * tanh_softplus(x); });
    default: return nullptr;
  }
}

}  // namespace

SimdTable::UnaryLoop unary(Unary op) {
  switch (op) {
    case Unary::negative: return loop_of([](Floats x, float) { return -x; });
    case Unary::abs: return loop_of([](Floats x, float) { return abs(x); });
    case Unary::sign:
      return loop_of([](Floats x, float) { return select((x > 0.0F) | (x < 0.0F), with_sign(splat(1.0F), x), x); });
    case Unary::square: return loop_of([](Floats x, float) { return x * x; });
    case Unary::sqrt: return loop_of([](Floats x, float) { return sqrt(x); });
    case Unary::rsqrt: return loop_of([](Floats x, float) { return splat(1.0F) / sqrt(x); });
    case Unary::reciprocal: return loop_of([](Floats x, float) { return splat(1.0F) / x; });
    case Unary::exp: return loop_of([](Floats x, float) { return exp(x); });
    case Unary::expm1: return loop_of([](Floats x, float) { return expm1(x); });
    case Unary::log: return loop_of([](Floats x, float) { return log(x); });
    case Unary::log1p: return loop_of([](Floats x, float) { return log1p(x); });
    case Unary::erf: return loop_of([](Floats x, float) { return erf(x); });
    case Unary::tanh: return loop_of([](Floats x, float) { return tanh(x); });
    case Unary::floor: return loop_of([](Floats x, float) { return floor(x); });
    case Unary::ceil: return loop_of([](Floats x, float) { return ceil(x); });
    case Unary::trunc: return loop_of([](Floats x, float) { return trunc(x); });
    case Unary::round: return loop_of([](Floats x, float) { return round_even(x); });
    default: return activation(op);
  }
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
