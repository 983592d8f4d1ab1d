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

template <class T>
struct Adam {
  using A = Wide<T>;
  A rate, fresh_1, fresh_2, epsilon;
  constexpr A operator()(const Row<T>& row, std::int64_t i, A w) const {
    const auto g = static_cast<A>(row.gradient[i]);
    auto m = static_cast<A>(row.slots[0][i]), v = static_cast<A>(row.slots[1][i]);
    m += (g - m) * fresh_1;
    v += (g * g - v) * fresh_2;
    A second = v;
    if (row.slots[2] != nullptr) {
      second = scalar::maximum(static_cast<A>(row.slots[2][i]), v);
      row.slots[2][i] = static_cast<T>(second);
    }
    row.slots[0][i] = static_cast<T>(m);
    row.slots[1][i] = static_cast<T>(v);
    return w - m * rate / (std::sqrt(second) + epsilon);
  }
};

template <class T>
struct Sgd {
  using A = Wide<T>;
  A rate, keep;
  bool nesterov;
  constexpr A operator()(const Row<T>& row, std::int64_t i, A w) const {
    const A move = rate * static_cast<A>(row.gradient[i]);
    if (row.slots[0] == nullptr) return w - move;
    const A m = keep * static_cast<A>(row.slots[0][i]) - move;
    row.slots[0][i] = static_cast<T>(m);
    return w + (nesterov ? keep * m - move : m);
  }
};

template <class T>
struct Rmsprop {
  using A = Wide<T>;
  A rate, old, fresh, keep, epsilon;
  constexpr A operator()(const Row<T>& row, std::int64_t i, A w) const {
    const auto g = static_cast<A>(row.gradient[i]);
    const A v = old * static_cast<A>(row.slots[0][i]) + fresh * g * g;
    row.slots[0][i] = static_cast<T>(v);
    A spread = v;
    if (row.slots[2] != nullptr) {
      const A mean = old * static_cast<A>(row.slots[2][i]) + fresh * g;
      row.slots[2][i] = static_cast<T>(mean);
      spread = v - mean * mean;
    }
    A step = rate * g / std::sqrt(spread + epsilon);
    if (row.slots[1] != nullptr) {
      step = keep * static_cast<A>(row.slots[1][i]) + step;
      row.slots[1][i] = static_cast<T>(step);
    }
    return w - step;
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
  for_all(context_.stream(), variables, "adam_step", 3, [&]<class T>(std::type_identity<T>) {
    using A = Wide<T>;
    return Adam<T>{static_cast<A>(step.learning_rate), static_cast<A>(1 - step.beta_1), static_cast<A>(1 - step.beta_2),
                   static_cast<A>(step.epsilon)};
  });
}

void CudaKernels::sgd_step(const SgdStep& step, std::span<const StepVariable> variables) {
  for_all(context_.stream(), variables, "sgd_step", 1, [&]<class T>(std::type_identity<T>) {
    using A = Wide<T>;
    return Sgd<T>{static_cast<A>(step.learning_rate), static_cast<A>(step.momentum), step.nesterov};
  });
}

void CudaKernels::rmsprop_step(const RmspropStep& step, std::span<const StepVariable> variables) {
  for_all(context_.stream(), variables, "rmsprop_step", 3, [&]<class T>(std::type_identity<T>) {
    using A = Wide<T>;
    return Rmsprop<T>{static_cast<A>(step.learning_rate), static_cast<A>(step.rho), static_cast<A>(1 - step.rho),
                      static_cast<A>(step.momentum), static_cast<A>(step.epsilon)};
  });
}

void CudaKernels::rule_step(const RuleStep& step, std::span<const StepVariable> variables) {
  for_each_dtype(variables, "rule_step", 2, [&]<class T>(std::type_identity<T>, std::span<const Row<T>> rows) {
    rules::visit<Wide<T>>(
        step, [&]<class Rule>(const Rule& rule) { launch_all(context_.stream(), Ruled<T, Rule>{rule}, rows); });
  });
}

}  // namespace nyala::backend::cuda
