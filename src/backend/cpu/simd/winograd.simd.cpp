#include "backend/cpu/simd/winograd_tiles.simd.hpp"

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {
namespace {

/// Sums over `panels` of input channels, for `rows` tiles and `wide` registers of output channels.
template <int rows, int wide>
[[gnu::noinline]] void tile_product(std::int64_t panel_size, std::int64_t panels, const float* in, const float* filter,
                                    float* sums) {
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
  in_groups<static_cast<int>(group)>(tiles, [&]<int rows>(std::int64_t i) {
    tile_product<rows, wide>(layout.panel(), panels, in + i * lanes, filter, sums + i * lanes);
  });
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
  float *in, *out, *zeros, *rest;

  Blocks(const WinogradImages& s, const TileProducts* tiles, float* memory)
      : in_layout{block_of(s, tiles), s.in_channels},
        out_layout{in_layout.tiles, s.out_channels},
        in(memory),
        out(in + in_layout.size()),
        zeros(out + out_layout.size()),
        rest(zeros + s.in_channels) {}

  /// Calls fn(begin, end) for blocks of the tiles in the rows [first, last).
  template <class F>
  void each(const WinogradImages& s, std::int64_t first, std::int64_t last, F fn) const {
    for (std::int64_t c = 0; c < s.in_channels; ++c) zeros[c] = 0.0F;
    const std::int64_t columns = s.tile_columns(), most = in_layout.tiles;
    for (std::int64_t begin = first * columns; begin < last * columns; begin += most)
      fn(begin, begin + most < last * columns ? begin + most : last * columns);
  }
};

std::int64_t scratch(const WinogradImages& s, const TileProducts* tiles) {
  const std::int64_t block = block_of(s, tiles);
  return Layout{block, s.in_channels}.size() + Layout{block, s.out_channels}.size() + s.in_channels +
         (tiles == nullptr ? 0 : tiles->scratch);
}

void multiply_block(const WinogradImages& s, const Blocks& blocks, std::int64_t tiles, const float* filter) {
  const std::int64_t in = s.in_channels, out = s.out_channels;
  const Layout& out_layout = blocks.out_layout;
  for (std::int64_t k = 0; k < products; ++k) {
    const float* values = blocks.in + k * blocks.in_layout.product();
    const float* factors = filter + k * in * out;
    float* sums = blocks.out + k * out_layout.product();
    std::int64_t o = 0;
    for (; o + 2 * lanes <= out; o += 2 * lanes)
      tile_products<2>(out_layout, tiles, in / lanes, values, factors + o * in, sums + o * out_layout.tiles);
    if (o < out) tile_products<1>(out_layout, tiles, in / lanes, values, factors + o * in, sums + o * out_layout.tiles);
  }
}

void convolve(const WinogradImages& s, std::int64_t first, std::int64_t last, const float* x, const float* filter,
              const TileProducts* tiles, const WinogradOutput& output, float* y, float* memory) {
  const Blocks blocks(s, tiles, memory);
  const Layout layout = blocks.in_layout, out_layout = blocks.out_layout;
  blocks.each(s, first, last, [&](std::int64_t begin, std::int64_t end) {
    transform_input(s, layout, begin, end, x, blocks.zeros, blocks.in);
    if (tiles == nullptr || !tiles->multiply(*tiles, end - begin, blocks.in, layout.product(), blocks.out,
                                             out_layout.product(), blocks.rest))
      multiply_block(s, blocks, end - begin, filter);
    const auto finish = [&]<bool relu>() {
      if (output.next != nullptr)
        transform_output<FinishedResults<relu>>(s, out_layout, begin, end, blocks.out, output, y);
      else
        transform_output<PlainResults<relu>>(s, out_layout, begin, end, blocks.out, output, y);
    };
    if (output.relu)
      finish.template operator()<true>();
    else
      finish.template operator()<false>();
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
  const Blocks blocks(s, nullptr, memory);
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

void transform_filter(std::int64_t in, std::int64_t out, bool turned, std::int64_t first, std::int64_t last,
                      const float* kernel, float* filter) {
  const std::int64_t rows = turned ? out : in, columns = turned ? in : out;
  for (std::int64_t o = first; o < last; o += lanes) {
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

const WinogradLoops winograd_loops{lanes,    block_of,        scratch,      transform_filter,
                                   convolve, filter_gradient, finish_filter};

}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
