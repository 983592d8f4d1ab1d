#include <cmath>

#include "backend/common/scalar_math.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/dispatch.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

template <class T>
struct Adam {
  using A = Wide<T>;
  A rate, fresh_1, fresh_2, epsilon, decay;
  const T* gradient;
  T *variable, *momentum, *velocity, *velocity_hat;
  constexpr void operator()(std::int64_t i) const {
    const auto g = static_cast<A>(gradient[i]);
    auto w = static_cast<A>(variable[i]), m = static_cast<A>(momentum[i]), v = static_cast<A>(velocity[i]);
    m += (g - m) * fresh_1;
    v += (g * g - v) * fresh_2;
    if (decay != A(0)) w -= w * decay;
    A second = v;
    if (velocity_hat != nullptr) {
      second = scalar::maximum(static_cast<A>(velocity_hat[i]), v);
      velocity_hat[i] = static_cast<T>(second);
    }
    w -= m * rate / (std::sqrt(second) + epsilon);
    momentum[i] = static_cast<T>(m);
    velocity[i] = static_cast<T>(v);
    variable[i] = static_cast<T>(w);
  }
};

template <class T>
struct Sgd {
  using A = Wide<T>;
  A rate, keep, decay;
  bool nesterov;
  const T* gradient;
  T *variable, *momentum;
  constexpr void operator()(std::int64_t i) const {
    const auto g = static_cast<A>(gradient[i]);
    auto w = static_cast<A>(variable[i]);
    if (decay != A(0)) w -= w * decay;
    if (momentum == nullptr) {
      w -= rate * g;
    } else {
      const A m = keep * static_cast<A>(momentum[i]) - rate * g;
      w += nesterov ? keep * m - rate * g : m;
      momentum[i] = static_cast<T>(m);
    }
    variable[i] = static_cast<T>(w);
  }
};

template <class T>
struct Rmsprop {
  using A = Wide<T>;
  A rate, old, fresh, keep, epsilon, decay;
  const T* gradient;
  T *variable, *velocity, *momentum, *average;
  constexpr void operator()(std::int64_t i) const {
    const auto g = static_cast<A>(gradient[i]);
    auto w = static_cast<A>(variable[i]);
    if (decay != A(0)) w -= w * decay;
    const A v = old * static_cast<A>(velocity[i]) + fresh * g * g;
    velocity[i] = static_cast<T>(v);
    A spread = v;
    if (average != nullptr) {
      const A mean = old * static_cast<A>(average[i]) + fresh * g;
      average[i] = static_cast<T>(mean);
      spread = v - mean * mean;
    }
    A step = rate * g / std::sqrt(spread + epsilon);
    if (momentum != nullptr) {
      step = keep * static_cast<A>(momentum[i]) + step;
      momentum[i] = static_cast<T>(step);
    }
    variable[i] = static_cast<T>(w - step);
  }
};

}  // namespace

void CudaKernels::adam_step(const AdamStep& step, const Tensor& gradient, Tensor& variable, Tensor& momentum,
                            Tensor& velocity, Tensor& velocity_hat) {
  visit_any_floating(variable.dtype(), "adam_step", [&]<class T>(std::type_identity<T>) {
    using A = Wide<T>;
    launch(context_.stream(), variable.size(),
           Adam<T>{static_cast<A>(step.learning_rate), static_cast<A>(1 - step.beta_1), static_cast<A>(1 - step.beta_2),
                   static_cast<A>(step.epsilon), static_cast<A>(step.weight_decay), elements<T>(gradient),
                   elements<T>(variable), elements<T>(momentum), elements<T>(velocity),
                   step.amsgrad ? elements<T>(velocity_hat) : nullptr});
  });
}

void CudaKernels::sgd_step(double learning_rate, double momentum, bool nesterov, double weight_decay,
                           const Tensor& gradient, Tensor& variable, Tensor& momentum_slot) {
  visit_any_floating(variable.dtype(), "sgd_step", [&]<class T>(std::type_identity<T>) {
    using A = Wide<T>;
    launch(context_.stream(), variable.size(),
           Sgd<T>{static_cast<A>(learning_rate), static_cast<A>(momentum), static_cast<A>(learning_rate * weight_decay),
                  nesterov, elements<T>(gradient), elements<T>(variable), elements<T>(momentum_slot)});
  });
}

void CudaKernels::rmsprop_step(double learning_rate, double rho, double momentum, double epsilon, bool centered,
                               double weight_decay, const Tensor& gradient, Tensor& variable, Tensor& velocity,
                               Tensor& momentum_slot, Tensor& average_gradient) {
  visit_any_floating(variable.dtype(), "rmsprop_step", [&]<class T>(std::type_identity<T>) {
    using A = Wide<T>;
    launch(context_.stream(), variable.size(),
           Rmsprop<T>{static_cast<A>(learning_rate), static_cast<A>(rho), static_cast<A>(1 - rho),
                      static_cast<A>(momentum), static_cast<A>(epsilon), static_cast<A>(learning_rate * weight_decay),
                      elements<T>(gradient), elements<T>(variable), elements<T>(velocity), elements<T>(momentum_slot),
                      centered ? elements<T>(average_gradient) : nullptr});
  });
}

}  // namespace nyala::backend::cuda
