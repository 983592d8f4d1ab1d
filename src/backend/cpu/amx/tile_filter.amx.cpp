#include "backend/cpu/amx/tile_filter.hpp"

#include "backend/cpu/amx/tiles.amx.hpp"

namespace nyala::backend::amx {
namespace {

constexpr std::int64_t products = 16, block = simd::TileProducts::block;

/// Pieces of the left operand: four tiles' numbers of two registers of channels.
struct TileNumbers {
  struct State {
    const float* values;
    std::int64_t count;
    char* to;
    std::int64_t piece = 0;
  };
  static constexpr std::int64_t of_a_block = 8;

  static void pack(State& s, __m512i& top) {
    const float* const low = s.values + s.piece / of_a_block * 2 * block * lanes;
    char* const to = s.to + s.piece / of_a_block * block_bytes;
    const std::int64_t first = s.piece % of_a_block * 4;
    for (std::int64_t tile = first; tile < first + 4; ++tile) {
      __m512i a = _mm512_setzero_si512(), b = a;
      if (tile < s.count) {
        a = _mm512_loadu_si512(low + tile * lanes);
        b = _mm512_loadu_si512(low + (block + tile) * lanes);
      }
      split(a, b, to + tile * 64, top);
    }
    ++s.piece;
  }
};

}  // namespace

bool multiply_tiles(const simd::TileProducts& base, std::int64_t count, const float* values, std::int64_t value_step,
                    float* sums, std::int64_t sum_step, float* scratch) {
  const auto& filter = static_cast<const PackedFilter&>(base);
  const std::int64_t steps = filter.in / block_side, panels = filter.out / block_side;
  const std::int64_t pieces = steps * TileNumbers::of_a_block, panel_bytes = steps * block_bytes;
  char* const buffers = reinterpret_cast<char*>(scratch);
  __m512i top = _mm512_setzero_si512();
  TileNumbers::State state{values, count, buffers};
  for (std::int64_t i = 0; i < pieces; ++i) TileNumbers::pack(state, top);
  open_tiles();
  const char* factors = filter.memory;
  for (std::int64_t k = 0; k < products; ++k) {
    state = {values + (k + 1) * value_step, count, buffers + (k + 1) % 2 * panel_bytes};
    Meanwhile<TileNumbers> next{&state, k + 1 < products ? pieces : 0, steps * panels};
    next.top = top;
    for (std::int64_t panel = 0; panel < panels; ++panel, factors += panel_bytes)
      multiply_block(buffers + k % 2 * panel_bytes, factors, steps,
                     {sums + k * sum_step + panel * 2 * block * lanes, lanes, block * lanes, tile_rows * lanes}, false,
                     next);
    top = next.top;
  }
  close_tiles();
  return fits(_mm512_reduce_max_epu32(top), filter.top, filter.in);
}

}  // namespace nyala::backend::amx
