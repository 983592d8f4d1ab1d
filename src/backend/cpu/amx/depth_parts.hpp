#pragma once

#include <cstdint>

#include "backend/cpu/amx/split_product.hpp"
#include "core/function_ref.hpp"

namespace nyala::backend::amx {

/// Part of a product's sum, from `first` on: what a thread multiplies by itself, into rows of `out` that are `stride`
/// apart.
struct DepthPart {
  std::int64_t first, depth;
  float* out;
  std::int64_t stride;
};

/// Into how many parts the summed axis of a product (m, k) · (k, n) is cut for the threads: 1, or an even number. Where
/// both sides of the result are short, cutting them would have every thread pack all of the other operand.
/// `worth_a_chunk`: multiplications that are worth being given to a thread.
std::int64_t depth_parts(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t worth_a_chunk);

/// c (m, n), its rows `stride` apart, = the sum of the parts, each of which `multiply` writes; `finish` is called for
/// every row once, when its sums are done.
void sum_parts(const Gemm& sizes, std::int64_t parts, float* c, detail::FunctionRef<void(const DepthPart&)> multiply,
               detail::FunctionRef<void(const Block&)> finish);

}  // namespace nyala::backend::amx
