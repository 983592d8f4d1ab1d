#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"

namespace nyala::backend {

namespace {

/// Whether n numbers are all +0.
bool all_zero(const float* x, std::int64_t n) {
  constexpr std::int64_t block = 16;
  std::array<std::uint32_t, block> bits;
  std::int64_t i = 0;
  for (; i + block <= n; i += block) {
    std::uint32_t any = 0;
    std::memcpy(bits.data(), x + i, sizeof(bits));
    for (const std::uint32_t one : bits) any |= one;
    if (any != 0) return false;
  }
  return std::all_of(x + i, x + n, [](float one) { return std::bit_cast<std::uint32_t>(one) == 0; });
}

/// A variable of a step as float32: its gradient, itself and its slots (null where there is none).
struct Floats {
  explicit Floats(const StepVariable& of) : gradient(floats(of.gradient)), variable(floats(*of.variable)) {
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = of.slots[i] == nullptr ? nullptr : floats(*of.slots[i]);
    rows = of.rows.get();
    length = rows == nullptr ? 0 : of.gradient.size() / of.gradient.shape()[0];
    decays = of.decay != 0.0;
  }
  float* slot(std::size_t i, std::int64_t begin) const { return advance(slots[i], begin); }
  /// Whether all slots are zero there.
  bool unmoved(std::int64_t begin, std::int64_t end) const {
    return std::all_of(slots.begin(), slots.end(),
                       [&](const float* slot) { return slot == nullptr || all_zero(slot + begin, end - begin); });
  }

  const float* gradient;
  float* variable;
  std::array<float*, 3> slots;
  const detail::RowSet* rows;  // that the gradient is of; null: of all
  std::int64_t length;         // of each
  bool decays;
};

/// sweep(gradient, begin, n) over the elements [begin, end) of a variable. `rests`: whether the rule leaves a weight as
/// it is whose gradient, slots and decay are zero; such rows are passed over. No memory is read for other rows' zeros.
template <class Sweep>
void by_rows(const Floats& of, std::int64_t begin, std::int64_t end, bool rests, Sweep&& sweep) {
  if (of.rows == nullptr) return sweep(of.gradient + begin, begin, end - begin);
  static constexpr std::array<float, 1024> zeros{};
  constexpr auto most = static_cast<std::int64_t>(zeros.size());
  for (std::int64_t at = begin; at < end;) {
    const std::int64_t row = at / of.length, stop = std::min(end, (row + 1) * of.length);
    if (of.rows->has(row)) {
      sweep(of.gradient + at, at, stop - at);
    } else if (!rests || of.decays || !of.unmoved(at, stop)) {
      for (std::int64_t from = at; from < stop; from += most) sweep(zeros.data(), from, std::min(most, stop - from));
    }
    at = stop;
  }
}

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
  const bool rests = step.epsilon > 0.0 && std::isfinite(step.learning_rate);
  for_each_variable(
      variables,
      [&](const Floats& of, float decay, std::int64_t begin, std::int64_t end) {
        by_rows(of, begin, end, rests, [&](const float* gradient, std::int64_t at, std::int64_t n) {
          table_.adam(step, decay, gradient, of.variable + at, of.slot(0, at), of.slot(1, at), of.slot(2, at), n);
        });
      },
      [&](std::span<const StepVariable> other) { ReferenceKernels::adam_step(step, other); });
}

void SimdKernels::sgd_step(const SgdStep& step, std::span<const StepVariable> variables) {
  const auto rate = static_cast<float>(step.learning_rate), keep = static_cast<float>(step.momentum);
  const bool rests = std::isfinite(step.learning_rate);
  for_each_variable(
      variables,
      [&](const Floats& of, float decay, std::int64_t begin, std::int64_t end) {
        by_rows(of, begin, end, rests, [&](const float* gradient, std::int64_t at, std::int64_t n) {
          table_.sgd(rate, keep, step.nesterov, decay, gradient, of.variable + at, of.slot(0, at), n);
        });
      },
      [&](std::span<const StepVariable> other) { ReferenceKernels::sgd_step(step, other); });
}

void SimdKernels::rmsprop_step(const RmspropStep& step, std::span<const StepVariable> variables) {
  const auto rate = static_cast<float>(step.learning_rate), keep = static_cast<float>(step.momentum),
             old = static_cast<float>(step.rho), guard = static_cast<float>(step.epsilon);
  const bool rests = step.epsilon > 0.0 && std::isfinite(step.learning_rate);
  for_each_variable(
      variables,
      [&](const Floats& of, float decay, std::int64_t begin, std::int64_t end) {
        by_rows(of, begin, end, rests, [&](const float* gradient, std::int64_t at, std::int64_t n) {
          table_.rmsprop(rate, old, keep, guard, decay, gradient, of.variable + at, of.slot(0, at), of.slot(1, at),
                         of.slot(2, at), n);
        });
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
