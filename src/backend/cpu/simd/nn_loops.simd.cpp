#include "backend/cpu/simd/nn_loops.hpp"

#include "backend/cpu/simd/lanes.simd.hpp"
#include "backend/cpu/simd/rnn_cells.simd.hpp"
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
    for_lanes(e.columns, [&](auto access, std::int64_t i) {
      Lanes sum = access.load(sums + i);
      if constexpr (biased) sum += access.load(bias + i);
      if (before != nullptr) access.store(sum, before + row * e.stride_out + i);
      access.store(apply(activation, sum), out + i);
    });
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
  for_lanes(count,
            [&](auto access, std::int64_t i) { access.store(access.load(to + i) + access.load(from + i), to + i); });
}

}  // namespace

const NnLoops nn_loops{multiply, finish, accumulate, lstm_forward, lstm_backward, gru_forward, gru_backward};

}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
