#pragma once

#include "backend/kernels.hpp"

// What a step of the simpler optimizers does to an element, written once for single numbers on the CPU and the GPU and
// for registers of them. A step takes the gradient, the weight and up to two slots, changes the slots and returns the
// new weight. N is the type of the elements, M has their sqrt, abs, maximum, minimum, sign and power.
//
// Nadam's running product of momenta is a variable. Where it lies on a GPU, it comes as the third slot, one float32
// number, and the momentum now and in the next step stand where the factors of momentum and gradient would.

namespace nyala::backend::rules {

/// The first three have kernels of their own, for slots that need not be there (null).
template <class A>
struct Adam {
  A rate, fresh_1, fresh_2, epsilon;
  explicit constexpr Adam(const AdamStep& s)
      : rate(static_cast<A>(s.learning_rate)),
        fresh_1(static_cast<A>(1 - s.beta_1)),
        fresh_2(static_cast<A>(1 - s.beta_2)),
        epsilon(static_cast<A>(s.epsilon)) {}
  template <class M, class N>
  constexpr N step(N g, N w, N& momentum, N& velocity, N* highest) const {
    momentum = momentum + (g - momentum) * fresh_1;
    velocity = velocity + (g * g - velocity) * fresh_2;
    N under = velocity;
    if (highest != nullptr) under = *highest = M::maximum(*highest, velocity);
    return w - momentum * rate / (M::sqrt(under) + epsilon);
  }
};

template <class A>
struct Sgd {
  A rate, keep;
  bool nesterov;
  explicit constexpr Sgd(const SgdStep& s)
      : rate(static_cast<A>(s.learning_rate)), keep(static_cast<A>(s.momentum)), nesterov(s.nesterov) {}
  template <class N>
  constexpr N step(N g, N w, N* momentum) const {
    const N move = g * rate;
    if (momentum == nullptr) return w - move;
    *momentum = *momentum * keep - move;
    return nesterov ? w + (*momentum * keep - move) : w + *momentum;
  }
};

template <class A>
struct Rmsprop {
  A rate, old, fresh, keep, epsilon;
  explicit constexpr Rmsprop(const RmspropStep& s)
      : rate(static_cast<A>(s.learning_rate)),
        old(static_cast<A>(s.rho)),
        fresh(A(1) - old),
        keep(static_cast<A>(s.momentum)),
        epsilon(static_cast<A>(s.epsilon)) {}
  template <class M, class N>
  constexpr N step(N g, N w, N& velocity, N* momentum, N* average) const {
    velocity = velocity * old + g * g * fresh;
    N under = velocity;
    if (average != nullptr) {
      *average = *average * old + g * fresh;
      under = under - *average * *average;
    }
    N move = g * rate / M::sqrt(under + epsilon);
    if (momentum != nullptr) move = *momentum = *momentum * keep + move;
    return w - move;
  }
};

template <class A>
struct Adagrad {
  static constexpr bool second_slot = false;
  A rate, inside, outside;  // of the root: epsilon, and 0
  template <class M, class N>
  constexpr N step(N g, N w, N& sum, N&) const {
    sum = sum + g * g;
    return w - g * rate / (M::sqrt(sum + inside) + outside);
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

/// By what Nadam's step multiplies its momentum and the gradient: from its momentum now and in the next step, and the
/// product of all up to now.
template <class A>
struct NadamFactors {
  A of_momentum, of_gradient;
  constexpr NadamFactors(A now, A next, A product)
      : of_momentum(next / (1 - product * next)), of_gradient((1 - now) / (1 - product)) {}
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

/// `rooted`: the power is 1/2, as it nearly always is.
template <class A, bool rooted>
struct Ftrl {
  static constexpr bool second_slot = true;
  A rate, l1, shrinkage, ridge, power;
  template <class M, class N>
  constexpr N raised(N x) const {
    if constexpr (rooted)
      return M::sqrt(x);
    else
      return M::power(x, power);
  }
  template <class M, class N>
  constexpr N step(N g, N w, N& sum, N& linear) const {
    const N new_sum = sum + g * g, new_root = raised<M>(new_sum);
    linear = linear + (g + w * shrinkage - (new_root - raised<M>(sum)) / rate * w);
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
    case StepRule::adagrad: return fn(Adagrad<A>{a(0), a(1), a(2)});
    case StepRule::adadelta: return fn(Adadelta<A>{a(0), a(1), rest(1), a(2)});
    case StepRule::adamax: return fn(Adamax<A>{a(0), rest(1), a(2), a(3)});
    case StepRule::nadam: return fn(Nadam<A>{a(0), rest(1), rest(2), a(3), a(4), a(5), a(6)});
    case StepRule::lion: return fn(Lion<A>{a(0), a(1), rest(1), a(2), rest(2)});
    case StepRule::ftrl:
      if (step.numbers[4] == 0.5) return fn(Ftrl<A, true>{a(0), a(1), a(2), a(3), a(4)});
      return fn(Ftrl<A, false>{a(0), a(1), a(2), a(3), a(4)});
  }
}

}  // namespace nyala::backend::rules
