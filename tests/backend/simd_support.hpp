#pragma once

#include <cstring>
#include <string>

#include <doctest/doctest.h>

#include <nyala/threads.hpp>

#include "backend/cpu/amx/split_product.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/kernel_support.hpp"

namespace nyala::test {

/// Lengths around every vector width, and one that is cut into parts for threads.
inline const std::vector<std::int64_t> lengths = {0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 1000, 100003};

/// fn(vectorised kernels) for every instruction set that this machine has, and with the tile unit if it has one.
template <class F>
void for_each_isa(F&& fn) {
  for (const char* level : {"sse42", "avx2", "avx512"}) {
    const backend::SimdTable* table = backend::simd_table(level);
    if (table == nullptr) continue;
    backend::SimdKernels kernels(*table);
    fn(kernels);
    if (std::strcmp(level, "avx512") != 0 || !backend::amx::has_tiles()) continue;
    backend::SimdKernels with_tiles(*table, true);
    fn(with_tiles);
  }
}

/// Says so where a test of the tile unit cannot run.
inline bool lacks_tiles() {
  if (backend::amx::has_tiles()) return false;
  MESSAGE("skipped: this processor has no tile unit (AMX), or NYALA_CPU_ISA is below it");
  return true;
}

/// Numbers between low and high that look random, the same in every run.
inline Tensor noise(const Shape& shape, double low = -3, double high = 3, unsigned seed = 1) {
  Tensor out = Tensor::empty(shape, DType::float32);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
  for (std::int64_t i = 0; i < out.size(); ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    out.data<float>()[i] = static_cast<float>(low + (high - low) * static_cast<double>(state >> 40) * 0x1p-24);
  }
  return out;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.size() == b.size() && (a.size() == 0 || std::memcmp(a.raw_data(), b.raw_data(), a.bytes()) == 0);
}

/// The largest error of vectorised results relative to 1 + |reference|.
inline double distance(const Tensor& got, const Tensor& expected) { return worst(values(got), values(expected)); }

/// Runs fn() -> Tensor with one thread and with two; whether the results are equal to the last bit.
template <class F>
bool equal_for_threads(F&& fn) {
  const int before = num_threads();
  set_num_threads(1);
  const Tensor alone = fn();
  set_num_threads(2);
  const Tensor together = fn(), again = fn();
  set_num_threads(before);
  return same_bits(alone, together) && same_bits(together, again);
}

}  // namespace nyala::test
