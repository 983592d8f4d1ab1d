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

/// sweep(operands, decay, begin, end) over the float32 variables, left(variable) for each other.
template <class Sweep, class Left>
void for_each_variable(std::span<const StepVariable> variables, Sweep&& sweep, Left&& left) {
  for (const StepVariable& each : variables) {
    if (each.variable->dtype() != DType::float32) {
      left(std::span(&each, 1));
      continue;
    }
    const Floats of(each);
    const auto decay = static_cast<float>(each.decay);
    detail::parallel_for(0, each.variable->size(), dear_grain,
                         [&](std::int64_t begin, std::int64_t end) { sweep(of, decay, begin, end); });
  }
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

}  // namespace nyala::backend
