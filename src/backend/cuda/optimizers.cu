#include <algorithm>
#include <array>
#include <cmath>

#include "backend/common/scalar_math.hpp"
#include "backend/common/step_rules.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/dispatch.hpp"
#include "device/launch.hpp"

// One launch changes all variables of a step: the table of their addresses travels in the launch's own parameters, so
// that nothing is uploaded, and the elements of all are cut into chunks of one length.

namespace nyala::backend::cuda {
namespace {

constexpr std::int64_t lanes = 256, turns = 8, chunk = lanes * turns;

/// A variable in the table: w with its gradient and slots (null: none), and where its chunks begin.
template <class T>
struct Row {
  const T* gradient;
  T* variable;
  std::array<T*, 3> slots;
  std::int64_t size, first_chunk;
  Wide<T> decay;
};

/// A slot's number, 0 where there is no slot.
template <class T>
constexpr Wide<T> taken(const T* slot, std::int64_t i) {
  return slot == nullptr ? Wide<T>(0) : static_cast<Wide<T>>(slot[i]);
}
template <class T>
constexpr void put(Wide<T> value, T* slot, std::int64_t i) {
  if (slot != nullptr) slot[i] = static_cast<T>(value);
}
/// What a rule gets of a slot that need not be there.
template <class T>
constexpr Wide<T>* if_there(Wide<T>& value, const T* slot) {
  return slot == nullptr ? nullptr : &value;
}

template <class T>
struct Adam {
  rules::Adam<Wide<T>> rule;
  constexpr Wide<T> operator()(const Row<T>& row, std::int64_t i, Wide<T> w) const {
    const auto g = static_cast<Wide<T>>(row.gradient[i]);
    auto m = taken(row.slots[0], i), v = taken(row.slots[1], i), highest = taken(row.slots[2], i);
    w = rule.template step<scalar::StepMath>(g, w, m, v, if_there(highest, row.slots[2]));
    put(m, row.slots[0], i);
    put(v, row.slots[1], i);
    put(highest, row.slots[2], i);
    return w;
  }
};

template <class T>
struct Sgd {
  rules::Sgd<Wide<T>> rule;
  constexpr Wide<T> operator()(const Row<T>& row, std::int64_t i, Wide<T> w) const {
    auto m = taken(row.slots[0], i);
    w = rule.step(static_cast<Wide<T>>(row.gradient[i]), w, if_there(m, row.slots[0]));
    put(m, row.slots[0], i);
    return w;
  }
};

template <class T>
struct Rmsprop {
  rules::Rmsprop<Wide<T>> rule;
  constexpr Wide<T> operator()(const Row<T>& row, std::int64_t i, Wide<T> w) const {
    const auto g = static_cast<Wide<T>>(row.gradient[i]);
    auto v = taken(row.slots[0], i), m = taken(row.slots[1], i), mean = taken(row.slots[2], i);
    w = rule.template step<scalar::StepMath>(g, w, v, if_there(m, row.slots[1]), if_there(mean, row.slots[2]));
    put(v, row.slots[0], i);
    put(m, row.slots[1], i);
    put(mean, row.slots[2], i);
    return w;
  }
};

template <class T, class Rule>
struct Ruled {
  using A = Wide<T>;
  Rule rule;
  constexpr A operator()(const Row<T>& row, std::int64_t i, A w) const {
    auto first = static_cast<A>(row.slots[0][i]), second = A(0);
    if constexpr (Rule::second_slot) second = static_cast<A>(row.slots[1][i]);
    w = rule.template step<scalar::StepMath>(static_cast<A>(row.gradient[i]), w, first, second);
    row.slots[0][i] = static_cast<T>(first);
    if constexpr (Rule::second_slot) row.slots[1][i] = static_cast<T>(second);
    return w;
  }
};

/// Nadam with the running product of its momenta on the device.
template <class T>
struct NadamFromDevice {
  using A = Wide<T>;
  rules::Nadam<A> rule;
  A now, next;
  const float* product;
  constexpr A operator()(const Row<T>& row, std::int64_t i, A w) const {
    const rules::NadamFactors<A> by(now, next, static_cast<A>(*product));
    rules::Nadam<A> step = rule;
    step.of_momentum = by.of_momentum;
    step.of_gradient = by.of_gradient;
    return Ruled<T, rules::Nadam<A>>{step}(row, i, w);
  }
};

/// `lanes` neighbouring threads share a chunk, each with every lanes-th element of it.
template <class T, class Step, std::size_t capacity>
struct Sweep {
  Step step;
  int count;
  std::array<Row<T>, capacity> rows;
  constexpr void operator()(std::int64_t thread) const {
    const std::int64_t place = thread / lanes;
    int low = 0, high = count - 1;
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (rows[static_cast<std::size_t>(middle)].first_chunk <= place)
        low = middle;
      else
        high = middle - 1;
    }
    const Row<T> row = rows[static_cast<std::size_t>(low)];
    const std::int64_t begin = (place - row.first_chunk) * chunk + thread % lanes;
    const std::int64_t end = begin + chunk < row.size ? begin + chunk : row.size;
    for (std::int64_t i = begin; i < end; i += lanes) {
      auto w = static_cast<Wide<T>>(row.variable[i]);
      if (row.decay != 0) w -= w * row.decay;
      row.variable[i] = static_cast<T>(step(row, i, w));
    }
  }
};

/// The most variables in a launch, whose parameters may take 32764 bytes (CUDA 12.1 and later, from Volta on), and how
/// many get along with the 4096 that are cheaper to pass.
constexpr std::size_t most = 500, few = 60;

template <std::size_t capacity, class T, class Step>
void sweep(cudaStream_t stream, const Step& step, std::span<const Row<T>> rows) {
  Sweep<T, Step, capacity> all{step, static_cast<int>(rows.size()), {}};
  static_assert(sizeof all <= (capacity == few ? 4096 : 32764));
  std::int64_t chunks = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    all.rows[i] = rows[i];
    all.rows[i].first_chunk = chunks;
    chunks += (rows[i].size - 1) / chunk + 1;
  }
  launch(stream, chunks * lanes, all);
}

