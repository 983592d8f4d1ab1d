#include "backend/cpu/simd/loops.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {
namespace {

/// The lanes from p on that count: a whole vector or the last ones.
struct Part {
  std::int64_t count;
  [[gnu::always_inline]] Floats get(const float* p) const { return count >= lanes ? load(p) : load_part(p, count); }
  [[gnu::always_inline]] void put(Floats x, float* p) const {
    if (count >= lanes)
      store(x, p);
    else
      store_part(x, p, count);
  }
};

}  // namespace

void adam(const AdamStep& step, float decay, const float* gradient, float* variable, float* momentum, float* velocity,
          float* velocity_hat, std::int64_t n) {
  const auto rate = static_cast<float>(step.learning_rate), epsilon = static_cast<float>(step.epsilon);
  const auto fresh_1 = static_cast<float>(1 - step.beta_1), fresh_2 = static_cast<float>(1 - step.beta_2);
  for (std::int64_t i = 0; i < n; i += lanes) {
    const Part part{n - i};
    const Floats g = part.get(gradient + i);
    Floats m = part.get(momentum + i), v = part.get(velocity + i), w = part.get(variable + i);
    m = m + (g - m) * fresh_1;
    v = v + (g * g - v) * fresh_2;
    part.put(m, momentum + i);
    part.put(v, velocity + i);
    if (velocity_hat != nullptr) {
      v = maximum(part.get(velocity_hat + i), v);
      part.put(v, velocity_hat + i);
    }
    w = w - w * decay;
    part.put(w - m * rate / (sqrt(v) + epsilon), variable + i);
  }
}

void sgd(float learning_rate, float momentum, bool nesterov, float decay, const float* gradient, float* variable,
         float* momentum_slot, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += lanes) {
    const Part part{n - i};
    const Floats move = part.get(gradient + i) * learning_rate;
    Floats w = part.get(variable + i);
    w = w - w * decay;
    if (momentum_slot == nullptr) {
      w = w - move;
    } else {
      const Floats m = part.get(momentum_slot + i) * momentum - move;
      part.put(m, momentum_slot + i);
      w = w + (nesterov ? m * momentum - move : m);
    }
    part.put(w, variable + i);
  }
}

void rmsprop(float learning_rate, float rho, float momentum, float epsilon, float decay, const float* gradient,
             float* variable, float* velocity, float* momentum_slot, float* average, std::int64_t n) {
  const float fresh = 1.0F - rho;
  for (std::int64_t i = 0; i < n; i += lanes) {
    const Part part{n - i};
    const Floats g = part.get(gradient + i);
    Floats w = part.get(variable + i);
    w = w - w * decay;
    const Floats v = part.get(velocity + i) * rho + g * g * fresh;
    part.put(v, velocity + i);
    Floats under = v;
    if (average != nullptr) {
      const Floats mean = part.get(average + i) * rho + g * fresh;
      part.put(mean, average + i);
      under = under - mean * mean;
    }
    Floats move = g * learning_rate / sqrt(under + epsilon);
    if (momentum_slot != nullptr) {
      move = part.get(momentum_slot + i) * momentum + move;
      part.put(move, momentum_slot + i);
    }
    part.put(w - move, variable + i);
  }
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
