// Gradients of tables of which a step takes few rows.
#include <cstring>
#include <functional>

#include <doctest/doctest.h>

#include <nyala/nyala.hpp>

using namespace nyala;

namespace {

constexpr std::int64_t rows = 1030, width = 70;  // no multiples of what loops take at once

Tensor noise(const Shape& shape, int seed) {
  set_random_seed(static_cast<std::uint64_t>(seed));
  return random::normal(shape);
}

Tensor ids(const Shape& shape, int seed, DType dtype, std::int64_t from = 0, std::int64_t to = rows) {
  set_random_seed(static_cast<std::uint64_t>(seed));
  return random::randint(shape, from, to, dtype);
}

Variable table() { return Variable(noise({rows, width}, 5), {.name = "table"}); }

bool same_bits(const Tensor& given, const Tensor& other) {
  const Tensor a = given.to("cpu"), b = other.to("cpu");
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::memcmp(a.raw_data(), b.raw_data(), a.bytes()) == 0;
}

/// The gradient of sum(weights * take(table, taken)) made row by row in float64.
Tensor expected_gradient(const Tensor& taken, const Tensor& weights) {
  std::vector<double> sums(static_cast<std::size_t>(rows * width));
  const auto numbers = taken.to_vector<std::int64_t>();
  const auto values = weights.to_vector<double>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t row = static_cast<std::size_t>(numbers[i / width]);
    sums[row * width + i % width] += values[i];
  }
  return tensor(sums, Shape{rows, width});
}

struct Weighted {
  Tensor taken, weights;
};

Weighted weighted(const Shape& shape, int step, DType dtype = DType::int32) {
  Shape full = shape;
  full.push_back(width);
  return {ids(shape, 100 + step, dtype), noise(full, step)};
}

Tensor gradient_of(const Variable& variable, const Weighted& of) {
  GradientTape tape;
  return tape.gradient(sum(take(variable, of.taken, 0) * of.weights), variable);
}

double error(const Tensor& gradient, const Weighted& of) {
  return max(abs(cast(gradient, DType::float64) - expected_gradient(of.taken, of.weights))).item<double>();
}

}  // namespace

TEST_CASE("a table's gradient holds the rows of its own step and no others") {
  const Variable variable = table();
  int step = 0;
  for (const Shape& shape : {Shape{5}, Shape{}, Shape{4, 30}, Shape{1, 2, 3}, Shape{7}, Shape{600}, Shape{3}}) {
    for (const DType dtype : {DType::int32, DType::int64}) {
      const Weighted of = weighted(shape, ++step, dtype);
      CAPTURE(shape.str());
      CHECK(error(gradient_of(variable, of), of) < 1e-5);
    }
  }
}

TEST_CASE("a table's gradient that is held stays as it was") {
  const Variable variable = table();
  const Weighted first = weighted({9}, 1), second = weighted({9}, 2), third = weighted({9}, 3);
  Tensor held = gradient_of(variable, first);
  CHECK(error(gradient_of(variable, second), second) < 1e-5);
  CHECK(error(held, first) < 1e-5);
  const Tensor part = held[2];
  held = Tensor();
  CHECK(error(gradient_of(variable, third), third) < 1e-5);
  CHECK(max(abs(part - cast(expected_gradient(first.taken, first.weights)[2], DType::float32))).item<double>() < 1e-5);
}

TEST_CASE("what was written into a table's gradient is trained with and gone in the next step") {
  const Variable variable = table();
  const Tensor before = variable.value().clone();
  const Weighted first = weighted({3}, 1), second = weighted({3}, 2);
  SGD sgd({.learning_rate = 1.0});
  {
    Tensor gradient = gradient_of(variable, first);
    if (gradient.device().kind() != Device::Kind::cpu) return;  // the host cannot write to it
    float* const all = gradient.data<float>();
    for (std::int64_t i = 0; i < gradient.size(); ++i) all[i] = 1.0F;
    sgd.apply({gradient}, {variable});
    CHECK(max(abs(before - 1.0F - variable.value())).item<double>() == 0.0);
  }
  CHECK(error(gradient_of(variable, second), second) < 1e-5);
}

TEST_CASE("a table that is used twice gets both gradients") {
  const Variable variable = table();
  for (int step = 1; step < 4; ++step) {
    const Weighted first = weighted({9}, step), second = weighted({4, 2}, 10 + step);
    const Tensor x = noise({2, width}, 77);
    GradientTape tape({.persistent = true});
    const Tensor taken_once = sum(take(variable, first.taken, 0) * first.weights);
    const Tensor loss = taken_once + sum(take(variable, second.taken, 0) * second.weights) +
                        sum(matmul(x, transpose(Tensor(variable))));
    const Tensor expected = expected_gradient(first.taken, first.weights) +
                            expected_gradient(second.taken, second.weights) +
                            cast(broadcast_to(sum(x, 0), {rows, width}), DType::float64);
    const Tensor once = tape.gradient(loss, variable), again = tape.gradient(loss, variable);
    CHECK(max(abs(cast(once, DType::float64) - expected)).item<double>() < 1e-5);
    CHECK(same_bits(once, again));
    CHECK(error(tape.gradient(taken_once, variable), first) < 1e-5);
  }
}

