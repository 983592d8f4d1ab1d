#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "backend/cpu/reference/blas.hpp"
#include "backend/cpu/scratch.hpp"
#include "core/function_ref.hpp"

namespace nyala::backend::amx {

/// A block of a product: rows [row, row + rows) and columns [column, column + columns).
struct Block {
  std::int64_t row, rows, column, columns;
};

constexpr std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

/// Whether this machine has a tile unit that the process may use, and NYALA_CPU_ISA does not name an older set.
bool has_tiles();

/// Whether a product of these sizes is quicker on the tile unit; `split_b`: when the right operand has its parts.
bool worth_tiles(const Gemm& sizes, bool split_b = false);

struct Packer;

/// The right operand of such products in parts, for many products with the same one.
class SplitFactors {
 public:
  SplitFactors(const Gemm& sizes, const float* b);
  const Packer& packed() const { return *packed_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_;
  Scratch memory_;
  std::shared_ptr<Packer> packed_;
};

/// A float32 product on the tile unit, as precise as by float32 arithmetic (split_blocks.hpp), cut into blocks for the
/// pool by its sizes only. `plain` computes a block whose numbers the tile unit would spoil: infinite, NaN, so large
/// that a part of a sum could overflow, or so small that parts would vanish. `finish` is called for each block when it
/// is done, on the same thread. split_b: b in parts, or null; without it long sums
/// with short sides are cut along the sum, so that the last digits differ.
using PlainProduct = void (*)(const Gemm& sizes, const float* a, const float* b, float* c);
void multiply_split(const Gemm& sizes, const float* a, const float* b, const SplitFactors* split_b, float* c,
                    PlainProduct plain, detail::FunctionRef<void(const Block&)> finish);

}  // namespace nyala::backend::amx
