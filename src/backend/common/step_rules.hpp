#pragma once

#include "backend/kernels.hpp"

// What a step of the simpler optimizers does to an element, written once for single numbers on the CPU and the GPU and
// for registers of them. A step takes the gradient, the weight and up to two slots, changes the slots and returns the
// new weight. N is the type of the elements, M has their sqrt, abs, maximum, minimum and sign.

namespace nyala::backend::rules {

template <class A>
struct Adagrad {
  static constexpr bool second_slot = false;
  A rate, epsilon;
  template <class M, class N>
  constexpr N step(N g, N w, N& sum, N&) const {
    sum = sum + g * g;
    return w - g * rate / M::sqrt(sum + epsilon);
  }
};

template <class A>
struct Adadelta {
  static constexpr bool second_slot = true;
  A rate, old, fresh, epsilon;
  template <class M, class N>
  constexpr N step(N g, N w, N& gradients, N& deltas) const {
    gradients = gradients * old + g * g * fresh;
    const N delta = g * M::sqrt(deltas + epsilon) / M::sqrt(gradients + epsilon);
    deltas = deltas * old + delta * delta * fresh;
    return w - delta * rate;
  }
};

template <class A>
struct Adamax {
  static constexpr bool second_slot = true;
  A rate, fresh_1, beta_2, epsilon;
  template <class M, class N>
  constexpr N step(N g, N w, N& momentum, N& norm) const {
    momentum = momentum + (g - momentum) * fresh_1;
    norm = M::maximum(norm * beta_2, M::abs(g));
    return w - momentum * rate / (norm + epsilon);
  }
};

template <class A>
struct Nadam {
  static constexpr bool second_slot = true;
  A rate, fresh_1, fresh_2, epsilon, of_momentum, of_gradient, correction;
  template <class M, class N>
  constexpr N step(N g, N w, N& momentum, N& velocity) const {
    momentum = momentum + (g - momentum) * fresh_1;
    velocity = velocity + (g * g - velocity) * fresh_2;
    const N ahead = momentum * of_momentum + g * of_gradient;
    return w - ahead * rate / (M::sqrt(velocity / correction) + epsilon);
  }
};

template <class A>
struct Lion {
  static constexpr bool second_slot = false;
  A rate, beta_1, fresh_1, beta_2, fresh_2;
  template <class M, class N>
  constexpr N step(N g, N w, N& momentum, N&) const {
    const N direction = M::sign(momentum * beta_1 + g * fresh_1);
    momentum = momentum * beta_2 + g * fresh_2;
    return w - direction * rate;
  }
};

template <class A>
struct Ftrl {
  static constexpr bool second_slot = true;
  A rate, l1, shrinkage, ridge;
  template <class M, class N>
  constexpr N step(N g, N w, N& sum, N& linear) const {
    const N new_sum = sum + g * g, new_root = M::sqrt(new_sum);
    linear = linear + (g + w * shrinkage - (new_root - M::sqrt(sum)) / rate * w);
    sum = new_sum;
    const N cut = M::minimum(M::maximum(linear, N{} - l1), N{} + l1);
    return (cut - linear) / (new_root / rate + ridge);
  }
};

/// fn(the rule with its numbers as A)
template <class A, class F>
void visit(const RuleStep& step, F&& fn) {
  const auto a = [&](int i) { return static_cast<A>(step.numbers[i]); };
  const auto rest = [&](int i) { return static_cast<A>(1 - step.numbers[i]); };
  switch (step.rule) {
    case StepRule::adagrad: return fn(Adagrad<A>{a(0), a(1)});
    case StepRule::adadelta: return fn(Adadelta<A>{a(0), a(1), rest(1), a(2)});
    case StepRule::adamax: return fn(Adamax<A>{a(0), rest(1), a(2), a(3)});
    case StepRule::nadam: return fn(Nadam<A>{a(0), rest(1), rest(2), a(3), a(4), a(5), a(6)});
    case StepRule::lion: return fn(Lion<A>{a(0), a(1), rest(1), a(2), rest(2)});
    case StepRule::ftrl: return fn(Ftrl<A>{a(0), a(1), a(2), a(3)});
  }
}

}  // namespace nyala::backend::rules
