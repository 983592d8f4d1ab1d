#pragma once

#include <cstdint>

#include <nyala/ops/nn.hpp>

namespace nyala::backend::amx {

/// A product of bfloat16 matrices with float32 sums: out (m, n) = activation(op(a) · op(b) + bias), all contiguous.
struct HalfProduct {
  std::int64_t m, n, k;
  bool transpose_a, transpose_b;
  const std::uint16_t *a, *b;
  const std::uint16_t* bias;  ///< (n,) or null
  FusedActivation activation;
  void* out;
  bool wide;                        ///< out is float32 (no bias and no activation then), or bfloat16
  std::uint16_t* before = nullptr;  ///< what is there before the activation, (m, n) in bfloat16, or null
};

/// On the tile unit, cut for the pool by its sizes only: the results are the same for any number of threads. False,
/// with nothing done, where it does not pay or there is no such unit.
bool multiply_halves(const HalfProduct& product);

}  // namespace nyala::backend::amx
