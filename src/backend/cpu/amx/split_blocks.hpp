#pragma once

#include <cstdint>

/// Float32 products on the tile unit (AMX), which multiplies bfloat16 only: each number is the exact sum of three
/// bfloat16 parts of 8 binary digits, and six of the nine products of parts are summed in float32. What is left out is
/// 2^-23 of a term at most and 2^-26 in the mean, less than the roundings of the sum
/// (tests/backend/split_product_test). Here is the part that is compiled for such machines.
namespace nyala::backend::amx {

inline constexpr std::int64_t block_side = 32;
/// Always inlined, as files compiled for several instruction sets use it.
[[gnu::always_inline]] constexpr inline std::int64_t blocks_of(std::int64_t length) {
  return (length + block_side - 1) / block_side;
}
/// A block of 32 lines (rows of the left operand, columns of the right one) by 32 of the summed axis, in three parts.
inline constexpr std::int64_t block_bytes = 3 * block_side * block_side * 2;

/// Lines of an operand as they are stored. `along`: the summed axis is the one that lies contiguous.
struct Source {
  const float* from;
  std::int64_t stride;
  bool along;
  std::int64_t lines, depth;
};

/// Cuts an operand into parts: panels of 32 lines one after the other, each as blocks along the summed axis; missing
/// lines and depth are zeros. May be done piece by piece, so that it hides behind products of the tile unit.
struct Packer {
  Source source = {};
  bool left = false;                                     ///< lines are rows of the left operand
  char* memory = nullptr;                                ///< packed_bytes(), 64-byte aligned
  std::int64_t panel_bytes = 0;                          ///< from a panel to the next one
  std::uint32_t top = 0;                                 ///< largest magnitude so far, as twice the bits of its float32
  char* to = nullptr;                                    ///< what is next
  std::int64_t line = 0, depth = 0, piece = 0;           ///< the same; a line beyond the last one when all is done
  alignas(64) float edge[block_side * block_side] = {};  ///< a block with missing lines or depth
};
std::int64_t packed_bytes(std::int64_t lines, std::int64_t depth);
void begin(Packer& packer, const Source& source, bool left, char* memory);
/// `part` becomes `lines` from `line` on and `depth` from `first` on, both multiples of 32, of a packed operand.
void take_part(Packer& part, const Packer& packed, std::int64_t line, std::int64_t lines, std::int64_t first,
               std::int64_t depth);
bool is_done(const Packer& packer);
void finish(Packer& packer);

/// A panel times many: blocks of c (32, 32), one for each panel of the other operand.
struct PanelProduct {
  float* c;
  std::int64_t stride_c;
  bool add;
};
/// c (+)= panel · others, or others · panel if the panel is of the right operand. A panel of one block of lines, all
/// packed or not begun, is packed just before its first use and `next` (may be null), the one after it, meanwhile; the
/// others are done. Between open_tiles() and close_tiles().
void multiply(const PanelProduct& product, Packer& panel, const Packer& others, Packer* next);

/// Whether products of numbers up to these magnitudes (Packer::top) are right: no sum of parts overflows, and no part
/// vanishes that is not below 2^-24 of the largest.
bool fits(std::uint32_t top_a, std::uint32_t top_b, std::int64_t depth);

void open_tiles();
void close_tiles();

}  // namespace nyala::backend::amx
