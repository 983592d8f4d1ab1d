#include "backend/cpu/onednn/primitives.hpp"

#include <algorithm>
#include <cstring>
#include <list>
#include <mutex>
#include <unordered_map>

#include "backend/cpu/simd/table.hpp"

namespace nyala::backend::onednn {
namespace {

constexpr std::size_t most_primitives = 512;

struct KeyHash {
  std::size_t operator()(const PrimitiveKey& key) const { return key.hash(); }
};

class Cache {
 public:
  std::shared_ptr<const Prepared> find(const PrimitiveKey& key) {
    const std::scoped_lock guard(lock_);
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->second;
  }

  /// Two threads may have made the same primitive: the first one stays.
  std::shared_ptr<const Prepared> insert(const PrimitiveKey& key, std::shared_ptr<const Prepared> made) {
    const std::scoped_lock guard(lock_);
    if (const auto found = places_.find(key); found != places_.end()) return found->second->second;
    order_.emplace_front(key, std::move(made));
    places_.emplace(key, order_.begin());
    if (order_.size() > most_primitives) {
      places_.erase(order_.back().first);
      order_.pop_back();
    }
    return order_.front().second;
  }

 private:
  using Order = std::list<std::pair<PrimitiveKey, std::shared_ptr<const Prepared>>>;
  std::mutex lock_;
  Order order_;  // used last first
  std::unordered_map<PrimitiveKey, Order::iterator, KeyHash> places_;
};

Cache& cache() {
  static auto* const instance = new Cache;  // kernels may run until the very end of the program
  return *instance;
}

}  // namespace

const dnnl::engine& cpu_engine() {
  static const auto* const engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

void limit_instructions(const char* name) {
  if (std::strcmp(name, "avx2") == 0) dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
  if (std::strcmp(name, "sse42") == 0) dnnl::set_max_cpu_isa(dnnl::cpu_isa::sse41);
}

bool has_bfloat16() {
  static const bool found = __builtin_cpu_supports("avx512bf16") && std::strcmp(best_simd_table()->name, "avx512") == 0;
  return found;
}

bool PrimitiveKey::operator==(const PrimitiveKey& other) const {
  return count == other.count &&
         std::equal(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count), other.words.begin());
}

std::size_t PrimitiveKey::hash() const {
  std::uint64_t state = 0x9e3779b97f4a7c15;
  for (std::size_t i = 0; i < count; ++i) {
    state = (state ^ static_cast<std::uint64_t>(words[i])) * 0xff51afd7ed558ccd;
    state ^= state >> 32;
  }
  return state;
}

std::shared_ptr<const Prepared> prepared(const PrimitiveKey& key, detail::FunctionRef<Prepared()> make) {
  if (auto found = cache().find(key)) return found;
  std::shared_ptr<const Prepared> made;
  try {
    made = std::make_shared<const Prepared>(make());
  } catch (const dnnl::error&) {
    made = std::make_shared<const Prepared>();  // an operation beyond what oneDNN's arguments can say
  }
  return cache().insert(key, std::move(made));
}

dnnl::primitive_attr caller_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

void add_activation(dnnl::primitive_attr& attributes, FusedActivation activation) {
  dnnl::post_ops operations;
  switch (activation) {
    case FusedActivation::none: return;
    case FusedActivation::relu: append_eltwise(operations, dnnl::algorithm::eltwise_relu, 0.0f); break;
    case FusedActivation::sigmoid: append_eltwise(operations, dnnl::algorithm::eltwise_logistic, 0.0f); break;
    case FusedActivation::tanh: append_eltwise(operations, dnnl::algorithm::eltwise_tanh, 0.0f); break;
    case FusedActivation::gelu: append_eltwise(operations, dnnl::algorithm::eltwise_gelu_erf, 0.0f); break;
    case FusedActivation::gelu_tanh: append_eltwise(operations, dnnl::algorithm::eltwise_gelu_tanh, 0.0f); break;
    case FusedActivation::silu: append_eltwise(operations, dnnl::algorithm::eltwise_swish, 1.0f); break;
  }
  attributes.set_post_ops(operations);
}

void execute(const dnnl::primitive& primitive, const Description& scratchpad,
             std::initializer_list<Argument> arguments) {
  thread_local dnnl::stream stream(cpu_engine());
  constexpr std::size_t most = 8;
  const Scratch scratch(scratchpad.get_size());
  std::array<dnnl::memory, most> memories;
  std::array<dnnl_exec_arg_t, most> given;
  std::size_t count = 0;
  const auto add = [&](int name, const Description& description, void* memory) {
    if (memory == nullptr) return;
    memories[count] = dnnl::memory(description, cpu_engine(), memory);
    given[count] = {name, memories[count].get()};
    ++count;
  };
  for (const Argument& argument : arguments)
    add(argument.name, argument.description, const_cast<void*>(argument.memory));
  add(DNNL_ARG_SCRATCHPAD, scratchpad, scratch.get());
  dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive.get(), stream.get(), static_cast<int>(count), given.data()),
                          "could not execute a primitive");
}

}  // namespace nyala::backend::onednn
