#include "backend/cpu/simd/rnn_cells.simd.hpp"

#include "backend/cpu/simd/lanes.simd.hpp"

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {
namespace {

Lanes tanh(const Lanes& x) { return lanes_of(math::quick_tanh(floats_of(x))); }
/// Right to an absolute 2e-7, which is what a gate needs, at half the time of 1 / (1 + exp(-x)).
Lanes gate(const Lanes& x) {
  const Lanes half(0.5f);
  return fused(half, tanh(half * x), half);
}
Lanes gate_slope(const Lanes& y) { return y * (Lanes(1.0f) - y); }
Lanes tanh_slope(const Lanes& y) { return Lanes(1.0f) - y * y; }

}  // namespace

void lstm_forward(const CellRows& s, float* gates, const float* h_before, const float* c_before, float* h, float* c) {
  const std::int64_t u = s.units;
  for (std::int64_t row = 0; row < s.rows; ++row, gates += s.gates_stride, h_before += s.before_stride,
                    c_before += s.before_stride, h += s.state_stride, c += s.state_stride) {
    if (!s.takes_part(row)) {
      copy_row(u, h_before, h);
      copy_row(u, c_before, c);
      continue;
    }
    for_lanes(u, [&](auto access, std::int64_t j) {
      const Lanes in = gate(access.load(gates + j)), forget = gate(access.load(gates + u + j));
      const Lanes candidate = tanh(access.load(gates + 2 * u + j)), out = gate(access.load(gates + 3 * u + j));
      const Lanes state = fused(forget, access.load(c_before + j), in * candidate);
      access.store(in, gates + j);
      access.store(forget, gates + u + j);
      access.store(candidate, gates + 2 * u + j);
      access.store(out, gates + 3 * u + j);
      access.store(state, c + j);
      access.store(out * tanh(state), h + j);
    });
  }
}

void lstm_backward(const CellRows& s, const float* gates, const float* c_before, const float* c, float* dh, float* dc,
                   float* dsums) {
  const std::int64_t u = s.units;
  for (std::int64_t row = 0; row < s.rows; ++row, gates += s.gates_stride, dsums += s.gates_stride,
                    c_before += s.before_stride, c += s.state_stride, dh += u, dc += u) {
    if (!s.takes_part(row)) {
      clear_row(4 * u, dsums);
      continue;
    }
    for_lanes(u, [&](auto access, std::int64_t j) {
      const Lanes in = access.load(gates + j), forget = access.load(gates + u + j);
      const Lanes candidate = access.load(gates + 2 * u + j), out = access.load(gates + 3 * u + j);
      const Lanes state = tanh(access.load(c + j)), of_output = access.load(dh + j);
      const Lanes of_state = fused(of_output * out, tanh_slope(state), access.load(dc + j));
      access.store(of_state * candidate * gate_slope(in), dsums + j);
      access.store(of_state * access.load(c_before + j) * gate_slope(forget), dsums + u + j);
      access.store(of_state * in * tanh_slope(candidate), dsums + 2 * u + j);
      access.store(of_output * state * gate_slope(out), dsums + 3 * u + j);
      access.store(of_state * forget, dc + j);
      access.store(Lanes(0.0f), dh + j);
    });
  }
}

void gru_forward(const CellRows& s, float* gates, const float* recurrent, const float* h_before, float* h,
                 float* inner) {
  const std::int64_t u = s.units;
  for (std::int64_t row = 0; row < s.rows; ++row, gates += s.gates_stride, recurrent += 3 * u,
                    h_before += s.before_stride, h += s.state_stride, inner += s.state_stride) {
    if (!s.takes_part(row)) {
      copy_row(u, h_before, h);
      continue;
    }
    for_lanes(u, [&](auto access, std::int64_t j) {
      const Lanes update = gate(access.load(gates + j) + access.load(recurrent + j));
      const Lanes reset = gate(access.load(gates + u + j) + access.load(recurrent + u + j));
      const Lanes product = access.load(recurrent + 2 * u + j);
      const Lanes candidate = tanh(fused(reset, product, access.load(gates + 2 * u + j)));
      const Lanes before = access.load(h_before + j);
      access.store(update, gates + j);
      access.store(reset, gates + u + j);
      access.store(candidate, gates + 2 * u + j);
      access.store(product, inner + j);
      access.store(fused(update, before - candidate, candidate), h + j);
    });
  }
}

void gru_backward(const CellRows& s, const float* gates, const float* h_before, const float* inner, float* dh,
                  float* dsums, float* drecurrent) {
  const std::int64_t u = s.units;
  for (std::int64_t row = 0; row < s.rows; ++row, gates += s.gates_stride, dsums += s.gates_stride,
                    drecurrent += s.gates_stride, h_before += s.before_stride, inner += s.state_stride, dh += u) {
    if (!s.takes_part(row)) {
      clear_row(3 * u, dsums);
      clear_row(3 * u, drecurrent);
      continue;
    }
    for_lanes(u, [&](auto access, std::int64_t j) {
      const Lanes update = access.load(gates + j), reset = access.load(gates + u + j);
      const Lanes candidate = access.load(gates + 2 * u + j), incoming = access.load(dh + j);
      const Lanes of_update = incoming * (access.load(h_before + j) - candidate) * gate_slope(update);
      const Lanes of_candidate = incoming * (Lanes(1.0f) - update) * tanh_slope(candidate);
      const Lanes of_reset = of_candidate * access.load(inner + j) * gate_slope(reset);
      access.store(of_update, dsums + j);
      access.store(of_update, drecurrent + j);
      access.store(of_reset, dsums + u + j);
      access.store(of_reset, drecurrent + u + j);
      access.store(of_candidate, dsums + 2 * u + j);
      access.store(of_candidate * reset, drecurrent + 2 * u + j);
      access.store(incoming * update, dh + j);
    });
  }
}

}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
