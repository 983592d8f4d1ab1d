#pragma once

#include <cstdint>

#include "backend/cpu/amx/split_product.hpp"
#include "backend/cpu/reference/blas.hpp"
#include "core/function_ref.hpp"

namespace nyala::backend::onednn {

using amx::Block;

/// Below this many multiplications a product is not worth oneDNN's overhead.
inline constexpr std::int64_t small_product = 32 * 32 * 32;

/// One float32 product on the calling thread, by the vectorised loops if small and by oneDNN if not.
void product(const Gemm& sizes, const float* a, const float* b, float* c);

/// The same, cut into blocks for the pool; the cut depends on the sizes only. `finish` is called for each block when it
/// is done, on the same thread.
void parallel_product(const Gemm& sizes, const float* a, const float* b, float* c,
                      detail::FunctionRef<void(const Block&)> finish);
void parallel_product(const Gemm& sizes, const float* a, const float* b, float* c);

}  // namespace nyala::backend::onednn
