#pragma once

#include "backend/cpu/simd/unrolled.hpp"
#include "backend/cpu/simd/vector.hpp"
#include "backend/cpu/simd/winograd.hpp"

// The transforms of tiles in winograd.simd.cpp.

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {
namespace {

using namespace nyala::backend::NYALA_SIMD_NAMESPACE;

constexpr std::int64_t products = 16;  // of a tile, for a pair of channels

/// Tiles whose sums the registers hold at once, two registers wide.
constexpr std::int64_t group = lanes == 16 ? 14 : 6;

/// Tiles that are transformed together. Those of few channels stay in the first cache; more channels need more tiles to
/// each reading of the filter.
std::int64_t block_of(const WinogradImages& s, const TileProducts* tiles) {
  if (tiles != nullptr) return TileProducts::block;
  return s.in_channels + s.out_channels <= 32 ? group : 2 * group;
}

/// How the transformed numbers of a block of tiles lie: (product, lanes of channels, tile, lane).
struct Layout {
  std::int64_t tiles, channels;

  std::int64_t panel() const { return tiles * lanes; }
  /// From product to product: not a power of two, which would put them in the same cache lines.
  std::int64_t product() const { return tiles * channels + 16; }
  std::int64_t size() const { return products * product(); }
};

/// The part of a row of tiles that belongs to a block.
struct Run {
  std::int64_t sample, row, column, count;  // the first tile, how many tiles
  float* tiles;                             // transformed numbers of the first tile
};

/// Calls fn(run) for the tiles [begin, end), whose transformed numbers begin at `memory`.
template <class F>
[[gnu::always_inline]] inline void for_runs(const WinogradImages& s, std::int64_t begin, std::int64_t end,
                                            float* memory, F fn) {
  const std::int64_t columns = s.tile_columns(), rows = s.tile_rows();
  for (std::int64_t tile = begin; tile < end;) {
    const std::int64_t row = tile / columns, column = tile % columns;
    const std::int64_t count = columns - column < end - tile ? columns - column : end - tile;
    fn(Run{row / rows, row % rows, column, count, memory + (tile - begin) * lanes});
    tile += count;
  }
}

/// The inputs that a row of tiles sees: four rows, of which some may be outside.
struct InputRows {
  const float* row[4];
  std::int64_t step[4];
  std::int64_t left, columns;
};

/// Four inputs one above the other become four terms.
[[gnu::always_inline]] inline void transform_column(const InputRows& in, std::int64_t column, Floats (&terms)[4]) {
  Floats d[4] = {};
  if (column >= 0 && column < in.columns) unrolled<4>([&](int i) { d[i] = load(in.row[i] + column * in.step[i]); });
  terms[0] = d[0] - d[2];
  terms[1] = d[1] + d[2];
  terms[2] = d[2] - d[1];
  terms[3] = d[1] - d[3];
}

/// One register of channels of a run.
void transform_inputs(const InputRows in, std::int64_t count, std::int64_t product, float* tile) {
  Floats one[4], two[4];
  transform_column(in, in.left, one);
  transform_column(in, in.left + 1, two);
  for (std::int64_t i = 0; i < count; ++i, tile += lanes) {
    Floats three[4], four[4];
    transform_column(in, in.left + 2 * i + 2, three);
    transform_column(in, in.left + 2 * i + 3, four);
    float* to = tile;
    unrolled<4>([&](int j) {
      store(one[j] - three[j], to);
      store(two[j] + three[j], to + product);
      store(three[j] - two[j], to + 2 * product);
      store(two[j] - four[j], to + 3 * product);
      to += 4 * product;
      one[j] = three[j];
      two[j] = four[j];
    });
  }
}

/// Transforms the 4 x 4 inputs of the tiles [begin, end).
void transform_input(const WinogradImages& s, const Layout& layout, std::int64_t begin, std::int64_t end,
                     const float* x, const float* zeros, float* to) {
  for_runs(s, begin, end, to, [&](const Run& run) {
    const std::int64_t top = 2 * run.row - s.pad_rows, channels = s.in_channels;
    InputRows in;
    in.left = 2 * run.column - s.pad_columns;
    in.columns = s.in_columns;
    for (std::int64_t i = 0; i < 4; ++i) {
      const bool inside = top + i >= 0 && top + i < s.in_rows;
      in.row[i] = inside ? x + (run.sample * s.in_rows + top + i) * s.in_columns * channels : zeros;
      in.step[i] = inside ? channels : 0;
    }
    for (std::int64_t c = 0; c < channels; c += lanes) {
      transform_inputs(in, run.count, layout.product(), run.tiles + c * layout.tiles);
      for (int i = 0; i < 4; ++i) in.row[i] += lanes;
    }
  });
}

/// What of a tile's 2 x 2 results there is, and the steps to the others.
struct OutputTile {
  std::int64_t right, below;
  bool has_right, has_below;
};

/// Calls fn(transformed numbers, place of the first of 2 x 2 in y, tile) for the tiles [begin, end).
template <class F>
[[gnu::always_inline]] inline void for_output_tiles(const WinogradImages& s, std::int64_t begin, std::int64_t end,
                                                    float* memory, F fn) {
  for_runs(s, begin, end, memory, [&](const Run& run) {
    const std::int64_t row = 2 * run.row;
    OutputTile tile{s.out_channels, s.out_columns * s.out_channels, true, row + 1 < s.out_rows};
    for (std::int64_t i = 0; i < run.count; ++i) {
      const std::int64_t column = 2 * (run.column + i);
      tile.has_right = column + 1 < s.out_columns;
      fn(run.tiles + i * lanes, ((run.sample * s.out_rows + row) * s.out_columns + column) * s.out_channels, tile);
    }
  });
}

/// What follows the sums of one register of channels: a bias, and ReLU.
template <bool relu>
struct PlainResults {
  Floats bias;

  [[gnu::always_inline]] PlainResults(const WinogradOutput& output, std::int64_t channel)
      : bias(output.bias == nullptr ? Floats{} : load(output.bias + channel)) {}
  [[gnu::always_inline]] Floats operator()(Floats sum, std::int64_t) const {
    return relu ? maximum(sum + bias, Floats{}) : sum + bias;
  }
};

/// The same with more steps.
template <bool relu>
struct FinishedResults {
  PlainResults<relu> plain;
  Floats center, factor, shift;
  const ChannelSteps& next;
  std::int64_t channel;

  [[gnu::always_inline]] FinishedResults(const WinogradOutput& output, std::int64_t first)
      : plain(output, first),
        center(load(output.next->center + first)),
        factor(load(output.next->factor + first)),
        shift(load(output.next->shift + first)),
        next(*output.next),
        channel(first) {}
  [[gnu::always_inline]] Floats operator()(Floats sum, std::int64_t place) const {
    Floats y = fma(plain(sum, place) - center, factor, shift);
    if (next.residual != nullptr) y += load(next.residual + place + channel);
    return select(y < next.floor, splat(next.floor), select(y > next.ceiling, splat(next.ceiling), y));
  }
};

/// Makes 2 x 2 results, the first at `place` of y, of one register of channels' 16 sums.
template <class Results>
[[gnu::always_inline]] inline void transform_sums(const float* sums, std::int64_t product, const Results& finish,
                                                  const OutputTile& tile, std::int64_t place, float* out) {
  Floats upper[4], lower[4];
  unrolled<4>([&](int j) {
    const Floats m0 = load(sums), m1 = load(sums + 4 * product), m2 = load(sums + 8 * product),
                 m3 = load(sums + 12 * product);
    upper[j] = m0 + m1 + m2;
    lower[j] = m1 - m2 - m3;
    sums += product;
  });
  const auto write = [&](Floats sum, std::int64_t at) { store(finish(sum, place + at), out + at); };
  write(upper[0] + upper[1] + upper[2], 0);
  if (tile.has_right) write(upper[1] - upper[2] - upper[3], tile.right);
  if (!tile.has_below) return;
  write(lower[0] + lower[1] + lower[2], tile.below);
  if (tile.has_right) write(lower[1] - lower[2] - lower[3], tile.below + tile.right);
}

template <class Results>
void transform_output(const WinogradImages& s, const Layout& layout, std::int64_t begin, std::int64_t end, float* sums,
                      const WinogradOutput& output, float* y) {
  for_output_tiles(s, begin, end, sums, [&](const float* from, std::int64_t place, OutputTile tile) {
    const std::int64_t product = layout.product(), panel = layout.tiles, channels = s.out_channels;
    float* out = y + place;
    for (std::int64_t o = 0; o < channels; o += lanes)
      transform_sums(from + o * panel, product, Results(output, o), tile, place, out + o);
  });
}

/// The adjoint of transform_sums: 2 x 2 gradients become 16 factors.
[[gnu::always_inline]] inline void transform_gradients(const float* in, const OutputTile& tile, std::int64_t product,
                                                       float* to) {
  const Floats a = load(in), b = tile.has_right ? load(in + tile.right) : Floats{},
               c = tile.has_below ? load(in + tile.below) : Floats{},
               d = tile.has_below && tile.has_right ? load(in + tile.below + tile.right) : Floats{};
  const Floats left[4] = {a, a + c, a - c, -c}, rest[4] = {b, b + d, b - d, -d};
  unrolled<4>([&](int j) {
    store(left[j], to);
    store(left[j] + rest[j], to + product);
    store(left[j] - rest[j], to + 2 * product);
    store(-rest[j], to + 3 * product);
    to += 4 * product;
  });
}

void transform_gradient(const WinogradImages& s, const Layout& layout, std::int64_t begin, std::int64_t end,
                        const float* gradient, float* factors) {
  for_output_tiles(s, begin, end, factors, [&](float* to, std::int64_t place, OutputTile tile) {
    const std::int64_t product = layout.product(), panel = layout.tiles, channels = s.out_channels;
    const float* in = gradient + place;
    for (std::int64_t o = 0; o < channels; o += lanes) transform_gradients(in + o, tile, product, to + o * panel);
  });
}

}  // namespace
}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
