#include "backend/cpu/simd/winograd.hpp"
#include "backend/cpu/simd/vector.hpp"

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {
namespace {

using namespace nyala::backend::NYALA_SIMD_NAMESPACE;

/// fn(0), fn(1) … fn(count - 1) without a loop: arrays of registers stay in registers.
template <int count, class F>
[[gnu::always_inline]] inline void unrolled(F fn) {
#pragma GCC unroll 16
  for (int i = 0; i < count; ++i) fn(i);
}

constexpr std::int64_t products = 16;  // of a tile, for a pair of channels

/// Tiles whose sums the registers hold at once, two registers wide.
constexpr std::int64_t group = lanes == 16 ? 14 : 6;

/// Tiles that are transformed together. Those of few channels stay in the first cache; more channels need more tiles to
/// each reading of the filter.
std::int64_t block_of(std::int64_t in, std::int64_t out) { return in + out <= 32 ? group : 2 * group; }

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

/// Makes 2 x 2 results of one register of channels' 16 sums.
template <bool relu>
[[gnu::always_inline]] inline void transform_sums(const float* sums, std::int64_t product, Floats bias,
                                                  const OutputTile& tile, float* out) {
  Floats upper[4], lower[4];
  unrolled<4>([&](int j) {
    const Floats m0 = load(sums), m1 = load(sums + 4 * product), m2 = load(sums + 8 * product),
                 m3 = load(sums + 12 * product);
    upper[j] = m0 + m1 + m2;
    lower[j] = m1 - m2 - m3;
    sums += product;
  });
  const auto finish = [&](Floats sum) {
    sum += bias;
    return relu ? maximum(sum, Floats{}) : sum;
  };
  store(finish(upper[0] + upper[1] + upper[2]), out);
  if (tile.has_right) store(finish(upper[1] - upper[2] - upper[3]), out + tile.right);
  if (!tile.has_below) return;
  store(finish(lower[0] + lower[1] + lower[2]), out + tile.below);
  if (tile.has_right) store(finish(lower[1] - lower[2] - lower[3]), out + tile.below + tile.right);
}

template <bool relu>
void transform_output(const WinogradImages& s, const Layout& layout, std::int64_t begin, std::int64_t end, float* sums,
                      const float* bias, float* y) {
  for_output_tiles(s, begin, end, sums, [&](const float* from, std::int64_t place, OutputTile tile) {
    const std::int64_t product = layout.product(), panel = layout.tiles, channels = s.out_channels;
    float* out = y + place;
    for (std::int64_t o = 0; o < channels; o += lanes)
      transform_sums<relu>(from + o * panel, product, bias == nullptr ? Floats{} : load(bias + o), tile, out + o);
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

/// Sums over `panels` of input channels, for `rows` tiles and `wide` registers of output channels.
template <int rows, int wide>
void tile_product(std::int64_t panel_size, std::int64_t panels, const float* in, const float* filter, float* sums) {
  Floats total[wide][rows];
  unrolled<wide>([&](int j) { unrolled<rows>([&](int i) { total[j][i] = Floats{}; }); });
  for (std::int64_t panel = 0; panel < panels; ++panel, in += panel_size) {
    for (int c = 0; c < lanes; ++c, filter += wide * lanes) {
      Floats factor[wide];
      unrolled<wide>([&](int j) { factor[j] = load(filter + j * lanes); });
      unrolled<rows>([&](int i) {
        const Floats value = splat(in[i * lanes + c]);
        unrolled<wide>([&](int j) { total[j][i] = fma(value, factor[j], total[j][i]); });
      });
    }
  }
  unrolled<wide>([&](int j) {
    float* to = sums + j * panel_size;
    unrolled<rows>([&](int i) { store(total[j][i], to + i * lanes); });
  });
}

template <int wide>
void tile_products(const Layout& layout, std::int64_t tiles, std::int64_t panels, const float* in, const float* filter,
                   float* sums) {
  std::int64_t i = 0;
  const auto part = [&]<int rows>() {
    for (; i + rows <= tiles; i += rows)
      tile_product<rows, wide>(layout.panel(), panels, in + i * lanes, filter, sums + i * lanes);
  };
  part.template operator()<static_cast<int>(group)>();
  if constexpr (group > 8) part.template operator()<8>();
  part.template operator()<4>();
  part.template operator()<2>();
  part.template operator()<1>();
}

/// sums (rows, wide registers) += in (tiles, rows)ᵀ · gradient (tiles, wide registers)
template <int rows, int wide>
void filter_product(std::int64_t panel_size, std::int64_t tiles, const float* in, const float* gradient, float* sums,
                    std::int64_t sums_stride) {
  Floats total[rows][wide];
  unrolled<rows>(
      [&](int i) { unrolled<wide>([&](int j) { total[i][j] = load(sums + i * sums_stride + j * lanes); }); });
  for (std::int64_t tile = 0; tile < tiles; ++tile, in += lanes, gradient += lanes) {
    Floats factor[wide];
    unrolled<wide>([&](int j) { factor[j] = load(gradient + j * panel_size); });
    unrolled<rows>([&](int i) {
      const Floats value = splat(in[i]);
      unrolled<wide>([&](int j) { total[i][j] = fma(value, factor[j], total[i][j]); });
    });
  }
  unrolled<rows>(
      [&](int i) { unrolled<wide>([&](int j) { store(total[i][j], sums + i * sums_stride + j * lanes); }); });
}

/// The scratch memory of one call, and how it goes through its tiles.
struct Blocks {
  Layout in_layout, out_layout;
  float *in, *out, *zeros;

  Blocks(const WinogradImages& s, float* memory)
      : in_layout{block_of(s.in_channels, s.out_channels), s.in_channels},
        out_layout{in_layout.tiles, s.out_channels},
        in(memory),
        out(in + in_layout.size()),
        zeros(out + out_layout.size()) {}

  /// Calls fn(begin, end) for blocks of the tiles in the rows [first, last).
  template <class F>
  void each(const WinogradImages& s, std::int64_t first, std::int64_t last, F fn) const {
    for (std::int64_t c = 0; c < s.in_channels; ++c) zeros[c] = 0.0F;
    const std::int64_t columns = s.tile_columns(), most = in_layout.tiles;
    for (std::int64_t begin = first * columns; begin < last * columns; begin += most)
      fn(begin, begin + most < last * columns ? begin + most : last * columns);
  }
};

std::int64_t scratch(const WinogradImages& s) {
  const std::int64_t tiles = block_of(s.in_channels, s.out_channels);
  return Layout{tiles, s.in_channels}.size() + Layout{tiles, s.out_channels}.size() + s.in_channels;
}

void convolve(const WinogradImages& s, std::int64_t first, std::int64_t last, const float* x, const float* filter,
              const float* bias, bool relu, float* y, float* memory) {
  const std::int64_t in = s.in_channels, out = s.out_channels;
  const Blocks blocks(s, memory);
  const Layout layout = blocks.in_layout, out_layout = blocks.out_layout;
  blocks.each(s, first, last, [&](std::int64_t begin, std::int64_t end) {
    transform_input(s, layout, begin, end, x, blocks.zeros, blocks.in);
    for (std::int64_t k = 0; k < products; ++k) {
      const float* values = blocks.in + k * layout.product();
      const float* factors = filter + k * in * out;
      float* sums = blocks.out + k * out_layout.product();
      std::int64_t o = 0;
      for (; o + 2 * lanes <= out; o += 2 * lanes)
        tile_products<2>(out_layout, end - begin, in / lanes, values, factors + o * in, sums + o * layout.tiles);
      if (o < out)
        tile_products<1>(out_layout, end - begin, in / lanes, values, factors + o * in, sums + o * layout.tiles);
    }
    if (relu)
      transform_output<true>(s, out_layout, begin, end, blocks.out, bias, y);
    else
      transform_output<false>(s, out_layout, begin, end, blocks.out, bias, y);
  });
}

/// sums (in, registers of out from `first` on) += in (tiles, in)ᵀ · gradient (tiles, the same registers), for one of
/// the 16 products.
template <int wide>
void filter_products(const Layout& layout, std::int64_t tiles, const float* in, const float* gradient, float* sums,
                     std::int64_t out) {
  constexpr int rows = lanes / wide;
  for (std::int64_t c = 0; c < layout.channels; c += rows)
    filter_product<rows, wide>(layout.panel(), tiles, in + c / lanes * layout.panel() + c % lanes, gradient,
                               sums + c * out, out);
}

void filter_gradient(const WinogradImages& s, std::int64_t first, std::int64_t last, const float* x,
                     const float* gradient, float* sums, float* memory) {
  const std::int64_t in = s.in_channels, out = s.out_channels;
  const Blocks blocks(s, memory);
  const Layout layout = blocks.in_layout, out_layout = blocks.out_layout;
  blocks.each(s, first, last, [&](std::int64_t begin, std::int64_t end) {
    transform_input(s, layout, begin, end, x, blocks.zeros, blocks.in);
    transform_gradient(s, out_layout, begin, end, gradient, blocks.out);
    for (std::int64_t k = 0; k < products; ++k) {
      const float* values = blocks.in + k * layout.product();
      const float* factors = blocks.out + k * out_layout.product();
      float* total = sums + k * in * out;
      std::int64_t o = 0;
      for (; o + 2 * lanes <= out; o += 2 * lanes)
        filter_products<2>(layout, end - begin, values, factors + o * layout.tiles, total + o, out);
      if (o < out) filter_products<1>(layout, end - begin, values, factors + o * layout.tiles, total + o, out);
    }
  });
}

/// A vector of channels of the kernel's nine positions becomes sixteen.
[[gnu::always_inline]] inline void expand(const Floats (&kernel)[3][3], Floats (&filter)[4][4]) {
  Floats half[4][3];
  for (int j = 0; j < 3; ++j) {
    const Floats ends = 0.5F * (kernel[0][j] + kernel[2][j]), middle = 0.5F * kernel[1][j];
    half[0][j] = kernel[0][j];
    half[1][j] = ends + middle;
    half[2][j] = ends - middle;
    half[3][j] = kernel[2][j];
  }
  for (int i = 0; i < 4; ++i) {
    const Floats ends = 0.5F * (half[i][0] + half[i][2]), middle = 0.5F * half[i][1];
    filter[i][0] = half[i][0];
    filter[i][1] = ends + middle;
    filter[i][2] = ends - middle;
    filter[i][3] = half[i][2];
  }
}

void transform_filter(std::int64_t in, std::int64_t out, bool turned, const float* kernel, float* filter) {
  const std::int64_t rows = turned ? out : in, columns = turned ? in : out;
  for (std::int64_t o = 0; o < columns; o += lanes) {
    // Panels of two registers' columns, each row by row; the last one may have one.
    const std::int64_t panel = o / (2 * lanes) * (2 * lanes);
    const std::int64_t wide = columns - panel < 2 * lanes ? lanes : 2 * lanes;
    for (std::int64_t c = 0; c < rows; ++c) {
      Floats values[3][3], factors[4][4];
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
          if (turned) {
            const float* from = kernel + (((2 - i) * 3 + 2 - j) * in + o) * out + c;
            for (int lane = 0; lane < lanes; ++lane) values[i][j][lane] = from[lane * out];
          } else {
            values[i][j] = load(kernel + ((i * 3 + j) * in + c) * out + o);
          }
        }
      }
      expand(values, factors);
      float* to = filter + panel * rows + c * wide + (o - panel);
      for (int k = 0; k < products; ++k) store(factors[k / 4][k % 4], to + k * rows * columns);
    }
  }
}

void finish_filter(std::int64_t in, std::int64_t out, const float* sums, float* dkernel) {
  for (std::int64_t i = 0; i < in * out; i += lanes) {
    Floats half[3][4];
    for (int j = 0; j < 4; ++j) {
      const Floats s0 = load(sums + j * in * out + i), s1 = load(sums + (4 + j) * in * out + i),
                   s2 = load(sums + (8 + j) * in * out + i), s3 = load(sums + (12 + j) * in * out + i);
      const Floats ends = 0.5F * (s1 + s2);
      half[0][j] = s0 + ends;
      half[1][j] = 0.5F * (s1 - s2);
      half[2][j] = ends + s3;
    }
    for (int j = 0; j < 3; ++j) {
      const Floats ends = 0.5F * (half[j][1] + half[j][2]);
      store(half[j][0] + ends, dkernel + (3 * j) * in * out + i);
      store(0.5F * (half[j][1] - half[j][2]), dkernel + (3 * j + 1) * in * out + i);
      store(ends + half[j][3], dkernel + (3 * j + 2) * in * out + i);
    }
  }
}

}  // namespace

const WinogradLoops winograd_loops{lanes, scratch, transform_filter, convolve, filter_gradient, finish_filter};

}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
