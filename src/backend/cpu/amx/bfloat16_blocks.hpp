#pragma once

#include <cstdint>

#include "backend/cpu/amx/split_blocks.hpp"

/// Products of bfloat16 matrices on the tile unit (AMX), summed in float32: the part that is compiled for such
/// machines.
namespace nyala::backend::amx {

/// Bytes of a block of 32 lines by 32 of the summed axis.
inline constexpr std::int64_t half_block_bytes = block_side * block_side * 2;

/// Lines of an operand as they are stored, in elements. `along`: the summed axis is the one that lies contiguous.
struct HalfSource {
  const std::uint16_t* from;
  std::int64_t stride;
  bool along;
  std::int64_t lines, depth;
};

/// Panels of 32 lines one after the other, each as blocks along the summed axis; missing lines and depth are zeros.
/// `left`: the lines are rows of the left operand. `memory`: blocks of lines · blocks of depth · half_block_bytes,
/// 64-byte aligned.
void pack_bfloat16(const HalfSource& source, bool left, char* memory);

/// c (32, 32; `stride` between rows) (+)= left panel · right panel, of `steps` blocks each. Between open_tiles() and
/// close_tiles().
void multiply_bfloat16(const char* left, const char* right, std::int64_t steps, float* c, std::int64_t stride,
                       bool add);

/// The end of a block of sums: to (rows, columns) = relu?(sums (32, 32) + bias?), rounded; numbers below the normal
/// ones become 0.
struct HalfResult {
  std::uint16_t* to;
  std::int64_t stride, rows, columns;
  const float* bias;  ///< (columns,) or null
  bool relu;
};
void round_block(const float* sums, const HalfResult& result);

}  // namespace nyala::backend::amx
