#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "backend/cpu/amx/tile_filter.hpp"
#include "backend/cpu/scratch.hpp"
#include "backend/cpu/simd/channel_finish.hpp"
#include "backend/cpu/simd/nn_loops.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"
#include "backend/cpu/simd/winograd.hpp"
#include "core/weight_forms.hpp"

namespace nyala::backend {
namespace {

using simd::WinogradImages;

constexpr std::int64_t worth_a_piece = 1'000'000;  // multiplications of the definition: some 10 µs
constexpr std::int64_t fewest_channels = 16, fewest_tiles = 36, most_factors = 256 * 256;
constexpr std::int64_t worth_transforming = 512;  // factors of the kernel: some 20 µs
// Fewer are not worth splitting the kernel for the tile unit, or reading what was split.
constexpr std::int64_t fewest_split_tiles = 128, fewest_kept_tiles = 16;

WinogradImages images_of(const Tensor& x, const Tensor& y, const Window& window) {
  return {x.shape()[1], x.shape()[2], x.shape()[3],         y.shape()[1],
          y.shape()[2], y.shape()[3], window.pad_before[0], window.pad_before[1]};
}

/// The convolution of y's gradient that gives x's: the kernel turned by half a turn, padded to what is left.
WinogradImages turned(const WinogradImages& s) {
  return {s.out_rows,   s.out_columns, s.out_channels, s.in_rows,
          s.in_columns, s.in_channels, 2 - s.pad_rows, 2 - s.pad_columns};
}

/// The rows of tiles of all samples in pieces for the pool, a function of the shapes.
struct Pieces {
  std::int64_t rows, step, count;

  /// block: tiles that are transformed together; `fills`: a part of one takes as long as all of it.
  Pieces(const WinogradImages& s, std::int64_t samples, std::int64_t most, std::int64_t block, bool fills)
      : rows(samples * s.tile_rows()) {
    const std::int64_t work = samples * s.out_rows * s.out_columns * s.out_channels * 9 * s.in_channels;
    step = (rows - 1) / std::clamp<std::int64_t>(std::min(work / worth_a_piece, rows), 1, most) + 1;
    const std::int64_t whole = block / std::gcd(block, s.tile_columns());  // rows that end where a block does
    if (fills) step = std::max(step, std::min(whole, (rows + 1) / 2));
    if (whole <= step) step = (step + whole - 1) / whole * whole;
    count = (rows - 1) / step + 1;
  }

  /// Calls fn(piece, first row, last row).
  template <class F>
  void run(F&& fn) const {
    detail::parallel_chunks(0, count, 1, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) fn(i, i * step, std::min((i + 1) * step, rows));
    });
  }
};

/// The first element of y in a row of tiles.
std::int64_t start_of(const WinogradImages& s, std::int64_t row) {
  return (row / s.tile_rows() * s.out_rows + row % s.tile_rows() * 2) * s.out_columns * s.out_channels;
}

/// Winograd's transform of a kernel as the loops read it.
class PlainFilter {
 public:
  PlainFilter(const simd::WinogradLoops& loops, const Tensor& kernel, bool turned)
      : bytes_(float_bytes(16 * kernel.shape()[2] * kernel.shape()[3])), factors_(bytes_) {
    const std::int64_t in = kernel.shape()[2], out = kernel.shape()[3], step = loops.channels_step;
    detail::parallel_for(0, (turned ? in : out) / step, worth_transforming / ((turned ? out : in) * step) + 1,
                         [&](std::int64_t first, std::int64_t last) {
                           loops.transform_filter(in, out, turned, first * step, last * step, floats(kernel),
                                                  static_cast<float*>(factors_.get()));
                         });
  }
  const float* get() const { return static_cast<const float*>(factors_.get()); }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_;
  Scratch factors_;
};

