#include <array>
#include <cmath>
#include <utility>

#include "backend/common/dispatch.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/common/step_rules.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {

namespace {

/// rule(gradient, weight, slot pointers…) at every element of each variable, halves widened to float32; the pointer of
/// a slot that the variable has not is null.
template <std::size_t slots, class Rule>
void for_each_element(Kernels& kernels, std::span<const StepVariable> variables, const char* kernel, Rule&& rule) {
  for (const StepVariable& each : variables) {
    Widened widened(kernels);
    const Tensor gradient = widened.in(each.gradient);
    Tensor& variable = widened.in_out(*each.variable);
    visit_floating(variable.dtype(), kernel, [&]<class T>(std::type_identity<T>) {
      const T* g = gradient.data<T>();
      T* w = variable.data<T>();
      std::array<T*, slots> slot{};
      for (std::size_t k = 0; k < slots; ++k)
        if (each.slots[k]->defined()) slot[k] = widened.in_out(*each.slots[k]).data<T>();
      const T decay = static_cast<T>(each.decay);
      for (std::int64_t i = 0; i < variable.size(); ++i) {
        w[i] -= w[i] * decay;
        [&]<std::size_t... k>(std::index_sequence<k...>) {
          rule(g[i], w[i], (slot[k] == nullptr ? nullptr : slot[k] + i)...);
        }(std::make_index_sequence<slots>());
      }
    });
    widened.finish();
  }
}

}  // namespace

void ReferenceKernels::adam_step(const AdamStep& step, std::span<const StepVariable> variables) {
  for_each_element<3>(*this, variables, "adam_step", [&]<class T>(T g, T& w, T* m, T* v, T* highest) {
    w = rules::Adam<T>(step).template step<scalar::StepMath>(g, w, *m, *v, highest);
  });
}

void ReferenceKernels::sgd_step(const SgdStep& step, std::span<const StepVariable> variables) {
  for_each_element<1>(*this, variables, "sgd_step",
                      [&]<class T>(T g, T& w, T* m) { w = rules::Sgd<T>(step).step(g, w, m); });
}

void ReferenceKernels::rmsprop_step(const RmspropStep& step, std::span<const StepVariable> variables) {
  for_each_element<3>(*this, variables, "rmsprop_step", [&]<class T>(T g, T& w, T* v, T* m, T* mean) {
    w = rules::Rmsprop<T>(step).template step<scalar::StepMath>(g, w, *v, m, mean);
  });
}

void ReferenceKernels::rule_step(const RuleStep& step, std::span<const StepVariable> variables) {
  for_each_element<2>(*this, variables, "rule_step", [&]<class T>(T g, T& w, T* first, T* second) {
    T none = 0;
    rules::visit<T>(step, [&](const auto& rule) {
      w = rule.template step<scalar::StepMath>(g, w, *first, second == nullptr ? none : *second);
    });
  });
}

}  // namespace nyala::backend
