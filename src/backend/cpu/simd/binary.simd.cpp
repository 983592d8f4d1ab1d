#include "backend/cpu/simd/loops.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {
namespace {

template <class F, Operands operands>
void loop(const float* a, const float* b, float* out, std::int64_t n) {
  if constexpr (operands == Operands::both) {
    map(a, b, out, n, F());
  } else if constexpr (operands == Operands::scalar_a) {
    const Floats one = splat(*a);
    map(
        b, out, n, [one](Floats x) __attribute__((always_inline)) { return F()(one, x); });
  } else {
    const Floats one = splat(*b);
    map(
        a, out, n, [one](Floats x) __attribute__((always_inline)) { return F()(x, one); });
  }
}
template <class F>
SimdTable::BinaryLoop loop_of(Operands operands, F) {
  switch (operands) {
    case Operands::scalar_a: return &loop<F, Operands::scalar_a>;
    case Operands::scalar_b: return &loop<F, Operands::scalar_b>;
    case Operands::both:
    case Operands::none: break;
  }
  return &loop<F, Operands::both>;
}

/// float64, its arrays passed as bytes.
template <class F, Operands operands>
void double_loop(const float* a_bytes, const float* b_bytes, float* out_bytes, std::int64_t n) {
  const auto* a = reinterpret_cast<const double*>(a_bytes);
  const auto* b = reinterpret_cast<const double*>(b_bytes);
  auto* out = reinterpret_cast<double*>(out_bytes);
  const double one = operands == Operands::scalar_a ? *a : *b;
  for (std::int64_t i = 0; i < n; ++i) {
    out[i] = F()(operands == Operands::scalar_a ? one : a[i], operands == Operands::scalar_b ? one : b[i]);
  }
}
template <class F>
SimdTable::BinaryLoop double_loop_of(Operands operands, F) {
  switch (operands) {
    case Operands::scalar_a: return &double_loop<F, Operands::scalar_a>;
    case Operands::scalar_b: return &double_loop<F, Operands::scalar_b>;
    case Operands::both:
    case Operands::none: break;
  }
  return &double_loop<F, Operands::both>;
}

}  // namespace

SimdTable::BinaryLoop binary(Binary op, Operands operands) {
  switch (op) {
    case Binary::add: return loop_of(operands, [](Floats a, Floats b) { return a + b; });
    case Binary::subtract: return loop_of(operands, [](Floats a, Floats b) { return a - b; });
    case Binary::multiply: return loop_of(operands, [](Floats a, Floats b) { return a * b; });
    case Binary::divide: return loop_of(operands, [](Floats a, Floats b) { return a / b; });
    case Binary::maximum: return loop_of(operands, [](Floats a, Floats b) { return maximum(a, b); });
    case Binary::minimum: return loop_of(operands, [](Floats a, Floats b) { return minimum(a, b); });
    case Binary::squared_difference: return loop_of(operands, [](Floats a, Floats b) { return (a - b) * (a - b); });
    default: return nullptr;
  }
}

SimdTable::BinaryLoop binary_double(Binary op, Operands operands) {
  switch (op) {
    case Binary::add: return double_loop_of(operands, [](double a, double b) { return a + b; });
    case Binary::subtract: return double_loop_of(operands, [](double a, double b) { return a - b; });
    case Binary::multiply: return double_loop_of(operands, [](double a, double b) { return a * b; });
    case Binary::divide: return double_loop_of(operands, [](double a, double b) { return a / b; });
    default: return nullptr;
  }
}

void add_to(const float* x, float* sum, std::int64_t n) {
  map(sum, x, sum, n, [](Floats a, Floats b) { return a + b; });
}

void scale(float factor, float* x, std::int64_t n) {
  map(x, x, n, [factor](Floats value) { return value * factor; });
}

void add_scaled(float factor, const float* x, float* y, std::int64_t n) {
  map(y, x, y, n, [factor](Floats sum, Floats value) { return sum + value * factor; });
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
