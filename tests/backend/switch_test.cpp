#include <doctest/doctest.h>

#include <cstdlib>

#include <nyala/backend.hpp>

#include "backend/simd_support.hpp"

using namespace nyala;
using namespace nyala::backend;

TEST_CASE("the CPU's kernels are chosen by name") {
  const std::string before = cpu_kernels();
  set_cpu_kernels("reference");
  CHECK(cpu_kernels() == "reference");
  CHECK(kernels_for(Device()).name() == "reference");
  CHECK_THROWS_WITH_AS(set_cpu_kernels("fast"),
                       "set_cpu_kernels: kernels must be \"auto\" or \"reference\", got \"fast\"", Error);
  CHECK(cpu_kernels() == "reference");
  set_cpu_kernels(before == "reference" ? "reference" : "auto");
  CHECK(cpu_kernels() == before);
}

TEST_CASE("NYALA_CPU_ISA caps the instruction set") {
  const char* variable = std::getenv("NYALA_CPU_ISA");
  const std::string before = variable == nullptr ? "" : variable;
  for (const char* level : {"sse42", "avx2", "avx512"}) {
    if (simd_table(level) == nullptr) continue;
    setenv("NYALA_CPU_ISA", level, 1);
    CHECK(std::string(best_simd_table()->name) == level);
    CHECK_FALSE(allows_tiles());
  }
  if (simd_table("avx512") != nullptr) {
    setenv("NYALA_CPU_ISA", "amx", 1);
    CHECK(std::string(best_simd_table()->name) == "avx512");
    CHECK(allows_tiles());
  }
  setenv("NYALA_CPU_ISA", "mmx", 1);
  CHECK_THROWS_WITH_AS(best_simd_table(), "NYALA_CPU_ISA: must be sse42, avx2, avx512 or amx, got \"mmx\"", Error);
  setenv("NYALA_CPU_ISA", before.c_str(), 1);
  CHECK(best_simd_table() != nullptr);
}

TEST_CASE("what has no kernels is refused by name") {
  struct Empty : Kernels {
    std::string name() const override { return "empty"; }
  };
  Empty kernels;
  Tensor x = Tensor::empty({2}, DType::float32);
  CHECK_THROWS_WITH_AS(kernels.softmax(x, x),
                       "softmax: the backend \"empty\" has no such kernel for float32 on device \"cpu\"", Error);
  CHECK_THROWS_AS(backend::kernels(Tensor()), Error);
  CHECK_THROWS_AS(kernels_for(Device("gpu")), Error);
}
