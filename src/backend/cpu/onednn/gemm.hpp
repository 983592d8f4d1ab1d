#pragma once

#include <cstdint>

#include <nyala/ops/nn.hpp>

#include "backend/cpu/amx/split_product.hpp"
#include "backend/cpu/reference/blas.hpp"
#include "core/function_ref.hpp"
#include "core/half.hpp"

namespace nyala::backend::onednn {

using amx::Block;

/// Below this many multiplications a product is not worth oneDNN's overhead.
inline constexpr std::int64_t small_product = 32 * 32 * 32;

/// One float32 product on the calling thread, by the vectorised loops if small and by oneDNN if not.
void product(const Gemm& sizes, const float* a, const float* b, float* c);

/// The same, cut into blocks for the pool; the cut depends on the sizes only. `finish` is called for each block when it
/// is done, on the same thread. split_b: b in parts for the tile unit, which then multiplies.
void parallel_product(const Gemm& sizes, const float* a, const float* b, float* c,
                      detail::FunctionRef<void(const Block&)> finish, const amx::SplitFactors* split_b = nullptr);
void parallel_product(const Gemm& sizes, const float* a, const float* b, float* c);

/// One row of bfloat16 numbers times a matrix (k, n), with float32 sums: out (n) = activation(a · b + bias); bias may
/// be null. A matter of memory: half of what float32 reads.
struct HalfRow {
  std::int64_t k, n;
  const nyala::bfloat16 *a, *b, *bias;
  FusedActivation activation;
  nyala::bfloat16* out;
};
void multiply_row(const HalfRow& row);

}  // namespace nyala::backend::onednn