TEST_CASE("gradients of a table's gradient") {
  const Variable variable = table();
  const Weighted of = weighted({9}, 1);
  for (int step = 0; step < 2; ++step) {
    GradientTape outer;
    Tensor gradient;
    {
      GradientTape inner;
      gradient = inner.gradient(sum(square(take(variable, of.taken, 0)) * of.weights), variable);
    }
    const Tensor second = outer.gradient(sum(gradient), variable);
    CHECK(max(abs(cast(second, DType::float64) - 2.0 * expected_gradient(of.taken, of.weights))).item<double>() < 1e-5);
  }
}

namespace {

/// Weights and slots after some steps in which few rows are taken, some of them never; `dense`: the optimizer is given
/// copies, of which nothing is known.
std::vector<Tensor> trained(Optimizer&& optimizer, bool dense) {
  const Variable variable = table(), other(noise({width, 3}, 6), {.name = "other"});
  for (int step = 0; step < 12; ++step) {
    const Tensor taken = ids({40}, 200 + step % 5, DType::int32, 100, 900);
    std::vector<Tensor> gradients;
    {
      GradientTape tape;
      const Tensor loss = mean(square(matmul(take(variable, taken, 0), other) - 1.0));
      gradients = tape.gradient(loss, std::vector<Variable>{variable, other});
    }
    if (dense)
      for (Tensor& gradient : gradients) gradient = gradient.clone();
    optimizer.apply(gradients, {variable, other});
  }
  std::vector<Tensor> all{variable.value(), other.value()};
  for (const Variable& slot : optimizer.variables()) all.push_back(slot.value());
  return all;
}

using Trained = std::function<std::vector<Tensor>(bool dense)>;

}  // namespace

TEST_CASE("optimizers give the same bits whether they know a gradient's rows or not") {
  const std::vector<std::pair<const char*, Trained>> all{
      {"SGD", [](bool dense) { return trained(SGD({.learning_rate = 0.1}), dense); }},
      {"momentum", [](bool dense) { return trained(SGD({.learning_rate = 0.1, .momentum = 0.9}), dense); }},
      {"Nesterov",
       [](bool dense) { return trained(SGD({.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}), dense); }},
      {"SGD, decay", [](bool dense) { return trained(SGD({.learning_rate = 0.1, .weight_decay = 0.01}), dense); }},
      {"Adam", [](bool dense) { return trained(Adam(), dense); }},
      {"Adam, epsilon 0", [](bool dense) { return trained(Adam({.epsilon = 0.0}), dense); }},
      {"AMSGrad", [](bool dense) { return trained(Adam({.amsgrad = true}), dense); }},
      {"AdamW", [](bool dense) { return trained(AdamW(), dense); }},
      {"RMSprop", [](bool dense) { return trained(RMSprop(), dense); }},
      {"RMSprop, all slots", [](bool dense) { return trained(RMSprop({.momentum = 0.5, .centered = true}), dense); }},
      {"Adagrad", [](bool dense) { return trained(Adagrad(), dense); }},
      {"Ftrl", [](bool dense) { return trained(Ftrl(), dense); }},
      {"clipped", [](bool dense) { return trained(Adam({.clipnorm = 0.01}), dense); }},
      {"accumulated", [](bool dense) { return trained(Adam({.gradient_accumulation_steps = 3}), dense); }},
  };
  const int usual = num_threads();
  for (const auto& [name, train] : all) {
    CAPTURE(name);
    for (const int threads : {1, 2}) {
      set_num_threads(threads);
      const std::vector<Tensor> by_rows = train(false), dense = train(true);
      REQUIRE(by_rows.size() == dense.size());
      for (std::size_t i = 0; i < dense.size(); ++i) CHECK(same_bits(by_rows[i], dense[i]));
    }
  }
  set_num_threads(usual);
}

TEST_CASE("an embedding in mixed_bfloat16 sums its gradient in float32") {
  set_random_seed(4);
  Sequential model{Input({300}, {.dtype = DType::int32}), Embedding(1000, 64, {.dtype = "mixed_bfloat16"})};
  const Variable embeddings = model.trainable_variables().front();
  for (int step = 0; step < 2; ++step) {
    // One row 300 times: a sum in bfloat16 would stand still at 256.
    GradientTape tape;
    const Tensor y = model(full({1, 300}, 7 + step, DType::int32));
    REQUIRE(y.dtype() == DType::bfloat16);
    const Tensor gradient = tape.gradient(sum(cast(y, DType::float32)), embeddings);
    CHECK(gradient.dtype() == DType::float32);
    CHECK(sum(gradient).item<double>() == 300.0 * 64);
    CHECK(min(gradient[7 + step]).item<double>() == 300.0);
  }
}
