#include "backend/cpu/simd/nn_loops.hpp"

#include "backend/cpu/simd/lanes.simd.hpp"
#include "backend/cpu/simd/rnn_cells.simd.hpp"
#include "backend/cpu/simd/small_matmul.simd.hpp"

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {
namespace {

template <FusedActivation activation>
Lanes apply(const Lanes& lanes) {
  using enum FusedActivation;
  const math::Floats x = floats_of(lanes);
  math::Floats y = x;
  if constexpr (activation == relu) y = math::select(x < 0.0F, math::Floats{}, x);  // NaN stays
  if constexpr (activation == sigmoid) y = math::sigmoid(x);
  if constexpr (activation == tanh) y = math::quick_tanh(x);
  if constexpr (activation == gelu) y = x * math::distribution(x);
  if constexpr (activation == silu) y = x * math::sigmoid(x);
  if constexpr (activation == gelu_tanh) y = x * 0.5F * (math::tanh(math::gelu_tanh_argument(x)) + 1.0F);
  return lanes_of(y);
}

template <FusedActivation activation, bool biased>
void finish_rows(const Epilogue& e, const float* sums, const float* bias, float* before, float* out) {
  for (std::int64_t row = 0; row < e.rows; ++row, sums += e.stride_sums, out += e.stride_out) {
    for_lanes(e.columns, [&](auto access, std::int64_t i) {
      Lanes sum = access.load(sums + i);
      if constexpr (biased) sum += access.load(bias + i);
      if (before != nullptr) access.store(sum, before + row * e.stride_out + i);
      access.store(apply<activation>(sum), out + i);
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
    case FusedActivation::gelu_tanh: return finish_with<FusedActivation::gelu_tanh>(e, sums, bias, before, out);
  }
}

void accumulate(std::int64_t count, const float* from, float* to) {
  for_lanes(count,
            [&](auto access, std::int64_t i) { access.store(access.load(to + i) + access.load(from + i), to + i); });
}

}  // namespace

const NnLoops nn_loops{multiply,     finish,        accumulate,  simple_forward, simple_backward,
                       lstm_forward, lstm_backward, gru_forward, gru_backward};

}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
