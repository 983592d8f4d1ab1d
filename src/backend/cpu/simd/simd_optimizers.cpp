#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"

namespace nyala::backend {

void SimdKernels::adam_step(const AdamStep& step, const Tensor& gradient, Tensor& variable, Tensor& momentum,
                            Tensor& velocity, Tensor& velocity_hat) {
  if (!all_float32(gradient, variable, momentum, velocity, velocity_hat)) {
    return ReferenceKernels::adam_step(step, gradient, variable, momentum, velocity, velocity_hat);
  }
  const float* g = floats(gradient);
  float *w = floats(variable), *m = floats(momentum), *v = floats(velocity), *v_hat = floats(velocity_hat);
  detail::parallel_for(0, variable.size(), dear_grain, [&](std::int64_t begin, std::int64_t end) {
    table_.adam(step, g + begin, w + begin, m + begin, v + begin, advance(v_hat, begin), end - begin);
  });
}

void SimdKernels::sgd_step(double learning_rate, double momentum, bool nesterov, double weight_decay,
                           const Tensor& gradient, Tensor& variable, Tensor& momentum_slot) {
  if (!all_float32(gradient, variable, momentum_slot)) {
    return ReferenceKernels::sgd_step(learning_rate, momentum, nesterov, weight_decay, gradient, variable,
                                      momentum_slot);
  }
  const float* g = floats(gradient);
  float *w = floats(variable), *m = floats(momentum_slot);
  const auto rate = static_cast<float>(learning_rate), keep = static_cast<float>(momentum),
             decay = static_cast<float>(learning_rate * weight_decay);
  detail::parallel_for(0, variable.size(), dear_grain, [=, this](std::int64_t begin, std::int64_t end) {
    table_.sgd(rate, keep, nesterov, decay, g + begin, w + begin, advance(m, begin), end - begin);
  });
}

void SimdKernels::rmsprop_step(double learning_rate, double rho, double momentum, double epsilon, bool centered,
                               double weight_decay, const Tensor& gradient, Tensor& variable, Tensor& velocity,
                               Tensor& momentum_slot, Tensor& average_gradient) {
  if (!all_float32(gradient, variable, velocity, momentum_slot, average_gradient)) {
    return ReferenceKernels::rmsprop_step(learning_rate, rho, momentum, epsilon, centered, weight_decay, gradient,
                                          variable, velocity, momentum_slot, average_gradient);
  }
  const float* g = floats(gradient);
  float *w = floats(variable), *v = floats(velocity), *m = floats(momentum_slot),
        *average = centered ? floats(average_gradient) : nullptr;
  const auto rate = static_cast<float>(learning_rate), keep = static_cast<float>(momentum),
             old = static_cast<float>(rho), guard = static_cast<float>(epsilon),
             decay = static_cast<float>(learning_rate * weight_decay);
  detail::parallel_for(0, variable.size(), dear_grain, [=, this](std::int64_t begin, std::int64_t end) {
    table_.rmsprop(rate, old, keep, guard, decay, g + begin, w + begin, v + begin, advance(m, begin),
                   advance(average, begin), end - begin);
  });
}

}  // namespace nyala::backend
