#include <nyala/autograd.hpp>
#include <nyala/ops/nn.hpp>

#include "backend/nn_windows.hpp"
#include "compare.hpp"
#include "control.h"

using namespace gpu_check;

// Pooling through cuDNN: that it is taken, that it equals the CPU's, and that our own kernels take over where it has no
// engine or its rules are not Keras'. (Shapes that it never takes: network_test.cpp.)

namespace {

ConvCase pool_case(const std::string& name, const Shape& x, std::int64_t size, std::int64_t stride,
                   std::int64_t before = 0, std::int64_t after = 0) {
  Shape kernel;
  for (std::size_t axis = 0; axis + 2 < x.size(); ++axis) kernel.push_back(size);
  kernel.push_back(x.back());
  kernel.push_back(x.back());
  ConvCase c = conv_case(name, x, kernel, stride, 1, before, after);
  c.window.groups = 1;
  return c;
}

std::vector<ConvCase> taken_pools() {
  std::vector<ConvCase> all{pool_case("2-D", {2, 6, 8, 8}, 2, 2),
                            pool_case("2-D same, as Keras pads", {3, 7, 9, 8}, 2, 2, 0, 1),
                            pool_case("2-D same, one more after", {2, 8, 6, 16}, 3, 2, 0, 1),
                            pool_case("2-D overlapping, padded", {2, 6, 5, 8}, 3, 1, 1, 1),
                            pool_case("2-D of all", {2, 7, 7, 24}, 7, 7),
                            pool_case("2-D, cells left over", {1, 9, 10, 8}, 3, 3),
                            pool_case("1-D", {3, 9, 8}, 3, 2, 1, 1),
                            pool_case("3-D", {2, 4, 5, 6, 8}, 2, 2, 0, 1),
                            pool_case("3-D overlapping", {1, 4, 5, 4, 8}, 3, 1, 1, 1)};
  ConvCase uneven = pool_case("2-D uneven", {2, 9, 12, 8}, 2, 1);
  uneven.window.size = {2, 3, 1};
  uneven.window.strides = {3, 2, 1};
  uneven.window.pad_before = {1, 0, 0};
  uneven.window.pad_after = {0, 2, 0};
  all.push_back(uneven);
  return all;
}

struct PoolRuns {
  long max = 0, average = 0, backward = 0;
};

/// Runs each pass twice, beside the reference; what comes back says how many of cuDNN's plans ran.
PoolRuns compare_pools(const ConvCase& c, DType dtype, bool maximum = true) {
  CAPTURE(c.name);
  CAPTURE(nyala::name_of(dtype));
  const Tensor x = noise(c.x, 1, dtype), gradient = noise(c.out(), 2, dtype);
  const double tolerance = 3 * tolerance_of(dtype);
  PoolRuns runs;
  const auto counted = [](long& count, const auto& run) {
    softgpu_reset_counts();
    run();
    count = softgpu_count("executions");
  };
  counted(runs.max, [&] {
    if (!maximum) return;
    compare("max", {x}, {gradient}, 1e-300, [&](Kernels& k, const Tensors& in, Tensors& out) {
      Tensor no_argmax;
      k.max_pool(in[0], c.window, out[0], no_argmax);
    });
  });
  counted(runs.average, [&] {
    compare("average", {x}, {gradient}, tolerance,
            [&](Kernels& k, const Tensors& in, Tensors& out) { k.average_pool(in[0], c.window, out[0]); });
  });
  counted(runs.backward, [&] {
    compare("average_backward", {gradient}, {x}, tolerance,
            [&](Kernels& k, const Tensors& in, Tensors& out) { k.average_pool_backward(in[0], c.window, out[0]); });
  });
  return runs;
}

}  // namespace

TEST_CASE("softgpu: pooling is cuDNN's where it has an engine") {
  for (const ConvCase& c : taken_pools()) {
    for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
      const PoolRuns runs = compare_pools(c, dtype);
      CHECK(runs.max == 2);
      CHECK(runs.average == 2);
      CHECK(runs.backward == 2);
    }
  }
}

TEST_CASE("softgpu: pooling that cuDNN has not is our own") {
  const auto own = [](const ConvCase& c, DType dtype, bool maximum = true) {
    const PoolRuns runs = compare_pools(c, dtype, maximum);
    CHECK(runs.max + runs.average + runs.backward == 0);
  };
  own(pool_case("float64", {2, 6, 8, 8}, 2, 2), DType::float64);
  own(pool_case("windows of padding alone", {2, 4, 4, 8}, 2, 1, 3, 3), DType::float32, false);
  own(pool_case("channels that no engine takes", {2, 6, 8, 3}, 2, 2), DType::float32);
  own(pool_case("no sample", {0, 6, 8, 8}, 2, 2), DType::float32);
}

TEST_CASE("softgpu: the maximum is our own in training, with the gradient at the first of equal cells") {
  const Tensor x = there(from_doubles(std::vector<double>(128, 1.5), {1, 4, 4, 8}, DType::float32));
  softgpu_reset_counts();
  nyala::GradientTape tape;
  tape.watch(x);
  const Tensor y = nyala::max_pool(x, {2, 2}, {});
  const Tensor gradient = here(tape.gradient(y, x));
  CHECK(softgpu_count("executions") == 0);
  const auto found = gradient.to_vector<double>();
  for (std::int64_t i = 0; i < 16; ++i) {
    CAPTURE(i);
    CHECK(found[static_cast<std::size_t>(i * 8)] == (i / 4 % 2 == 0 && i % 2 == 0 ? 1.0 : 0.0));
  }
}

TEST_CASE("softgpu: the maximum of a window with a NaN is NaN, of infinities the larger") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  std::vector<double> values(2 * 2 * 4);
  const std::vector<std::vector<double>> cells{
      {nan, 1, 2, 3}, {1, 2, nan, 3}, {-inf, -inf, -inf, -inf}, {inf, 1, 2, -inf}};
  for (std::size_t channel = 0; channel < 4; ++channel)
    for (std::size_t cell = 0; cell < 4; ++cell) values[cell * 4 + channel] = cells[channel][cell];
  const Tensor x = there(from_doubles(values, {1, 2, 2, 4}, DType::float32));
  softgpu_reset_counts();
  const auto found = here(nyala::max_pool(x, {2, 2}, {})).to_vector<double>();
  CHECK(softgpu_count("executions") == 1);
  CHECK(std::isnan(found[0]));
  CHECK(std::isnan(found[1]));
  CHECK(found[2] == -inf);
  CHECK(found[3] == inf);
}

TEST_CASE("softgpu: pooling where engines refuse: the next one, then our own kernels") {
  std::int64_t samples = 11;  // shapes that no other test has planned
  for (const char* kind : {"plan", "engines", "execute"}) {
    CAPTURE(kind);
    softgpu_fail(kind, 1);
    compare_pools(pool_case("refused", {samples++, 4, 4, 8}, 2, 2), DType::float32);
    softgpu_fail(kind, 0);
  }
  softgpu_fail("plan", 1);
  CHECK(compare_pools(pool_case("the second engine", {samples, 4, 4, 8}, 2, 2), DType::float16).max == 2);
  softgpu_fail("plan", 0);
  softgpu_reset_counts();
  compare_pools(pool_case("again", {samples, 4, 4, 8}, 2, 2), DType::float16);
  CHECK(softgpu_count("plans") == 0);
}
