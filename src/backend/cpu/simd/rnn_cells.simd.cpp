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

// Slopes are functions of the result.
struct Tanh {
  Lanes operator()(const Lanes& x) const { return tanh(x); }
  Lanes slope(const Lanes& y) const { return Lanes(1.0f) - y * y; }
};
/// To the last digits: without gates a SimpleRNN multiplies an error at each step.
struct ExactTanh : Tanh {
  Lanes operator()(const Lanes& x) const { return lanes_of(math::tanh(floats_of(x))); }
};
struct Relu {
  Lanes operator()(const Lanes& x) const { return xsimd::select(x < Lanes(0.0f), Lanes(0.0f), x); }
  Lanes slope(const Lanes& y) const { return xsimd::select(y > Lanes(0.0f), Lanes(1.0f), Lanes(0.0f)); }
};
struct Linear {
  Lanes operator()(const Lanes& x) const { return x; }
  Lanes slope(const Lanes&) const { return Lanes(1.0f); }
};

template <class F, class OfTanh = Tanh>
void with_activation(const CellRows& s, F&& fn, OfTanh tanh = {}) {
  switch (s.activation) {
    case CellActivation::tanh: return fn(tanh);
    case CellActivation::relu: return fn(Relu());
    case CellActivation::linear: return fn(Linear());
  }
}

template <class Activation>
void simple_forward_of(Activation act, const CellRows& s, const float* sums, const float* h_before, float* h) {
  for (std::int64_t row = 0; row < s.rows;
       ++row, sums += s.gates_stride, h_before += s.before_stride, h += s.state_stride) {
    if (s.takes_part(row))
      for_lanes(s.units, [&](auto access, std::int64_t j) { access.store(act(access.load(sums + j)), h + j); });
    else
      copy_row(s.units, h_before, h);
  }
}

template <class Activation>
void simple_backward_of(Activation act, const CellRows& s, const float* h, float* dh, float* dsums) {
  for (std::int64_t row = 0; row < s.rows; ++row, h += s.state_stride, dh += s.units, dsums += s.gates_stride) {
    if (!s.takes_part(row)) {
      clear_row(s.units, dsums);
      continue;
    }
    for_lanes(s.units, [&](auto access, std::int64_t j) {
      access.store(access.load(dh + j) * act.slope(access.load(h + j)), dsums + j);
      access.store(Lanes(0.0f), dh + j);
    });
  }
}

template <class Activation>
void lstm_forward_of(Activation act, const CellRows& s, float* gates, const float* h_before, const float* c_before,
                     float* h, float* c) {
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
      const Lanes candidate = act(access.load(gates + 2 * u + j)), out = gate(access.load(gates + 3 * u + j));
      const Lanes state = fused(forget, access.load(c_before + j), in * candidate);
      access.store(in, gates + j);
      access.store(forget, gates + u + j);
      access.store(candidate, gates + 2 * u + j);
      access.store(out, gates + 3 * u + j);
      access.store(state, c + j);
      access.store(out * act(state), h + j);
    });
  }
}

template <class Activation>
void lstm_backward_of(Activation act, const CellRows& s, const float* gates, const float* c_before, const float* c,
                      float* dh, float* dc, float* dsums) {
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
      const Lanes state = act(access.load(c + j)), of_output = access.load(dh + j);
      const Lanes of_state = fused(of_output * out, act.slope(state), access.load(dc + j));
      access.store(of_state * candidate * gate_slope(in), dsums + j);
      access.store(of_state * access.load(c_before + j) * gate_slope(forget), dsums + u + j);
      access.store(of_state * in * act.slope(candidate), dsums + 2 * u + j);
      access.store(of_output * state * gate_slope(out), dsums + 3 * u + j);
      access.store(of_state * forget, dc + j);
      access.store(Lanes(0.0f), dh + j);
    });
  }
}

template <class Activation>
void gru_forward_of(Activation act, const CellRows& s, float* gates, const float* recurrent, const float* h_before,
                    float* h, float* inner) {
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
      const Lanes candidate = act(fused(reset, product, access.load(gates + 2 * u + j)));
      const Lanes before = access.load(h_before + j);
      access.store(update, gates + j);
      access.store(reset, gates + u + j);
      access.store(candidate, gates + 2 * u + j);
      access.store(product, inner + j);
      access.store(fused(update, before - candidate, candidate), h + j);
    });
  }
}

template <class Activation>
void gru_backward_of(Activation act, const CellRows& s, const float* gates, const float* h_before, const float* inner,
                     float* dh, float* dsums, float* drecurrent) {
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
      const Lanes of_candidate = incoming * (Lanes(1.0f) - update) * act.slope(candidate);
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

}  // namespace

void simple_forward(const CellRows& s, const float* sums, const float* h_before, float* h) {
  with_activation(
      s, [&](auto act) { simple_forward_of(act, s, sums, h_before, h); }, ExactTanh());
}
void simple_backward(const CellRows& s, const float* h, float* dh, float* dsums) {
  with_activation(s, [&](auto act) { simple_backward_of(act, s, h, dh, dsums); });
}
void lstm_forward(const CellRows& s, float* gates, const float* h_before, const float* c_before, float* h, float* c) {
  with_activation(s, [&](auto act) { lstm_forward_of(act, s, gates, h_before, c_before, h, c); });
}
void lstm_backward(const CellRows& s, const float* gates, const float* c_before, const float* c, float* dh, float* dc,
                   float* dsums) {
  with_activation(s, [&](auto act) { lstm_backward_of(act, s, gates, c_before, c, dh, dc, dsums); });
}
void gru_forward(const CellRows& s, float* gates, const float* recurrent, const float* h_before, float* h,
                 float* inner) {
  with_activation(s, [&](auto act) { gru_forward_of(act, s, gates, recurrent, h_before, h, inner); });
}
void gru_backward(const CellRows& s, const float* gates, const float* h_before, const float* inner, float* dh,
                  float* dsums, float* drecurrent) {
  with_activation(s, [&](auto act) { gru_backward_of(act, s, gates, h_before, inner, dh, dsums, drecurrent); });
}

}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
