#include <xtensor/xmath.hpp>
#include <xtensor/xnoalias.hpp>

#include "backend/common/dispatch.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/map.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {

void ReferenceKernels::adam_step(const AdamStep& step, const Tensor& gradient, Tensor& variable, Tensor& momentum,
                                 Tensor& velocity, Tensor& velocity_hat) {
  Widened widened(*this);
  const Tensor wide_gradient = widened.in(gradient);
  Tensor &wide_w = widened.in_out(variable), &wide_m = widened.in_out(momentum), &wide_v = widened.in_out(velocity),
         &wide_v_hat = widened.in_out(velocity_hat);
  visit_floating(wide_w.dtype(), "adam_step", [&]<class T>(std::type_identity<T>) {
    const auto g = wide_gradient.xt<T>();
    auto w = wide_w.xt<T>(), m = wide_m.xt<T>(), v = wide_v.xt<T>();
    const T learning_rate = static_cast<T>(step.learning_rate), epsilon = static_cast<T>(step.epsilon);
    m += (g - m) * static_cast<T>(1 - step.beta_1);
    v += (g * g - v) * static_cast<T>(1 - step.beta_2);
    if (step.weight_decay != 0) w -= w * static_cast<T>(step.weight_decay);
    if (step.amsgrad) {
      auto v_hat = wide_v_hat.xt<T>();
      xt::noalias(v_hat) = xt::maximum(v_hat, v);
      w -= m * learning_rate / (xt::sqrt(v_hat) + epsilon);
    } else {
      w -= m * learning_rate / (xt::sqrt(v) + epsilon);
    }
  });
  widened.finish();
}

void ReferenceKernels::sgd_step(double learning_rate, double momentum, bool nesterov, double weight_decay,
                                const Tensor& gradient, Tensor& variable, Tensor& momentum_slot) {
  Widened widened(*this);
  const Tensor wide_gradient = widened.in(gradient);
  Tensor &wide_w = widened.in_out(variable), &wide_m = widened.in_out(momentum_slot);
  visit_floating(wide_w.dtype(), "sgd_step", [&]<class T>(std::type_identity<T>) {
    const auto g = wide_gradient.xt<T>();
    auto w = wide_w.xt<T>();
    const T rate = static_cast<T>(learning_rate), keep = static_cast<T>(momentum);
    if (weight_decay != 0) w -= w * static_cast<T>(learning_rate * weight_decay);
    if (!wide_m.defined()) {
      w -= rate * g;
      return;
    }
    auto m = wide_m.xt<T>();
    xt::noalias(m) = keep * m - rate * g;
    if (nesterov)
      w += keep * m - rate * g;
    else
      w += m;
  });
  widened.finish();
}

void ReferenceKernels::rmsprop_step(double learning_rate, double rho, double momentum, double epsilon, bool centered,
                                    double weight_decay, const Tensor& gradient, Tensor& variable, Tensor& velocity,
                                    Tensor& momentum_slot, Tensor& average_gradient) {
  Widened widened(*this);
  const Tensor wide_gradient = widened.in(gradient);
  Tensor &wide_w = widened.in_out(variable), &wide_v = widened.in_out(velocity),
         &wide_m = widened.in_out(momentum_slot), &wide_average = widened.in_out(average_gradient);
  visit_floating(wide_w.dtype(), "rmsprop_step", [&]<class T>(std::type_identity<T>) {
    const auto g = wide_gradient.xt<T>();
    auto w = wide_w.xt<T>(), v = wide_v.xt<T>();
    const T old = static_cast<T>(rho), fresh = static_cast<T>(1 - rho), guard = static_cast<T>(epsilon);
    if (weight_decay != 0) w -= w * static_cast<T>(learning_rate * weight_decay);
    xt::noalias(v) = old * v + fresh * g * g;
    xt::xarray<T> increment;
    if (centered) {
      auto average = wide_average.xt<T>();
      xt::noalias(average) = old * average + fresh * g;
      increment = static_cast<T>(learning_rate) * g / xt::sqrt(v - average * average + guard);
    } else {
      increment = static_cast<T>(learning_rate) * g / xt::sqrt(v + guard);
    }
    if (!wide_m.defined()) {
      w -= increment;
      return;
    }
    auto m = wide_m.xt<T>();
    xt::noalias(m) = static_cast<T>(momentum) * m + increment;
    w -= m;
  });
  widened.finish();
}

}  // namespace nyala::backend
