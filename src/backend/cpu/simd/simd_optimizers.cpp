#include <algorithm>

#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"

namespace nyala::backend {

namespace {

/// A variable of a step as float32: its gradient, itself and its slots (null where there is none).
struct Floats {
  explicit Floats(const StepVariable& of) : gradient(floats(of.gradient)), variable(floats(*of.variable)) {
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = of.slots[i] == nullptr ? nullptr : floats(*of.slots[i]);
  }
  float* slot(std::size_t i, std::int64_t begin) const { return advance(slots[i], begin); }

  const float* gradient;
  float* variable;
  std::array<float*, 3> slots;
};

/// sweep(operands, decay, begin, end) over the float32 variables as if they were one behind the other, so that many
/// small ones are shared out between the threads like a large one; left(variable) for each other.
template <class Sweep, class Left>
void for_each_variable(std::span<const StepVariable> variables, Sweep&& sweep, Left&& left) {
  const auto fits = [](const StepVariable& each) { return each.variable->dtype() == DType::float32; };
  std::int64_t total = 0;
  for (const StepVariable& each : variables) {
    if (fits(each))
      total += each.variable->size();
    else
      left(std::span(&each, 1));
  }
  detail::parallel_for(0, total, dear_grain, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t first = 0;  // of this variable's elements among all
    for (const StepVariable& each : variables) {
      if (first >= end) break;
      if (!fits(each)) continue;
      const std::int64_t size = each.variable->size();
      const std::int64_t from = std::max(begin - first, std::int64_t{0}), to = std::min(end - first, size);
      if (from < to && each.rounded.defined())
        for_half_blocks(from, to, [&](std::int64_t at, std::int64_t n) {
          sweep(Floats(each), static_cast<float>(each.decay), at, at + n);
          narrow(floats(*each.variable) + at, each.rounded, at, n);
        });
      else if (from < to)
        sweep(Floats(each), static_cast<float>(each.decay), from, to);
      first += size;
    }
  });
}

}  // namespace

void SimdKernels::adam_step(const AdamStep& step, std::span<const StepVariable> variables) {
  for_each_variable(
      variables,
      [&](const Floats& of, float decay, std::int64_t begin, std::int64_t end) {
        table_.adam(step, decay, of.gradient + begin, of.variable + begin, of.slot(0, begin), of.slot(1, begin),
                    of.slot(2, begin), end - begin);
      },
      [&](std::span<const StepVariable> other) { ReferenceKernels::adam_step(step, other); });
}

void SimdKernels::sgd_step(const SgdStep& step, std::span<const StepVariable> variables) {
  const auto rate = static_cast<float>(step.learning_rate), keep = static_cast<float>(step.momentum);
  for_each_variable(
      variables,
      [&](const Floats& of, float decay, std::int64_t begin, std::int64_t end) {
        table_.sgd(rate, keep, step.nesterov, decay, of.gradient + begin, of.variable + begin, of.slot(0, begin),
                   end - begin);
      },
      [&](std::span<const StepVariable> other) { ReferenceKernels::sgd_step(step, other); });
}

void SimdKernels::rmsprop_step(const RmspropStep& step, std::span<const StepVariable> variables) {
  const auto rate = static_cast<float>(step.learning_rate), keep = static_cast<float>(step.momentum),
             old = static_cast<float>(step.rho), guard = static_cast<float>(step.epsilon);
  for_each_variable(
      variables,
      [&](const Floats& of, float decay, std::int64_t begin, std::int64_t end) {
        table_.rmsprop(rate, old, keep, guard, decay, of.gradient + begin, of.variable + begin, of.slot(0, begin),
                       of.slot(1, begin), of.slot(2, begin), end - begin);
      },
      [&](std::span<const StepVariable> other) { ReferenceKernels::rmsprop_step(step, other); });
}

void SimdKernels::rule_step(const RuleStep& step, std::span<const StepVariable> variables) {
  for_each_variable(
      variables,
      [&](const Floats& of, float decay, std::int64_t begin, std::int64_t end) {
        table_.rule_step(step, decay, of.gradient + begin, of.variable + begin, of.slot(0, begin), of.slot(1, begin),
                         end - begin);
      },
      [&](std::span<const StepVariable> other) { ReferenceKernels::rule_step(step, other); });
}

}  // namespace nyala::backend
