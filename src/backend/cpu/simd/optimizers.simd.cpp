#include "backend/common/step_rules.hpp"
#include "backend/cpu/simd/loops.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {

namespace {

using Register = Floats;

struct StepMath {
  static Register sqrt(Register x) { return NYALA_SIMD_NAMESPACE::sqrt(x); }
  static Register abs(Register x) { return NYALA_SIMD_NAMESPACE::abs(x); }
  static Register maximum(Register a, Register b) { return NYALA_SIMD_NAMESPACE::maximum(a, b); }
  static Register minimum(Register a, Register b) { return NYALA_SIMD_NAMESPACE::minimum(a, b); }
  static Register sign(Register x) { return select(x == Register{}, x, select(x != x, x, with_sign(splat(1.0F), x))); }
};

}  // namespace

void adam(const AdamStep& step, float decay, const float* gradient, float* variable, float* momentum, float* velocity,
          float* velocity_hat, std::int64_t n) {
  const auto rate = static_cast<float>(step.learning_rate), epsilon = static_cast<float>(step.epsilon);
  const auto fresh_1 = static_cast<float>(1 - step.beta_1), fresh_2 = static_cast<float>(1 - step.beta_2);
  for (std::int64_t i = 0; i < n; i += lanes) {
    const Floats g = load_up_to(n - i, gradient + i);
    Floats m = load_up_to(n - i, momentum + i), v = load_up_to(n - i, velocity + i),
           w = load_up_to(n - i, variable + i);
    m = m + (g - m) * fresh_1;
    v = v + (g * g - v) * fresh_2;
    store_up_to(n - i, m, momentum + i);
    store_up_to(n - i, v, velocity + i);
    if (velocity_hat != nullptr) {
      v = maximum(load_up_to(n - i, velocity_hat + i), v);
      store_up_to(n - i, v, velocity_hat + i);
    }
    w = w - w * decay;
    store_up_to(n - i, w - m * rate / (sqrt(v) + epsilon), variable + i);
  }
}

void sgd(float learning_rate, float momentum, bool nesterov, float decay, const float* gradient, float* variable,
         float* momentum_slot, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += lanes) {
    const Floats move = load_up_to(n - i, gradient + i) * learning_rate;
    Floats w = load_up_to(n - i, variable + i);
    w = w - w * decay;
    if (momentum_slot == nullptr) {
      w = w - move;
    } else {
      const Floats m = load_up_to(n - i, momentum_slot + i) * momentum - move;
      store_up_to(n - i, m, momentum_slot + i);
      w = w + (nesterov ? m * momentum - move : m);
    }
    store_up_to(n - i, w, variable + i);
  }
}

void rmsprop(float learning_rate, float rho, float momentum, float epsilon, float decay, const float* gradient,
             float* variable, float* velocity, float* momentum_slot, float* average, std::int64_t n) {
  const float fresh = 1.0F - rho;
  for (std::int64_t i = 0; i < n; i += lanes) {
    const Floats g = load_up_to(n - i, gradient + i);
    Floats w = load_up_to(n - i, variable + i);
    w = w - w * decay;
    const Floats v = load_up_to(n - i, velocity + i) * rho + g * g * fresh;
    store_up_to(n - i, v, velocity + i);
    Floats under = v;
    if (average != nullptr) {
      const Floats mean = load_up_to(n - i, average + i) * rho + g * fresh;
      store_up_to(n - i, mean, average + i);
      under = under - mean * mean;
    }
    Floats move = g * learning_rate / sqrt(under + epsilon);
    if (momentum_slot != nullptr) {
      move = load_up_to(n - i, momentum_slot + i) * momentum + move;
      store_up_to(n - i, move, momentum_slot + i);
    }
    store_up_to(n - i, w - move, variable + i);
  }
}

void rule_step(const RuleStep& step, float decay, const float* gradient, float* variable, float* first, float* second,
               std::int64_t n) {
  rules::visit<float>(step, [&](const auto rule) {
    for (std::int64_t i = 0; i < n; i += lanes) {
      const Floats g = load_up_to(n - i, gradient + i);
      Floats w = load_up_to(n - i, variable + i), a = load_up_to(n - i, first + i), b{};
      if (rule.second_slot) b = load_up_to(n - i, second + i);
      w = rule.template step<StepMath>(g, w - w * decay, a, b);
      store_up_to(n - i, a, first + i);
      if (rule.second_slot) store_up_to(n - i, b, second + i);
      store_up_to(n - i, w, variable + i);
    }
  });
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