/// One launch for all these variables; more only beyond `most` of them.
template <class T, class Step>
void launch_all(cudaStream_t stream, const Step& step, std::span<const Row<T>> rows) {
  while (!rows.empty()) {
    const std::size_t taken = std::min(rows.size(), most);
    if constexpr (std::same_as<T, float>) {  // what nearly all weights are
      if (taken <= few)
        sweep<few>(stream, step, rows);
      else
        sweep<most>(stream, step, rows.first(taken));
    } else {
      sweep<most>(stream, step, rows.first(taken));
    }
    rows = rows.subspan(taken);
  }
}

/// fn(T, rows) for the variables of each dtype. `slots`: how many kinds the step has.
template <class F>
void for_each_dtype(std::span<const StepVariable> variables, const char* kernel, std::size_t slots, F&& fn) {
  for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16, DType::float64}) {
    visit_any_floating(dtype, kernel, [&]<class T>(std::type_identity<T> type) {
      std::vector<Row<T>> rows;
      for (const StepVariable& each : variables) {
        if (each.variable->dtype() != dtype || each.variable->size() == 0) continue;
        Row<T> row{elements<T>(each.gradient),      elements<T>(*each.variable), {}, each.variable->size(), 0,
                   static_cast<Wide<T>>(each.decay)};
        for (std::size_t i = 0; i < slots; ++i) row.slots[i] = elements<T>(*each.slots[i]);
        rows.push_back(row);
      }
      fn(type, std::span<const Row<T>>(rows));
    });
  }
}

/// make(T) is the step's functor.
template <class Make>
void for_all(cudaStream_t stream, std::span<const StepVariable> variables, const char* kernel, std::size_t slots,
             Make&& make) {
  for_each_dtype(variables, kernel, slots, [&]<class T>(std::type_identity<T> type, std::span<const Row<T>> rows) {
    launch_all(stream, make(type), rows);
  });
}

}  // namespace

void CudaKernels::adam_step(const AdamStep& step, std::span<const StepVariable> variables) {
  for_all(context_.stream(), variables, "adam_step", 3,
          [&]<class T>(std::type_identity<T>) { return Adam<T>{rules::Adam<Wide<T>>(step)}; });
}

void CudaKernels::sgd_step(const SgdStep& step, std::span<const StepVariable> variables) {
  for_all(context_.stream(), variables, "sgd_step", 1,
          [&]<class T>(std::type_identity<T>) { return Sgd<T>{rules::Sgd<Wide<T>>(step)}; });
}

void CudaKernels::rmsprop_step(const RmspropStep& step, std::span<const StepVariable> variables) {
  for_all(context_.stream(), variables, "rmsprop_step", 3,
          [&]<class T>(std::type_identity<T>) { return Rmsprop<T>{rules::Rmsprop<Wide<T>>(step)}; });
}

void CudaKernels::rule_step(const RuleStep& step, std::span<const StepVariable> variables) {
  const bool from_device = step.rule == StepRule::nadam && !variables.empty() && variables[0].slots[2]->defined();
  for_each_dtype(variables, "rule_step", 2, [&]<class T>(std::type_identity<T>, std::span<const Row<T>> rows) {
    using A = Wide<T>;
    rules::visit<A>(step, [&]<class Rule>(const Rule& rule) {
      if constexpr (std::same_as<Rule, rules::Nadam<A>>) {
        if (from_device) {
          const auto* product = elements<const float>(*variables[0].slots[2]);
          return launch_all(context_.stream(), NadamFromDevice<T>{rule, rule.of_momentum, rule.of_gradient, product},
                            rows);
        }
      }
      launch_all(context_.stream(), Ruled<T, Rule>{rule}, rows);
    });
  });
}

}  // namespace nyala::backend::cuda
