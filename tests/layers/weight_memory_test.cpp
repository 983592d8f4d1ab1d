#include <doctest/doctest.h>

#include <nyala/initializers.hpp>
#include <nyala/layers/dense.hpp>
#include <nyala/memory.hpp>
#include <nyala/ops/creation.hpp>

using namespace nyala;

TEST_CASE("a weight is made where its initializer put it, without a copy") {
  const std::size_t bytes = std::size_t{1024} * 1024 * sizeof(float);
  for (const char* initializer : {"glorot_uniform", "zeros", "he_normal"}) {
    CAPTURE(initializer);
    Dense dense(1024, {.use_bias = false, .kernel_initializer = initializer});
    reset_peak_memory(default_device());
    const std::size_t before = memory_stats(default_device()).live;
    dense.build_now({{None, 1024}});
    CHECK(memory_stats(default_device()).peak - before < bytes * 3 / 2);
    CHECK(memory_stats(default_device()).live - before >= bytes);
  }
}

TEST_CASE("a weight is no tensor that an initializer of the user's holds") {
  Tensor held = ones({3, 2});
  Dense dense(2, {.use_bias = false, .kernel_initializer = [&](const Shape&, DType) { return held; }});
  dense.build_now({{None, 3}});
  if (held.device().kind() != Device::Kind::cpu) {
    MESSAGE("skipped: only the CPU lends pointers");
    return;
  }
  held.data<float>()[0] = 7.0F;
  CHECK(dense.get_weights()[0].to_vector<float>()[0] == 1.0F);
}
