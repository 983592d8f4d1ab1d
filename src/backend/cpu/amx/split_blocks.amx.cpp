#include "backend/cpu/amx/tiles.amx.hpp"

namespace nyala::backend::amx {
namespace {

void fill_edge(Packer& p, const float* from, std::int64_t lines, std::int64_t depth) {
  const std::int64_t rows = p.source.along ? lines : depth, columns = p.source.along ? depth : lines;
  for (std::int64_t i = 0; i < block_side; ++i)
    for (std::int64_t j = 0; j < block_side; ++j)
      p.edge[i * block_side + j] = i < rows && j < columns ? from[i * p.source.stride + j] : 0.0f;
}

/// Pieces of one kind of operand. The lanes of two vectors that make pairs are 16 apart along the summed axis, for both
/// operands: no shuffle is needed where that axis lies as the tile wants it, and a turn of 16 by 16 numbers where it
/// does not.
template <bool left, bool along>
struct Pieces {
  using State = Packer;
  static constexpr std::int64_t of_a_block = left == along ? 8 : 2;

  static void pack(Packer& p, __m512i& top) {
    const Source& s = p.source;
    const float* from = s.from + p.line * (along ? s.stride : 1) + p.depth * (along ? 1 : s.stride);
    std::int64_t stride = s.stride;
    const std::int64_t lines = s.lines - p.line, depth = s.depth - p.depth;
    if (__builtin_expect(lines < block_side || depth < block_side, 0)) {
      if (p.piece == 0) fill_edge(p, from, smaller(lines, block_side), smaller(depth, block_side));
      from = p.edge;
      stride = block_side;
    }
    if constexpr (left == along) {
      // Left: a piece is four rows. Right: it is rows 2i, 2i + 1, and 2i + 16, 2i + 17 of the summed axis.
      char* const to = p.to + (left ? p.piece * 256 : p.piece * 128);
      const float* const first = from + p.piece * (left ? 4 : 2) * stride;
      for (int i = 0; i < 4; ++i) {
        const float* const low = left ? first + i * stride : first + i / 2 * stride + i % 2 * tile_rows;
        const float* const high = low + (left ? tile_rows : tile_rows * stride);
        if constexpr (!left) {
          _mm_prefetch(low + block_side * stride, _MM_HINT_T1);
          _mm_prefetch(high + block_side * stride, _MM_HINT_T1);
        }
        split(_mm512_loadu_si512(low), _mm512_loadu_si512(high), to + (left ? i * 64 : i / 2 * 64 + i % 2 * tile_bytes),
              top);
      }
    } else {
      __m512i low[tile_rows], high[tile_rows];
      const float* const first = from + p.piece * tile_rows * (along ? stride : 1);
      if constexpr (!along)
        for (int i = 0; i < block_side; ++i) _mm_prefetch(first + (block_side + i) * stride, _MM_HINT_T1);
      turn(first, stride * 4, low);
      turn(first + tile_rows * (along ? 1 : stride), stride * 4, high);
      for (int row = 0; row < tile_rows; ++row) split(low[row], high[row], p.to + p.piece * tile_bytes + row * 64, top);
    }
    if (++p.piece == of_a_block) next_block(p);
  }

