#include "nn_check.hpp"

#include <nyala/memory.hpp>

using namespace nyala;
using nn::numbers;

namespace {

struct Operation {
  const char* name;
  nn::Function f;
  std::vector<Tensor> inputs;
};

std::vector<Operation> operations() {
  const Tensor image = numbers({2, 6, 6, 4}, 0.1), kernel = numbers({3, 3, 4, 8}, 0.2), bias = numbers({8}, 0.3);
  const Tensor rows = numbers({8, 4}, 0.1), weights = numbers({4, 8}, 0.2), channels = numbers({4}, 0.3);
  const Tensor series = numbers({2, 3, 4}, 0.1), recurrent = numbers({2, 8}, 0.4);
  return {
      {"relu", [](const auto& in) { return relu(in[0]); }, {rows}},
      {"gelu", [](const auto& in) { return gelu(in[0]); }, {rows}},
      {"softmax", [](const auto& in) { return softmax(in[0]); }, {rows}},
      {"log_softmax", [](const auto& in) { return log_softmax(in[0]); }, {rows}},
      {"dense",
       [](const auto& in) { return dense(in[0], in[1], in[2], FusedActivation::relu); },
       {rows, weights, bias}},
      {"dense, gelu",
       [](const auto& in) { return dense(in[0], in[1], in[2], FusedActivation::gelu); },
       {rows, weights, bias}},
      {"conv",
       [](const auto& in) { return conv(in[0], in[1], in[2], {.activation = FusedActivation::silu}); },
       {image, kernel, bias}},
      {"max_pool", [](const auto& in) { return max_pool(in[0], {2}); }, {image}},
      {"average_pool", [](const auto& in) { return average_pool(in[0], {2}); }, {image}},
      {"batch_norm_train",
       [](const auto& in) { return batch_norm_train(in[0], in[1], in[1], -1, 1e-3).y; },
       {image, channels}},
      {"layer_normalization",
       [](const auto& in) { return layer_normalization(in[0], in[1], in[1], -1, 1e-3); },
       {image, channels}},
      {"binary_crossentropy", [](const auto& in) { return binary_crossentropy(in[0], in[0], true); }, {rows}},
      {"lstm",
       [](const auto& in) { return lstm(in[0], {}, {}, in[1], in[2], in[3]).sequence; },
       {series, weights, recurrent, bias}},
  };
}

}  // namespace

TEST_CASE("what an operation records goes with its output: nothing holds itself alive") {
  for (const Operation& each : operations()) {
    CAPTURE(each.name);
    const std::size_t before = memory_stats().live;
    {
      GradientTape outer({.persistent = true});
      for (const Tensor& input : each.inputs) outer.watch(input);
      GradientTape inner;
      for (const Tensor& input : each.inputs) inner.watch(input);
      const Tensor y = each.f(each.inputs);
      const std::vector<Tensor> gradients = inner.gradient(y, each.inputs);
      outer.gradient(gradients[0], each.inputs);
    }
    CHECK(memory_stats().live == before);
    {
      GradientTape tape;
      for (const Tensor& input : each.inputs) tape.watch(input);
      each.f(each.inputs);
    }
    CHECK(memory_stats().live == before);
  }
}

TEST_CASE("inference makes nothing but the output") {
  const Tensor x = numbers({8, 64, 64, 4}, 0.1, 1.0, 0.0, DType::float32);
  const Tensor channels = numbers({4}, 0.3, 1.0, 0.0, DType::float32);
  const Operation quiet[] = {
      {"relu", [](const auto& in) { return relu(in[0]); }, {x}},
      {"softmax", [](const auto& in) { return softmax(in[0]); }, {x}},
      {"max_pool", [](const auto& in) { return max_pool(in[0], {2}); }, {x}},
      {"layer_normalization", [](const auto& in) { return layer_normalization(in[0], in[1], in[1]); }, {x, channels}},
      {"batch_normalization",
       [](const auto& in) { return batch_normalization(in[0], in[1], square(in[1]), -1); },
       {x, channels}},
  };
  for (const Operation& each : quiet) {
    CAPTURE(each.name);
    reset_peak_memory();
    const std::size_t before = memory_stats().live;
    const Tensor y = each.f(each.inputs);
    const std::size_t alone = memory_stats().live - before;
    CHECK(memory_stats().peak - before <= alone + 4096);
  }
}
