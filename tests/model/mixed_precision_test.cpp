#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <nyala/nyala.hpp>

#include "backend/cpu/amx/split_product.hpp"

// What layers of a mixed policy compute with is their float32 weights, rounded, as they are now; kernels' gradients are
// float32 and not rounded on their way.

using namespace nyala;

namespace {

constexpr std::int64_t features = 96, units = 80, rows = 72;

double difference(const Tensor& a, const Tensor& b) {
  return max(abs(cast(a, DType::float64) - cast(b, DType::float64))).item<double>();
}

/// What the layer must give for its weights of now.
Tensor expected(const Layer& layer, const Tensor& x, DType half) {
  const std::vector<Tensor> weights = layer.get_weights();
  return dense(cast(x, half), cast(weights[0], half).to(x.device()), cast(weights[1], half).to(x.device()));
}

}  // namespace

TEST_CASE("mixed policies: every change of a weight shows in the next call") {
  const Tensor x = random::normal({rows, features}), y = random::normal({rows, units});
  for (const std::string policy : {"mixed_bfloat16", "mixed_float16"}) {
    const DType half = policy == "mixed_bfloat16" ? DType::bfloat16 : DType::float16;
    Dense layer(units, {.dtype = policy});
    const auto check = [&](const char* after) {
      CAPTURE(policy);
      CAPTURE(after);
      CHECK(difference(layer(x), expected(layer, x, half)) == 0);
      CHECK(difference(layer(x), expected(layer, x, half)) == 0);  // what was kept by the first call
    };
    layer(x);
    check("building");
    const Variable kernel = layer.weights()[0];
    kernel.assign(kernel.value() * 2.0F);
    check("assign");
    kernel.assign_add(ones(kernel.shape()));
    check("assign_add");
    layer.set_weights({random::normal({features, units}), random::normal({units})});
    check("set_weights");
    if (x.device().kind() != Device::Kind::cpu) continue;
    layer(x);
    Tensor same_memory = kernel.value();
    same_memory.data<float>()[7] = 31.0F;
    check("writing to the value's memory");
    layer(x);
    same_memory.data<float>()[7] = -31.0F;
    check("writing to it once more");
  }
}

TEST_CASE("mixed policies: every optimizer's step shows in the next call") {
  const Tensor x = random::normal({rows, features}), y = random::normal({rows, units});
  const std::vector<std::shared_ptr<Optimizer> (*)()> makers = {
      []() -> std::shared_ptr<Optimizer> { return std::make_shared<Adam>(AdamOptions{.learning_rate = 0.1}); },
      []() -> std::shared_ptr<Optimizer> {
        return std::make_shared<Adam>(AdamOptions{.learning_rate = 0.1, .use_ema = true});
      },
      []() -> std::shared_ptr<Optimizer> {
        return std::make_shared<SGD>(SGDOptions{.learning_rate = 0.1, .momentum = 0.9});
      },
      []() -> std::shared_ptr<Optimizer> { return std::make_shared<RMSprop>(RMSpropOptions{.learning_rate = 0.1}); },
      []() -> std::shared_ptr<Optimizer> {
        return std::make_shared<Adafactor>(AdafactorOptions{.learning_rate = 0.1});
      },
      []() -> std::shared_ptr<Optimizer> { return std::make_shared<Adagrad>(AdagradOptions{.learning_rate = 0.1}); }};
  for (const std::string policy : {"mixed_bfloat16", "mixed_float16"})
    for (const auto& maker : makers) {
      const std::shared_ptr<Optimizer> optimizer = maker();
      CAPTURE(policy);
      CAPTURE(optimizer->class_name());
      const DType half = policy == "mixed_bfloat16" ? DType::bfloat16 : DType::float16;
      Dense layer(units, {.dtype = policy});
      layer(x);
      for (int step = 0; step < 3; ++step) {
        const Tensor before = layer.get_weights()[0];
        GradientTape tape;
        const Tensor loss = mean(square(cast(layer(x), DType::float32) - y));
        const std::vector<Variable> weights = layer.trainable_variables();
        const std::vector<Tensor> gradients = tape.gradient(loss, weights);
        const Tensor held = layer(x);  // holds nothing of the weights
        optimizer->apply(gradients, weights);
        CHECK(difference(layer(x), expected(layer, x, half)) == 0);
        CHECK(difference(before, layer.get_weights()[0]) > 0);
      }
    }
}

TEST_CASE("mixed policies: gradients of kernels are float32 sums") {
  const Tensor x = random::normal({rows, features}), y = random::normal({rows, units});
  for (const bool shared : {false, true}) {
    CAPTURE(shared);
    Dense layer(units, {.use_bias = false, .dtype = "mixed_bfloat16"});
    layer(x);
    GradientTape tape;
    Tensor sums = sum(cast(layer(x), DType::float32) * y);
    if (shared) sums = sums + sum(cast(layer(x), DType::float32) * y);
    const Tensor gradient = tape.gradient(sums, layer.trainable_variables())[0];
    REQUIRE(gradient.dtype() == DType::float32);
    const auto exact = [](const Tensor& of) { return cast(cast(of, DType::bfloat16), DType::float64); };
    const Tensor sum64 = matmul(exact(x), exact(y), true) * (shared ? 2.0 : 1.0);
    // Rounded sums are off by up to 2^-8 of their size; those that were not by what float32 loses.
    const double error = difference(gradient, sum64) / max(abs(sum64)).item<double>();
    CHECK(error < (shared ? 0x1p-7 : 0x1p-8));
    const bool widens = backend::amx::has_tiles() && x.device().kind() == Device::Kind::cpu;
    if (!shared && widens) CHECK(error < 1e-6);
  }
}
