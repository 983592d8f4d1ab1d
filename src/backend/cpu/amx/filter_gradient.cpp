#include "backend/cpu/amx/filter_gradient.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/cpu/amx/split_blocks.hpp"
#include "backend/cpu/amx/split_product.hpp"
#include "backend/cpu/amx/tap_sums.hpp"
#include "backend/cpu/scratch.hpp"
#include "core/half.hpp"
#include "core/parallel.hpp"
#include "core/pool_allocator.hpp"

namespace nyala::backend::amx {
namespace {

constexpr std::int64_t worth_a_part = 8'000'000;                                     // multiplications: some 10 µs
constexpr std::int64_t most_parts = 8, most_sums = 1'200'000, chunk_size = 400'000;  // bytes
constexpr std::int64_t few_planes = 8;  // channels, fewer than a tile's: taps share tiles

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

/// One axis: which cell of the input a tap meets beside cell i of the result: (i + shift) · stride + phase.
struct TapAxis {
  struct Place {
    std::int64_t shift, phase;
  };
  std::int64_t in, out, stride, lowest = 0, highest = 0, period = 0;
  std::vector<Place> taps;

  TapAxis(std::int64_t input, std::int64_t output, std::int64_t taps_count, std::int64_t pad, std::int64_t dilation,
          std::int64_t step)
      : in(input), out(output), stride(step) {
    for (std::int64_t k = 0; k < taps_count; ++k) {
      const std::int64_t offset = k * dilation - pad, shift = floor_divide(offset, stride);
      taps.push_back({shift, offset - shift * stride});
      lowest = std::min(lowest, shift), highest = std::max(highest, shift);
    }
    // Neighbours share the zeros between them: what lies before one's first cell lies behind the last of the one
    // before.
    period = std::max((in + stride - 1) / stride - lowest, out + highest);
  }
};

/// All images behind one another, row by row, with zeros in between, so that a tap is a constant shift.
class FilterGradient {
 public:
  FilterGradient(const FilterSizes& sizes, const std::uint16_t* x, const std::uint16_t* gradient)
      : s_(sizes),
        x_(x),
        gradient_(gradient),
        rows_(s_.rows, s_.out_rows, s_.kernel_rows, s_.pad_rows, s_.dilation_rows, s_.stride_rows),
        columns_(s_.columns, s_.out_columns, s_.kernel_columns, s_.pad_columns, s_.dilation_columns, s_.stride_columns),
        few_(s_.channels < few_planes),
        width_(round_up(s_.channels, few_ ? 1 : channel_step)),
        filters_(round_up(s_.filters, channel_step)) {
    for (const TapAxis::Place& row : rows_.taps)
      for (const TapAxis::Place& column : columns_.taps)
        taps_.push_back({phase(row.phase, column.phase), row.shift * columns_.period + column.shift});
    const std::int64_t lines = static_cast<std::int64_t>(taps_.size()) * width_;
    lines_ = round_up(lines, channel_step);
    lead_ = -(rows_.lowest * columns_.period + columns_.lowest);
    tail_ = rows_.highest * columns_.period + columns_.highest;
  }

  std::int64_t sums() const { return lines_ * filters_; }

  void run(void* dkernel, bool wide) const {
    const std::int64_t all = s_.samples * rows_.period;  // rows
    const std::int64_t work = all * columns_.period * sums();
    const std::int64_t wanted =
        std::clamp<std::int64_t>(work / worth_a_part, 1, sums() > most_sums / 4 ? 2 : most_parts);
    const std::int64_t each = (all - 1) / wanted + 1, count = (all - 1) / each + 1;
    const Scratch memory(float_bytes(count * sums()));
    float* const totals = static_cast<float*>(memory.get());
    detail::parallel_chunks(0, count, 1, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        float* const own = totals + i * sums();
        std::fill_n(own, sums(), 0.0F);
        add_rows(i * each, std::min((i + 1) * each, all), own);
      }
    });
    detail::parallel_for(0, s_.kernel_rows * s_.kernel_columns * s_.channels, 4096 / s_.filters + 1,
                         [&](std::int64_t first, std::int64_t last) {
                           for (std::int64_t line = first; line < last; ++line)
                             finish(line, totals, count, dkernel, wide);
                         });
  }

 private:
  struct Tap {
    std::int64_t phase, shift;
  };

