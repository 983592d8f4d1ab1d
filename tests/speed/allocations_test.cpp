// Heap allocations after warm-up: a guard on speed that noise cannot fool. The limits are what the code reaches today;
// whoever gets below them lowers them.
#include <doctest/doctest.h>
#include <nyala/nyala.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

#include "core/allocator.hpp"

namespace {
std::atomic<long> allocations{0};
}  // namespace

void* operator new(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(bytes == 0 ? 1 : bytes);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace nyala;

namespace {

struct Cost {
  double allocations;           // by operator new, a call
  std::uint64_t system_blocks;  // asked from the system by the pools, in all calls
};

template <class F>
Cost cost_of(F call) {
  constexpr int calls = 20;
  for (int i = 0; i < 5; ++i) call();
  const auto blocks = [] { return memory_stats().system_allocations + detail::object_stats().system_allocations; };
  Cost cost{};
  // On a busy machine a second thread may come to its first share of the work, and its first scratch memory, late.
  for (int round = 0; round < 5 && (round == 0 || cost.system_blocks > 0); ++round) {
    const long before = allocations.load();
    const std::uint64_t blocks_before = blocks();
    for (int i = 0; i < calls; ++i) call();
    cost = {static_cast<double>(allocations.load() - before) / calls, blocks() - blocks_before};
  }
  return cost;
}

Model dense_model() {
  return Sequential{Input({64}), Dense(128, {.activation = "relu"}), Dense(128, {.activation = "relu"}),
                    Dense(10, {.activation = "softmax"})};
}

}  // namespace

TEST_CASE("a dense model predicts without any allocation") {
  Model model = dense_model();
  const Tensor x = random::uniform({1, 64});
  const Cost call = cost_of([&] { const Tensor y = model(x); });
  CHECK(call.system_blocks == 0);
  CHECK(call.allocations == 0.0);
  const Cost predict = cost_of([&] { const Tensor y = model.predict(x, {.verbose = 0}); });
  CHECK(predict.system_blocks == 0);
  CHECK(predict.allocations == 0.0);
}

TEST_CASE("what products do along in inference costs no allocation either") {
  const auto in = Input({64});
  Model graph(in, Dense(10)(ReLU()(BatchNormalization()(Dense(48)(in)))));
  Sequential chain{Input({64}), Dense(48, {.activation = "relu"}), BatchNormalization(), Dense(10)};
  const Tensor x = random::uniform({4, 64});
  for (Model* model : {&graph, static_cast<Model*>(&chain)}) {
    const Cost call = cost_of([&] { const Tensor y = (*model)(x); });
    CHECK(call.system_blocks == 0);
    CHECK(call.allocations == 0.0);
  }
  Sequential images{Input({28, 28, 1}),
                    Conv2D(32, 3, {.activation = "relu"}),
                    MaxPooling2D(2),
                    Conv2D(64, 3, {.padding = "same"}),
                    BatchNormalization(),
                    ReLU(),
                    Flatten(),
                    Dense(10)};
  const Tensor pictures = random::uniform({2, 28, 28, 1});
  const Cost call = cost_of([&] { const Tensor y = images(pictures); });
  CHECK(call.system_blocks == 0);
  CHECK(call.allocations == 0.0);
}

TEST_CASE("a training step of a dense model asks the system for nothing and allocates little") {
  Model model = dense_model();
  model.compile("adam", "mse");
  const Tensor x = random::uniform({32, 64}), y = random::uniform({32, 10});
  const Cost step = cost_of([&] { model.train_on_batch(x, y); });
  CHECK(step.system_blocks == 0);
  CHECK(step.allocations <= 30.0);
}
