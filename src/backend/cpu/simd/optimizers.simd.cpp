#include <cmath>

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
  static Register power(Register x, float by) {
    for (int lane = 0; lane < lanes; ++lane) x[lane] = std::pow(x[lane], by);
    return x;
  }
  static Register sign(Register x) { return select(x == Register{}, x, select(x != x, x, with_sign(splat(1.0F), x))); }
};

}  // namespace

void adam(const AdamStep& step, float decay, const float* gradient, float* variable, float* momentum, float* velocity,
          float* velocity_hat, std::int64_t n) {
  const rules::Adam<float> rule(step);
  for (std::int64_t i = 0; i < n; i += lanes) {
    const Floats g = load_up_to(n - i, gradient + i), w = load_up_to(n - i, variable + i);
    Floats m = load_up_to(n - i, momentum + i), v = load_up_to(n - i, velocity + i), highest{};
    if (velocity_hat != nullptr) highest = load_up_to(n - i, velocity_hat + i);
    const Floats moved =
        rule.template step<StepMath>(g, w - w * decay, m, v, velocity_hat == nullptr ? nullptr : &highest);
    store_up_to(n - i, m, momentum + i);
    store_up_to(n - i, v, velocity + i);
    if (velocity_hat != nullptr) store_up_to(n - i, highest, velocity_hat + i);
    store_up_to(n - i, moved, variable + i);
  }
}

void sgd(float learning_rate, float momentum, bool nesterov, float decay, const float* gradient, float* variable,
         float* momentum_slot, std::int64_t n) {
  const rules::Sgd<float> rule({learning_rate, momentum, nesterov});
  for (std::int64_t i = 0; i < n; i += lanes) {
    const Floats g = load_up_to(n - i, gradient + i), w = load_up_to(n - i, variable + i);
    Floats m{};
    if (momentum_slot != nullptr) m = load_up_to(n - i, momentum_slot + i);
    const Floats moved = rule.step(g, w - w * decay, momentum_slot == nullptr ? nullptr : &m);
    if (momentum_slot != nullptr) store_up_to(n - i, m, momentum_slot + i);
    store_up_to(n - i, moved, variable + i);
  }
}

void rmsprop(float learning_rate, float rho, float momentum, float epsilon, float decay, const float* gradient,
             float* variable, float* velocity, float* momentum_slot, float* average, std::int64_t n) {
  const rules::Rmsprop<float> rule({learning_rate, rho, momentum, epsilon});
  for (std::int64_t i = 0; i < n; i += lanes) {
    const Floats g = load_up_to(n - i, gradient + i), w = load_up_to(n - i, variable + i);
    Floats v = load_up_to(n - i, velocity + i), m{}, mean{};
    if (momentum_slot != nullptr) m = load_up_to(n - i, momentum_slot + i);
    if (average != nullptr) mean = load_up_to(n - i, average + i);
    const Floats moved = rule.template step<StepMath>(g, w - w * decay, v, momentum_slot == nullptr ? nullptr : &m,
                                                      average == nullptr ? nullptr : &mean);
    store_up_to(n - i, v, velocity + i);
    if (momentum_slot != nullptr) store_up_to(n - i, m, momentum_slot + i);
    if (average != nullptr) store_up_to(n - i, mean, average + i);
    store_up_to(n - i, moved, variable + i);
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
