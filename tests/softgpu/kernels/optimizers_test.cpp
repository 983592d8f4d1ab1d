#include <deque>

#include <nyala/device.hpp>

#include "backend/common/step_rules.hpp"
#include "control.h"
#include "general.hpp"

using namespace gpu_check;
using namespace nyala::backend;

namespace {

/// Variables of a step with gradients and slots, made alike on both sides.
struct Model {
  std::deque<Tensor> tensors;
  std::vector<StepVariable> variables;

  void add(const Shape& shape, DType dtype, bool second, bool third, double decay, std::uint64_t seed, bool on_gpu) {
    const auto made = [&](std::uint64_t salt, bool positive, bool wanted) {
      Tensor x = sample(shape, seed + salt, dtype, 1.0);
      if (positive) ReferenceKernels().unary(Unary::abs, x, x, {});
      return &tensors.emplace_back(!wanted ? Tensor() : on_gpu ? there(x) : x);
    };
    const Tensor gradient = *made(1, false, true);
    Tensor* variable = made(2, false, true);
    variables.push_back(
        {gradient, variable, {made(3, true, true), made(4, true, second), made(5, true, third)}, decay});
  }
};

void check_same_step(const std::function<void(Model&, bool)>& fill, double tolerance, long launches,
                     const std::function<void(Kernels&, std::span<const StepVariable>)>& step) {
  Model expected, found;
  fill(expected, false);
  fill(found, true);
  ReferenceKernels reference;
  step(reference, expected.variables);
  nyala::synchronize(Device("gpu"));
  softgpu_reset_counts();
  step(gpu(), found.variables);
  CHECK(softgpu_count("launches") == launches);
  CHECK(softgpu_count("copies") == 0);
  CHECK(softgpu_count("synchronisations") == 0);
  for (std::size_t i = 0; i < expected.tensors.size(); ++i) {
    CAPTURE(i);
    REQUIRE(found.tensors[i].defined() == expected.tensors[i].defined());
    if (found.tensors[i].defined()) check_alike(here(found.tensors[i]), expected.tensors[i], tolerance);
  }
}

const std::vector<std::function<void(Kernels&, std::span<const StepVariable>)>> optimizers{
    [](Kernels& k, std::span<const StepVariable> all) {
      k.adam_step({0.01, 0.9, 0.99, 1e-3}, all);
    },
    [](Kernels& k, std::span<const StepVariable> all) {
      k.sgd_step({0.1, 0.9, false}, all);
    },
    [](Kernels& k, std::span<const StepVariable> all) {
      k.sgd_step({0.1, 0.9, true}, all);
    },
    // v - average² stays positive: averages are at most 1.
    [](Kernels& k, std::span<const StepVariable> all) {
      k.rmsprop_step({0.01, 0.9, 0.8, 2.5}, all);
    },
    [](Kernels& k, std::span<const StepVariable> all) {
      k.rule_step({StepRule::adagrad, {0.01, 1e-3}}, all);
    },
    [](Kernels& k, std::span<const StepVariable> all) {
      k.rule_step({StepRule::adadelta, {0.5, 0.95, 1e-3}}, all);
    },
    [](Kernels& k, std::span<const StepVariable> all) {
      k.rule_step({StepRule::adamax, {0.01, 0.9, 0.99, 1e-3}}, all);
    },
    [](Kernels& k, std::span<const StepVariable> all) {
      k.rule_step({StepRule::nadam, {0.01, 0.9, 0.99, 1e-3, 0.5, 0.4, 0.1}}, all);
    },
    [](Kernels& k, std::span<const StepVariable> all) {
      k.rule_step({StepRule::ftrl, {0.1, 0.05, 0.02, 0.3, 0.5}}, all);
    },
    [](Kernels& k, std::span<const StepVariable> all) {
      k.rule_step({StepRule::ftrl, {0.1, 0.05, 0.02, 0.3, 0.7}}, all);
    },
    [](Kernels& k, std::span<const StepVariable> all) {
      k.rule_step({StepRule::adagrad, {0.01, 0.0, 1e-3}}, all);
    },
    [](Kernels& k, std::span<const StepVariable> all) {
      k.rule_step({StepRule::lion, {0.01, 0.9, 0.99}}, all);
    }};

constexpr std::size_t first_rule = 4;  // from here on, with two slots at most

}  // namespace