  std::int64_t phase(std::int64_t row, std::int64_t column) {
    const Tap wanted{row, column};
    for (std::size_t i = 0; i < phases_.size(); ++i)
      if (phases_[i].phase == row && phases_[i].shift == column) return static_cast<std::int64_t>(i);
    phases_.push_back(wanted);
    return static_cast<std::int64_t>(phases_.size()) - 1;
  }

  /// Pixels [first, first + count) of all images: of the gradient (no stride), or of x's cells of a phase.
  struct Pixels {
    const std::uint16_t* from;
    std::int64_t rows, columns, channels, stride_rows, stride_columns, row_phase, column_phase;
  };
  Pixels of_gradient() const { return {gradient_, s_.out_rows, s_.out_columns, s_.filters, 1, 1, 0, 0}; }
  Pixels of_x(const Tap& phase) const {
    return {x_, s_.rows, s_.columns, s_.channels, s_.stride_rows, s_.stride_columns, phase.phase, phase.shift};
  }

  /// Copies pixels, `width` elements each; zeros where there is none.
  void gather(const Pixels& p, std::int64_t first, std::int64_t count, std::int64_t width, std::uint16_t* to) const {
    std::memset(to, 0, static_cast<std::size_t>(count * width) * sizeof *to);
    const std::int64_t period = columns_.period,
                       there = (p.columns - p.column_phase + p.stride_columns - 1) / p.stride_columns;
    for (std::int64_t row = floor_divide(first, period); row * period < first + count; ++row) {
      const std::int64_t sample = floor_divide(row, rows_.period);
      const std::int64_t y = (row - sample * rows_.period) * p.stride_rows + p.row_phase;
      if (sample < 0 || sample >= s_.samples || y >= p.rows) continue;
      const std::int64_t begin = std::max(first - row * period, std::int64_t{0});
      const std::int64_t end = std::min(first + count - row * period, there);
      if (begin >= end) continue;
      const std::int64_t step = p.stride_columns * p.channels;
      const std::uint16_t* from =
          p.from + ((sample * p.rows + y) * p.columns + p.column_phase) * p.channels + begin * step;
      std::uint16_t* at = to + (row * period + begin - first) * width;
      if (step == width) {
        std::memcpy(at, from, static_cast<std::size_t>((end - begin) * width) * sizeof *at);
        continue;
      }
      for (std::int64_t i = begin; i < end; ++i, from += step, at += width)
        std::memcpy(at, from, static_cast<std::size_t>(p.channels) * sizeof *at);
    }
  }