  static void next_block(Packer& p) {
    p.piece = 0;
    p.to += block_bytes;
    p.depth += block_side;
    if (p.depth < p.source.depth) return;
    p.depth = 0;
    p.line += block_side;
  }
};

/// Calls fn with the pieces that the packer is made of.
template <class F>
inline void with_pieces(const Packer& packer, F fn) {
  if (packer.left)
    packer.source.along ? fn(Pieces<true, true>()) : fn(Pieces<true, false>());
  else
    packer.source.along ? fn(Pieces<false, true>()) : fn(Pieces<false, false>());
}

void note(Packer& packer, __m512i top) {
  const std::uint32_t found = _mm512_reduce_max_epu32(top);
  if (found > packer.top) packer.top = found;
}

/// c (rows, columns) by `block`(to, stride), which computes 32 by 32 numbers.
template <class F>
inline void at_edge(const PanelProduct& p, float* c, std::int64_t rows, std::int64_t columns, F block) {
  alignas(64) float whole[block_side * block_side] = {};
  for (std::int64_t row = 0; p.add && row < rows; ++row)
    for (std::int64_t j = 0; j < columns; ++j) whole[row * block_side + j] = c[row * p.stride_c + j];
  block(whole, block_side);
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t j = 0; j < columns; ++j) c[row * p.stride_c + j] = whole[row * block_side + j];
}

template <class P>
void multiply_panel(const PanelProduct& p, Packer& panel, const Packer& others, Packer* next) {
  const std::int64_t steps = blocks_of(panel.source.depth), count = blocks_of(others.source.lines);
  const std::int64_t lines = panel.source.lines;
  const bool late = count > 1 && !is_done(panel);
  Meanwhile<P> of_panel{&panel, P::of_a_block, 1, (steps - 1) * P::of_a_block},
      of_next{next, next == nullptr ? 0 : steps * P::of_a_block, (count - (late ? 1 : 0)) * steps};
  if (late)
    for (std::int64_t i = 0; i < P::of_a_block; ++i) P::pack(panel, of_panel.top);
  else
    finish(panel);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t other_line = i * block_side, other_lines = smaller(others.source.lines - other_line, block_side);
    const char* const other = others.memory + i * others.panel_bytes;
    const char *const a = panel.left ? panel.memory : other, *const b = panel.left ? other : panel.memory;
    const std::int64_t rows = panel.left ? lines : other_lines, columns = panel.left ? other_lines : lines;
    float* const c = p.c + (panel.left ? other_line : other_line * p.stride_c);
    const auto block = [&](float* to, std::int64_t stride) {
      multiply_block(a, b, steps, {to, stride, tile_rows, tile_rows * stride}, p.add,
                     late && i == 0 ? of_panel : of_next);
    };
    if (rows == block_side && columns == block_side)
      block(c, p.stride_c);
    else
      at_edge(p, c, rows, columns, block);
  }
  note(panel, of_panel.top);
  if (next != nullptr) note(*next, of_next.top);
}

/// What LDTILECFG reads: eight tiles of sixteen rows of 64 bytes.
struct alignas(64) TileShapes {
  unsigned char palette, start, reserved[14];
  unsigned short bytes[16];
  unsigned char rows[16];
};
const TileShapes whole_tiles{1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

}  // namespace

std::int64_t packed_bytes(std::int64_t lines, std::int64_t depth) {
  return blocks_of(lines) * blocks_of(depth) * block_bytes;
}

void begin(Packer& packer, const Source& source, bool left, char* memory) {
  packer.source = source;
  packer.left = left;
  packer.memory = packer.to = memory;
  packer.panel_bytes = blocks_of(source.depth) * block_bytes;
  packer.top = 0;
  packer.line = packer.depth = packer.piece = 0;
}

void take_part(Packer& part, const Packer& packed, std::int64_t line, std::int64_t lines, std::int64_t first,
               std::int64_t depth) {
  part.source = {nullptr, 0, packed.source.along, lines, depth};
  part.left = packed.left;
  part.memory = packed.memory + line / block_side * packed.panel_bytes + first / block_side * block_bytes;
  part.panel_bytes = packed.panel_bytes;
  part.top = packed.top;
  part.line = lines;
}

bool is_done(const Packer& packer) { return packer.line >= packer.source.lines; }

void finish(Packer& packer) {
  with_pieces(packer, [&](auto pieces) {
    __m512i top = _mm512_setzero_si512();
    while (!is_done(packer)) pieces.pack(packer, top);
    note(packer, top);
  });
}

void multiply(const PanelProduct& product, Packer& panel, const Packer& others, Packer* next) {
  with_pieces(panel, [&](auto pieces) { multiply_panel<decltype(pieces)>(product, panel, others, next); });
}

void open_tiles() { _tile_loadconfig(&whole_tiles); }

void close_tiles() { _tile_release(); }

}  // namespace nyala::backend::amx
