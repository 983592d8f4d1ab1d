#include <cmath>

#include "backend/cpu/simd/nn_loops.hpp"
#include "backend/cpu/simd/small_matmul.simd.hpp"

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {
namespace {

Lanes apply(FusedActivation activation, const Lanes& x) {
  switch (activation) {
    case FusedActivation::none: return x;
    // max(0, x) in this order keeps NaN.
    case FusedActivation::relu: return xsimd::select(x < Lanes(0.0f), Lanes(0.0f), x);
    case FusedActivation::sigmoid: return Lanes(1.0f) / (Lanes(1.0f) + xsimd::exp(-x));
    case FusedActivation::tanh: return xsimd::tanh(x);
    case FusedActivation::gelu: return Lanes(0.5f) * x * (Lanes(1.0f) + xsimd::erf(x * Lanes(0.70710678118654752f)));
    case FusedActivation::silu: return x / (Lanes(1.0f) + xsimd::exp(-x));
  }
  return x;
}

template <FusedActivation activation, bool biased>
void finish_rows(const Epilogue& e, const float* sums, const float* bias, float* before, float* out) {
  for (std::int64_t row = 0; row < e.rows; ++row, sums += e.stride_sums, out += e.stride_out) {
    std::int64_t i = 0;
    for (; i + width <= e.columns; i += width) {
      Lanes sum = Lanes::load_unaligned(sums + i);
      if constexpr (biased) sum += Lanes::load_unaligned(bias + i);
      if (before != nullptr) sum.store_unaligned(before + row * e.stride_out + i);
      apply(activation, sum).store_unaligned(out + i);
    }
    if (i == e.columns) continue;
    const std::int64_t left = e.columns - i;
    Lanes sum = load_some(sums + i, left);
    if constexpr (biased) sum += load_some(bias + i, left);
    if (before != nullptr) store_some(sum, before + row * e.stride_out + i, left);
    store_some(apply(activation, sum), out + i, left);
  }
}

template <FusedActivation activation>
void finish_with(const Epilogue& e, const float* sums, const float* bias, float* before, float* out) {
  if (bias != nullptr)
    finish_rows<activation, true>(e, sums, bias, before, out);
  else
    finish_rows<activation, false>(e, sums, bias, before, out);
}

void finish(const Epilogue& e, const float* sums, const float* bias, float* before, float* out) {
  switch (e.activation) {
    case FusedActivation::none: return finish_with<FusedActivation::none>(e, sums, bias, before, out);
    case FusedActivation::relu: return finish_with<FusedActivation::relu>(e, sums, bias, before, out);
    case FusedActivation::sigmoid: return finish_with<FusedActivation::sigmoid>(e, sums, bias, before, out);
    case FusedActivation::tanh: return finish_with<FusedActivation::tanh>(e, sums, bias, before, out);
    case FusedActivation::gelu: return finish_with<FusedActivation::gelu>(e, sums, bias, before, out);
    case FusedActivation::silu: return finish_with<FusedActivation::silu>(e, sums, bias, before, out);
  }
}

void accumulate(std::int64_t count, const float* from, float* to) {
  std::int64_t i = 0;
  for (; i + width <= count; i += width)
    (Lanes::load_unaligned(to + i) + Lanes::load_unaligned(from + i)).store_unaligned(to + i);
  for (; i < count; ++i) to[i] += from[i];
}

}  // namespace

const NnLoops nn_loops{multiply, finish, accumulate};

}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