/// A kernel's transform, and what the tile unit makes of it where that is worth it.
class Filter {
 public:
  Filter(const simd::WinogradLoops& loops, const WinogradImages& s, const Tensor& kernel, bool turned,
         std::int64_t samples, bool tiles) {
    static constexpr char as_tiles = 0;  // its address
    const bool kept = detail::kept_forms(kernel) != nullptr;
    const std::int64_t in = kernel.shape()[2], out = kernel.shape()[3];
    const std::int64_t number = (in << 32 | out) * 2 + (turned ? 1 : 0);
    plain_ = detail::form_of<PlainFilter>(kernel, {&loops, number},
                                          [&] { return detail::make_pooled<PlainFilter>(loops, kernel, turned); });
    if (tiles && amx::TileFilter::suits(s.in_channels, s.out_channels) &&
        samples * s.tile_rows() * s.tile_columns() >= (kept ? fewest_kept_tiles : fewest_split_tiles))
      tiles_ = detail::form_of<amx::TileFilter>(kernel, {&as_tiles, number}, [&] {
        return detail::make_pooled<amx::TileFilter>(s.in_channels, s.out_channels, plain());
      });
  }
  const float* plain() const { return plain_->get(); }
  const simd::TileProducts* tiles() const { return tiles_ ? &tiles_->products() : nullptr; }

 private:
  std::shared_ptr<const PlainFilter> plain_;
  std::shared_ptr<const amx::TileFilter> tiles_;
};

}  // namespace

bool SimdKernels::suits_winograd(const Tensor& x, const Tensor& kernel, const Tensor& y, const Window& window) const {
  if (!all_float32(x, kernel, y) || x.rank() != 4 || y.size() == 0 || x.size() == 0) return false;
  for (const std::size_t axis : {std::size_t{0}, std::size_t{1}}) {
    if (kernel.shape()[axis] != 3 || window.strides[axis] != 1 || window.dilation[axis] != 1) return false;
    if (window.pad_before[axis] > 2) return false;
  }
  const WinogradImages s = images_of(x, y, window);
  const std::int64_t step = simd::winograd_loops(table()).channels_step;
  const std::int64_t tiles = s.tile_rows() * s.tile_columns(), factors = s.in_channels * s.out_channels;
  const std::int64_t fewest = detail::kept_forms(kernel) != nullptr
                                  ? std::max<std::int64_t>(fewest_kept_tiles, factors / 1024)
                                  : std::max(fewest_tiles, factors / 64);
  return kernel.shape()[2] == s.in_channels && s.in_channels % step == 0 && s.out_channels % step == 0 &&
         s.in_channels >= fewest_channels && s.out_channels >= fewest_channels && factors <= most_factors &&
         // Tiles that reach beyond the images are lost work, and few tiles are not worth transforming the kernel.
         40 * tiles <= 15 * s.out_rows * s.out_columns && x.shape()[0] * tiles >= fewest;
}

void SimdKernels::conv(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                       FusedActivation activation, Tensor& before, Tensor& out) {
  convolve(x, kernel, bias, window, activation, before, out, nullptr);
}

void SimdKernels::conv_finished(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                                FusedActivation activation, const Finish& next, Tensor& out) {
  if (!all_float32(out) || !ChannelFinish::suits(next))
    return ReferenceKernels::conv_finished(x, kernel, bias, window, activation, next, out);
  Tensor before;
  const bool plain = !next.mean.defined() && !next.residual.defined();
  if (plain && next.activation == Unary::relu && activation == FusedActivation::none)
    return convolve(x, kernel, bias, window, FusedActivation::relu, before, out, nullptr);
  const ChannelFinish apply(table_, next, out.shape().back());
  convolve(x, kernel, bias, window, activation, before, out, &apply);
}

void SimdKernels::convolve(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                           FusedActivation activation, Tensor& before, Tensor& out, const ChannelFinish* next) {
  // Winograd's algorithm is quicker than the tile unit where it serves.
  const bool winograd = suits_winograd(x, kernel, out, window) && all_float32(bias);
  if (!winograd) {
    if (!conv_on_tiles(x, kernel, bias, window, activation, before, out, next) &&
        !conv_of_few_channels(x, kernel, bias, window, activation, before, out, next))
      convolve_elsewhere(x, kernel, bias, window, activation, before, out, next);
    return;
  }
  const simd::WinogradLoops& loops = simd::winograd_loops(table());
  const WinogradImages s = images_of(x, out, window);
  const Filter filter(loops, s, kernel, false, x.shape()[0], tiles_);
  const bool relu = activation == FusedActivation::relu && !before.defined();
  const bool more = !relu && (activation != FusedActivation::none || before.defined());
  float* sums = floats(before.defined() ? before : out);
  const simd::WinogradOutput output{floats(bias), relu, next == nullptr || more ? nullptr : &next->steps()};
  Pieces(s, x.shape()[0], 16, loops.block(s, filter.tiles()), filter.tiles() != nullptr)
      .run([&](std::int64_t, std::int64_t first, std::int64_t last) {
        const Scratch scratch(float_bytes(loops.scratch(s, filter.tiles())));
        loops.convolve(s, first, last, floats(x), filter.plain(), filter.tiles(), output, sums,
                       static_cast<float*>(scratch.get()));
        if (!more) return;
        const std::int64_t begin = start_of(s, first), count = start_of(s, last) - begin;
        simd::nn_loops(table().name)
            ->finish({1, count, count, count, activation}, sums + begin, nullptr, nullptr, floats(out) + begin);
        if (next != nullptr) (*next)(floats(out), begin, count);
      });
}

