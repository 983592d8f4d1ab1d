#include <xtensor/xmath.hpp>
#include <xtensor/xnoalias.hpp>

#include "backend/common/dispatch.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/map.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {

namespace {

/// fn(std::type_identity<T>, gradient, variable, slots…) for each variable, its halves widened to float32.
template <std::size_t slots, class F>
void for_each_variable(Kernels& kernels, std::span<const StepVariable> variables, const char* kernel, F&& fn) {
  for (const StepVariable& each : variables) {
    Widened widened(kernels);
    const Tensor gradient = widened.in(each.gradient);
    Tensor& variable = widened.in_out(*each.variable);
    visit_floating(variable.dtype(), kernel, [&]<class T>(std::type_identity<T> type) {
      auto w = variable.xt<T>();
      if (each.decay != 0) w -= w * static_cast<T>(each.decay);
      [&]<std::size_t... i>(std::index_sequence<i...>) {
        fn(type, gradient.xt<T>(), w, widened.in_out(*each.slots[i])...);
      }(std::make_index_sequence<slots>());
    });
    widened.finish();
  }
}

}  // namespace

void ReferenceKernels::adam_step(const AdamStep& step, std::span<const StepVariable> variables) {
  for_each_variable<3>(
      *this, variables, "adam_step",
      [&]<class T>(std::type_identity<T>, const auto& g, auto& w, Tensor& momentum, Tensor& velocity, Tensor& highest) {
        auto m = momentum.xt<T>(), v = velocity.xt<T>();
        const T learning_rate = static_cast<T>(step.learning_rate), epsilon = static_cast<T>(step.epsilon);
        m += (g - m) * static_cast<T>(1 - step.beta_1);
        v += (g * g - v) * static_cast<T>(1 - step.beta_2);
        if (highest.defined()) {
          auto v_hat = highest.xt<T>();
          xt::noalias(v_hat) = xt::maximum(v_hat, v);
          w -= m * learning_rate / (xt::sqrt(v_hat) + epsilon);
        } else {
          w -= m * learning_rate / (xt::sqrt(v) + epsilon);
        }
      });
}

void ReferenceKernels::sgd_step(const SgdStep& step, std::span<const StepVariable> variables) {
  for_each_variable<1>(*this, variables, "sgd_step",
                       [&]<class T>(std::type_identity<T>, const auto& g, auto& w, Tensor& momentum) {
                         const T rate = static_cast<T>(step.learning_rate), keep = static_cast<T>(step.momentum);
                         if (!momentum.defined()) {
                           w -= rate * g;
                           return;
                         }
                         auto m = momentum.xt<T>();
                         xt::noalias(m) = keep * m - rate * g;
                         if (step.nesterov)
                           w += keep * m - rate * g;
                         else
                           w += m;
                       });
}

void ReferenceKernels::rmsprop_step(const RmspropStep& step, std::span<const StepVariable> variables) {
  for_each_variable<3>(
      *this, variables, "rmsprop_step",
      [&]<class T>(std::type_identity<T>, const auto& g, auto& w, Tensor& velocity, Tensor& momentum, Tensor& mean) {
        auto v = velocity.xt<T>();
        const T old = static_cast<T>(step.rho), fresh = static_cast<T>(1 - step.rho),
                rate = static_cast<T>(step.learning_rate), guard = static_cast<T>(step.epsilon);
        xt::noalias(v) = old * v + fresh * g * g;
        xt::xarray<T> increment;
        if (mean.defined()) {
          auto average = mean.xt<T>();
          xt::noalias(average) = old * average + fresh * g;
          increment = rate * g / xt::sqrt(v - average * average + guard);
        } else {
          increment = rate * g / xt::sqrt(v + guard);
        }
        if (!momentum.defined()) {
          w -= increment;
          return;
        }
        auto m = momentum.xt<T>();
        xt::noalias(m) = static_cast<T>(step.momentum) * m + increment;
        w -= m;
      });
}

}  // namespace nyala::backend