TEST_CASE("softgpu: a step of an optimizer over variables of many sizes is one launch") {
  for (std::size_t which = 0; which < optimizers.size(); ++which) {
    for (const DType dtype : floats) {
      for (const bool third : {false, true}) {
        if (third && which >= first_rule) continue;
        CAPTURE(named("optimizer", static_cast<int>(which), dtype));
        const auto fill = [&](Model& model, bool on_gpu) {
          std::uint64_t seed = 10;
          for (const Shape& shape : {Shape{37}, Shape{0}, Shape{}, Shape{2048}, Shape{2049}, Shape{7, 300}, Shape{4096},
                                     Shape{5000}, Shape{255}, Shape{3}}) {
            model.add(shape, dtype, true, third, seed % 20 == 0 ? 0.002 : 0.0, seed, on_gpu);
            seed += 10;
          }
        };
        check_same_step(fill, 2 * tolerance_of(dtype), 1, optimizers[which]);
      }
    }
  }
}

TEST_CASE("softgpu: steps without slots") {
  const auto fill = [](Model& model, bool on_gpu) { model.add({37}, DType::float32, false, false, 0.0, 1, on_gpu); };
  check_same_step(fill, 1e-5, 1, optimizers[3]);
  const auto plain = [](Kernels& k, std::span<const StepVariable> all) {
    std::vector<StepVariable> same(all.begin(), all.end());
    Tensor none;
    for (StepVariable& each : same) each.slots[0] = &none;
    k.sgd_step({0.1, 0.0, false}, same);
  };
  check_same_step(fill, 1e-5, 1, plain);
  check_same_step([](Model&, bool) {}, 0.0, 0, optimizers.front());
}

TEST_CASE("softgpu: Nadam with its running product on the device is one launch, and waits for nothing") {
  const auto fill = [](Model& model, bool on_gpu) {
    for (int i = 0; i < 5; ++i)
      model.add({40 * i + 1}, DType::float32, true, false, 0.0, 100U + static_cast<unsigned>(i), on_gpu);
  };
  const double now = 0.9, next = 0.91, product = 0.625;
  const rules::NadamFactors<double> by(now, next, product);
  Tensor running = Tensor::empty({}, DType::float32, Device("gpu"));
  gpu().fill(running, product);
  check_same_step(fill, 1e-5, 1, [&](Kernels& k, std::span<const StepVariable> all) {
    if (&k != &gpu())
      return k.rule_step({StepRule::nadam, {0.01, 0.9, 0.99, 1e-3, by.of_momentum, by.of_gradient, 0.1}}, all);
    std::vector<StepVariable> same(all.begin(), all.end());
    for (StepVariable& each : same) each.slots[2] = &running;
    k.rule_step({StepRule::nadam, {0.01, 0.9, 0.99, 1e-3, now, next, 0.1}}, same);
  });
}

TEST_CASE("softgpu: a step over hundreds of variables, and of several dtypes") {
  const auto many = [](int count) {
    return [count](Model& model, bool on_gpu) {
      for (int i = 0; i < count; ++i)
        model.add({1 + i % 7}, DType::float32, true, false, 0.001 * (i % 3), 100 + 7ULL * static_cast<unsigned>(i),
                  on_gpu);
    };
  };
  check_same_step(many(60), 1e-5, 1, optimizers.front());
  check_same_step(many(61), 1e-5, 1, optimizers.front());
  check_same_step(many(500), 1e-5, 1, optimizers.front());
  check_same_step(many(501), 1e-5, 2, optimizers.front());
  const auto mixed = [](Model& model, bool on_gpu) {
    for (int i = 0; i < 8; ++i)
      model.add({5}, floats[static_cast<std::size_t>(i) % 4], true, true, 0.0, 100U + static_cast<unsigned>(i), on_gpu);
  };
  check_same_step(mixed, 3e-2, 4, optimizers.front());
}
