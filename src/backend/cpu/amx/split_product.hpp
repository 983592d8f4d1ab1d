#pragma once

#include "backend/cpu/reference/blas.hpp"
#include "core/function_ref.hpp"

namespace nyala::backend::amx {

/// A block of a product: rows [row, row + rows) and columns [column, column + columns).
struct Block {
  std::int64_t row, rows, column, columns;
};

constexpr std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

/// Whether this machine has a tile unit that the process may use, and NYALA_CPU_ISA does not name an older set.
bool has_tiles();

/// Whether a product of these sizes is quicker on the tile unit.
bool worth_tiles(const Gemm& sizes);

/// A float32 product on the tile unit, as precise as by float32 arithmetic (split_blocks.hpp), cut into blocks for the
/// pool by its sizes only. `plain` computes a block whose numbers the tile unit would spoil: infinite, NaN, so large
/// that a part of a sum could overflow, or so small that parts would vanish. `finish` is called for each block when it
/// is done, on the same thread.
using PlainProduct = void (*)(const Gemm& sizes, const float* a, const float* b, float* c);
void multiply_split(const Gemm& sizes, const float* a, const float* b, float* c, PlainProduct plain,
                    detail::FunctionRef<void(const Block&)> finish);

}  // namespace nyala::backend::amx