void SimdKernels::convolve_elsewhere(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                                     FusedActivation activation, Tensor& before, Tensor& out,
                                     const ChannelFinish* next) {
  ReferenceKernels::conv(x, kernel, bias, window, activation, before, out);
  if (next != nullptr) (*next)(floats(out), 0, out.size());
}

void SimdKernels::conv_backward_data(const Tensor& gradient, const Tensor& kernel, const Window& window, Tensor& dx) {
  if (!suits_winograd(dx, kernel, gradient, window)) {
    if (!conv_backward_data_on_tiles(gradient, kernel, window, dx))
      conv_backward_data_elsewhere(gradient, kernel, window, dx);
    return;
  }
  const simd::WinogradLoops& loops = simd::winograd_loops(table());
  const WinogradImages s = turned(images_of(dx, gradient, window));
  const Filter filter(loops, s, kernel, true, dx.shape()[0], tiles_);
  Pieces(s, dx.shape()[0], 16, loops.block(s, filter.tiles()), filter.tiles() != nullptr)
      .run([&](std::int64_t, std::int64_t first, std::int64_t last) {
        const Scratch scratch(float_bytes(loops.scratch(s, filter.tiles())));
        loops.convolve(s, first, last, floats(gradient), filter.plain(), filter.tiles(), {}, floats(dx),
                       static_cast<float*>(scratch.get()));
      });
}

void SimdKernels::conv_backward_data_elsewhere(const Tensor& gradient, const Tensor& kernel, const Window& window,
                                               Tensor& dx) {
  ReferenceKernels::conv_backward_data(gradient, kernel, window, dx);
}

void SimdKernels::conv_backward_filter(const Tensor& x, const Tensor& gradient, const Window& window, Tensor& dkernel) {
  if (!suits_winograd(x, dkernel, gradient, window))
    return conv_backward_filter_elsewhere(x, gradient, window, dkernel);
  const simd::WinogradLoops& loops = simd::winograd_loops(table());
  const WinogradImages s = images_of(x, gradient, window);
  const std::int64_t size = 16 * s.in_channels * s.out_channels;
  // Each piece has sums of its own, added in order: few pieces where the kernel is large beside the data.
  const Pieces pieces(s, x.shape()[0], std::clamp<std::int64_t>((x.size() + gradient.size()) / size, 2, 8),
                      loops.block(s, nullptr), false);
  const Scratch memory(float_bytes(size * pieces.count));
  float* sums = static_cast<float*>(memory.get());
  pieces.run([&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    const Scratch scratch(float_bytes(loops.scratch(s, nullptr)));
    std::fill_n(sums + piece * size, size, 0.0F);
    loops.filter_gradient(s, first, last, floats(x), floats(gradient), sums + piece * size,
                          static_cast<float*>(scratch.get()));
  });
  if (pieces.count > 1)
    detail::parallel_for(0, size, dear_grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = 1; i < pieces.count; ++i)
        simd::nn_loops(table().name)->accumulate(end - begin, sums + i * size + begin, sums + begin);
    });
  loops.finish_filter(s.in_channels, s.out_channels, sums, floats(dkernel));
}

void SimdKernels::conv_backward_filter_elsewhere(const Tensor& x, const Tensor& gradient, const Window& window,
                                                 Tensor& dkernel) {
  ReferenceKernels::conv_backward_filter(x, gradient, window, dkernel);
}

}  // namespace nyala::backend