  /// Sums over the rows [first, last) of all images.
  void add_rows(std::int64_t first, std::int64_t last, float* own) const {
    const std::int64_t period = columns_.period;
    const auto taps = static_cast<std::int64_t>(taps_.size()), phases = static_cast<std::int64_t>(phases_.size());
    const std::int64_t pixel_bytes = 2 * (phases * width_ + filters_ + (few_ ? lines_ : 0));
    const std::int64_t step = std::clamp<std::int64_t>(chunk_size / (pixel_bytes * period), 1, last - first);
    const std::int64_t most = round_up(step * period, pixel_step), reach = round_up(lead_ + most + tail_, pixel_step);
    const auto odd = [](std::int64_t bytes) { return (round_up(bytes, 64) / 64 | 1) * 64; };
    const std::int64_t pitch = odd(2 * reach), panel_pitch = odd(2 * most);
    const std::int64_t staged = round_up(2 * std::max(reach * std::max(width_, channel_step), most * filters_), 64);
    const std::int64_t planes = phases * round_up(width_, channel_step) * pitch;
    const Scratch memory(
        static_cast<std::size_t>(staged + planes + 2 * most * filters_ + (few_ ? lines_ * panel_pitch : 0)));
    char* const start = static_cast<char*>(memory.get());
    auto* const stage = reinterpret_cast<std::uint16_t*>(start);
    char *const plane = start + staged, *const pairs = plane + planes, *const panel = pairs + 2 * most * filters_;
    std::vector<const char*, detail::PoolAllocator<const char*>> lines(static_cast<std::size_t>(lines_ / channel_step));

    open_tiles();
    for (std::int64_t row = first; row < last; row += step) {
      const std::int64_t begin = row * period, count = (std::min(row + step, last) - row) * period;
      const std::int64_t steps = round_up(count, pixel_step) / pixel_step, tile_bytes = steps * pair_tile_bytes;
      const std::int64_t length = steps * pixel_step;
      gather(of_gradient(), begin, count, filters_, stage);
      std::memset(stage + count * filters_, 0, static_cast<std::size_t>((length - count) * filters_) * sizeof *stage);
      for (std::int64_t f = 0; f < filters_; f += channel_step)
        pair_pixels(stage + f, filters_, steps, pairs + f / channel_step * tile_bytes);
      const std::int64_t wide = round_up(lead_ + length + tail_, pixel_step);
      for (std::int64_t i = 0; i < phases; ++i) {
        gather(of_x(phases_[static_cast<std::size_t>(i)]), begin - lead_, wide, width_, stage);
        char* const to = plane + i * round_up(width_, channel_step) * pitch;
        for (std::int64_t c = 0; c < width_ && !few_; c += channel_step)
          turn_pixels(stage + c, width_, wide / pixel_step, to + c * pitch, pitch);
        for (std::int64_t c = 0; c < width_ && few_; ++c)
          for (std::int64_t j = 0; j < wide; ++j)
            reinterpret_cast<std::uint16_t*>(to + c * pitch)[j] = stage[j * width_ + c];
      }
      for (std::int64_t i = 0; i < taps; ++i) {
        const Tap& tap = taps_[static_cast<std::size_t>(i)];
        const char* const from = plane + tap.phase * round_up(width_, channel_step) * pitch + (lead_ + tap.shift) * 2;
        for (std::int64_t c = 0; c < width_ && few_; ++c)
          std::memcpy(panel + (i * width_ + c) * panel_pitch, from + c * pitch, static_cast<std::size_t>(2 * length));
        for (std::int64_t c = 0; c < width_ && !few_; c += channel_step)
          lines[static_cast<std::size_t>((i * width_ + c) / channel_step)] = from + c * pitch;
      }
      if (few_) {
        std::memset(panel + taps * width_ * panel_pitch, 0,
                    static_cast<std::size_t>((lines_ - taps * width_) * panel_pitch));
        for (std::size_t i = 0; i < lines.size(); ++i)
          lines[i] = panel + static_cast<std::int64_t>(i) * channel_step * panel_pitch;
      }
      add_tap_sums({lines.data(), lines_ / channel_step, few_ ? panel_pitch : pitch, pairs, filters_ / channel_step,
                    tile_bytes, steps, own});
    }
    close_tiles();
  }

  /// Line `line` of the result: the parts' sums in their order.
  void finish(std::int64_t line, const float* totals, std::int64_t count, void* dkernel, bool wide) const {
    const std::int64_t at = line / s_.channels * width_ + line % s_.channels;
    constexpr std::int64_t block = 256;
    for (std::int64_t f = 0; f < s_.filters; f += block) {
      const std::int64_t n = std::min(block, s_.filters - f);
      float sums[block];
      std::copy_n(totals + at * filters_ + f, n, sums);
      for (std::int64_t i = 1; i < count; ++i)
        for (std::int64_t j = 0; j < n; ++j) sums[j] += totals[i * this->sums() + at * filters_ + f + j];
      if (wide)
        std::copy_n(sums, n, static_cast<float*>(dkernel) + line * s_.filters + f);
      else
        detail::convert(sums, static_cast<bfloat16*>(dkernel) + line * s_.filters + f, static_cast<std::size_t>(n));
    }
  }

  const FilterSizes s_;
  const std::uint16_t *const x_, *const gradient_;
  const TapAxis rows_, columns_;
  const bool few_;                      // channels lie in planes whose taps fill tiles together
  const std::int64_t width_, filters_;  // channels and filters as tiles have them
  std::vector<Tap> taps_, phases_;      // phases_: of rows and of columns
  std::int64_t lines_ = 0, lead_ = 0, tail_ = 0;
};

}  // namespace

bool filter_gradient(const FilterSizes& s, const std::uint16_t* x, const std::uint16_t* gradient, void* dkernel,
                     bool wide) {
  constexpr std::int64_t worth = 1'000'000;
  const std::int64_t work =
      s.samples * s.out_rows * s.out_columns * s.kernel_rows * s.kernel_columns * s.channels * s.filters;
  if (work < worth || !has_tiles()) return false;
  const FilterGradient sums(s, x, gradient);
  if (sums.sums() > most_sums) return false;
  sums.run(dkernel, wide);
  return true;
}

}  // namespace nyala::backend::amx
