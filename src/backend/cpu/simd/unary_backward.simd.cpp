#include "backend/cpu/simd/loops.hpp"
#include "backend/cpu/simd/math.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {
namespace {

/// gradient * f(x or y, a)
template <class F>
void loop(float a, const float* from, const float* gradient, float* out, std::int64_t n) {
  map(
      from, gradient, out, n, [a](Floats value, Floats g) __attribute__((always_inline)) { return F()(value, a) * g; });
}
template <class F>
constexpr SimdTable::BackwardLoop of_x(F) {
  return [](float a, const float* x, const float*, const float* gradient, float* out, std::int64_t n) {
    loop<F>(a, x, gradient, out, n);
  };
}
template <class F>
constexpr SimdTable::BackwardLoop of_y(F) {
  return [](float a, const float*, const float* y, const float* gradient, float* out, std::int64_t n) {
    loop<F>(a, y, gradient, out, n);
  };
}

Floats one_where(Ints mask) { return select(mask, splat(1.0F), Floats{}); }

Floats gelu_tanh_derivative(Floats x) {
  const Floats t = tanh(gelu_tanh_argument(x));
  const Floats inner = fma(x * x, splat(3 * 0.0356774081F), 0.797884561F);
  return (t + 1.0F) * 0.5F + x * 0.5F * (1.0F - t * t) * inner;
}

SimdTable::BackwardLoop backward_of_y(Unary op) {
  switch (op) {
    case Unary::sigmoid: return of_y([](Floats y, float) { return y * (1.0F - y); });
    case Unary::tanh: return of_y([](Floats y, float) { return 1.0F - y * y; });
    case Unary::relu: return of_y([](Floats y, float) { return one_where(y > 0.0F); });
    case Unary::relu6: return of_y([](Floats y, float) { return one_where((y > 0.0F) & (y < 6.0F)); });
    case Unary::leaky_relu:
      return of_y([](Floats y, float slope) { return select(bits(y) < 0, splat(slope), splat(1.0F)); });
    case Unary::elu: return of_y([](Floats y, float alpha) { return select(y > 0.0F, splat(1.0F), y + alpha); });
    case Unary::selu:
      return of_y([](Floats y, float) { return select(y > 0.0F, splat(selu_scale), y + selu_product); });
    case Unary::exp: return of_y([](Floats y, float) { return y; });
    case Unary::sqrt: return of_y([](Floats y, float) { return 0.5F / y; });
    case Unary::rsqrt: return of_y([](Floats y, float) { return y * y * y * -0.5F; });
    case Unary::reciprocal: return of_y([](Floats y, float) { return -y * y; });
    default: return nullptr;
  }
}

SimdTable::BackwardLoop backward_of_x(Unary op) {
  switch (op) {
    case Unary::negative: return of_x([](Floats, float) { return splat(-1.0F); });
    case Unary::abs:
      return of_x([](Floats x, float) { return select((x > 0.0F) | (x < 0.0F), with_sign(splat(1.0F), x), x); });
    case Unary::square: return of_x([](Floats x, float) { return x * 2.0F; });
    case Unary::expm1: return of_x([](Floats x, float) { return exp(x); });
    case Unary::log: return of_x([](Floats x, float) { return 1.0F / x; });
    case Unary::log1p: return of_x([](Floats x, float) { return 1.0F / (x + 1.0F); });
    case Unary::erf: return of_x([](Floats x, float) { return exp(-x * x) * 1.12837917F; });
    case Unary::relu: return of_x([](Floats x, float) { return one_where(x > 0.0F); });
    case Unary::relu6: return of_x([](Floats x, float) { return one_where((x > 0.0F) & (x < 6.0F)); });
    case Unary::leaky_relu:
      return of_x([](Floats x, float slope) { return select(x < 0.0F, splat(slope), splat(1.0F)); });
    case Unary::elu: return of_x([](Floats x, float alpha) { return select(x > 0.0F, splat(1.0F), exp(x) * alpha); });
    case Unary::selu:
      return of_x([](Floats x, float) { return select(x > 0.0F, splat(selu_scale), exp(x) * selu_product); });
    case Unary::log_sigmoid: return of_x([](Floats x, float) { return sigmoid(-x); });
    case Unary::softplus: return of_x([](Floats x, float) { return sigmoid(x); });
    case Unary::softsign: return of_x([](Floats x, float) { return 1.0F / ((abs(x) + 1.0F) * (abs(x) + 1.0F)); });
    case Unary::gelu: return of_x([](Floats x, float) { return gelu_derivative(x); });
    case Unary::gelu_tanh: return of_x([](Floats x, float) { return gelu_tanh_derivative(x); });
    case Unary::silu:
      return of_x([](Floats x, float) {
        const Floats s = sigmoid(x);
        return s * (x * (1.0F - s) + 1.0F);
      });
    case Unary::hard_sigmoid:
      return of_x([](Floats x, float) { return select(abs(x) < 3.0F, splat(1.0F / 6), Floats{}); });
    case Unary::hard_silu:
      return of_x([](Floats x, float) {
        return select(x > -3.0F, select(x < 3.0F, (x * 2.0F + 3.0F) / 6.0F, splat(1.0F)), Floats{});
      });
    case Unary::mish:
      return of_x([](Floats x, float) {
        const Floats t = tanh_softplus(x);
        return t + x * (1.0F - t * t) * sigmoid(x);
      });
    default: return nullptr;
  }
}

}  // namespace

SimdTable::BackwardLoop unary_backward(Unary op, bool has_x, bool has_y) {
  // The value is the cheaper one to start from, but for leaky_relu and elu with slopes that hide the sign of x.
  const bool from_y = has_y && !(has_x && (op == Unary::leaky_relu || op == Unary::elu));
  if (from_y) {
    if (const auto found = backward_of_y(op)) return found;
  }
  return has_x ? backward_of_x(op) : nullptr;
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
