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
    const std::int64_t all = s_.samples * rows_.period * columns_.period;  // pixels
    const std::int64_t work = all * sums();
    const std::int64_t wanted =
        std::clamp<std::int64_t>(work / worth_a_part, 1, sums() > most_sums / 4 ? 2 : most_parts);
    const std::int64_t each = round_up((all - 1) / wanted + 1, pixel_step), count = (all - 1) / each + 1;
    const Scratch memory(float_bytes(count * sums()));
    float* const totals = static_cast<float*>(memory.get());
    detail::parallel_chunks(0, count, 1, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        float* const own = totals + i * sums();
        std::fill_n(own, sums(), 0.0F);
        add_pixels(i * each, std::min((i + 1) * each, all), own);
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
    const std::int64_t period = columns_.period, step = p.stride_columns * p.channels;
    const std::int64_t there = (p.columns - p.column_phase + p.stride_columns - 1) / p.stride_columns;
    std::uint16_t* filled = to;
    for (std::int64_t row = floor_divide(first, period); row * period < first + count; ++row) {
      const std::int64_t sample = floor_divide(row, rows_.period);
      const std::int64_t y = (row - sample * rows_.period) * p.stride_rows + p.row_phase;
      const std::int64_t begin = std::max(first - row * period, std::int64_t{0});
      const std::int64_t end = std::min(first + count - row * period, there);
      if (sample < 0 || sample >= s_.samples || y >= p.rows || begin >= end) continue;
      const std::uint16_t* from =
          p.from + ((sample * p.rows + y) * p.columns + p.column_phase) * p.channels + begin * step;
      std::uint16_t* at = to + (row * period + begin - first) * width;
      std::fill(filled, at, std::uint16_t{0});
      filled = at + (end - begin) * width;
      if (step == width) {
        std::memcpy(at, from, static_cast<std::size_t>((end - begin) * width) * sizeof *at);
        continue;
      }
      for (; at < filled; from += step, at += width)
        std::fill(std::copy_n(from, p.channels, at), at + width, std::uint16_t{0});
    }
    std::fill(filled, to + count * width, std::uint16_t{0});
  }

  /// What a run of pixels is packed into.
  struct Room {
    std::uint16_t* stage;  // pixels with zeros in between
    char *planes, *panel;  // channels of each phase; of few channels, copies for each tap
    char* pairs;           // the gradient
    std::int64_t pitch, panel_pitch, step;
  };
  std::int64_t tile_width() const { return round_up(width_, channel_step); }

  /// Sums over the pixels [first, last) of all images.
  void add_pixels(std::int64_t first, std::int64_t last, float* own) const {
    const auto phases = static_cast<std::int64_t>(phases_.size());
    const std::int64_t pixel_bytes = 2 * (phases * width_ + filters_ + (few_ ? lines_ : 0));
    // As much as a core's second cache has room for, but not little beside what a tap reaches beyond.
    const std::int64_t wanted = std::max(chunk_size / pixel_bytes, 4 * (lead_ + tail_));
    const std::int64_t step = round_up(std::min(wanted, last - first), pixel_step);
    const std::int64_t reach = round_up(lead_ + step + tail_, pixel_step);
    // Lines an odd number of cache lines apart spread over all of a cache.
    const auto odd = [](std::int64_t bytes) { return (round_up(bytes, 64) / 64 | 1) * 64; };
    Room room{nullptr, nullptr, nullptr, nullptr, odd(2 * reach), few_ ? odd(2 * step) : 0, step};
    const std::int64_t staged = round_up(2 * std::max(reach * tile_width(), step * filters_), 64);
    const std::int64_t planes = phases * tile_width() * room.pitch, panel = lines_ * room.panel_pitch;
    const Scratch memory(static_cast<std::size_t>(staged + planes + panel + 2 * step * filters_));
    room.planes = static_cast<char*>(memory.get()) + staged;
    room.panel = room.planes + planes;
    room.pairs = room.panel + panel;
    room.stage = static_cast<std::uint16_t*>(memory.get());
    std::vector<const char*, detail::PoolAllocator<const char*>> lines(static_cast<std::size_t>(lines_ / channel_step));

    open_tiles();
    for (std::int64_t begin = first; begin < last; begin += step) {
      const std::int64_t count = std::min(begin + step, last) - begin;
      const std::int64_t steps = round_up(count, pixel_step) / pixel_step, tile_bytes = steps * pair_tile_bytes;
      pack_gradient(begin, count, steps, room);
      pack_planes(begin - lead_, round_up(lead_ + steps * pixel_step + tail_, pixel_step), room);
      place_taps(steps * pixel_step, room, lines.data());
      add_tap_sums({lines.data(), lines_ / channel_step, few_ ? room.panel_pitch : room.pitch, room.pairs,
                    filters_ / channel_step, tile_bytes, steps, own});
    }
    close_tiles();
  }

  void pack_gradient(std::int64_t begin, std::int64_t count, std::int64_t steps, const Room& room) const {
    gather(of_gradient(), begin, count, filters_, room.stage);
    std::fill_n(room.stage + count * filters_, (steps * pixel_step - count) * filters_, std::uint16_t{0});
    for (std::int64_t f = 0; f < filters_; f += channel_step)
      pair_pixels(room.stage + f, filters_, steps, room.pairs + f / channel_step * steps * pair_tile_bytes);
  }

  void pack_planes(std::int64_t begin, std::int64_t count, const Room& room) const {
    char* to = room.planes;
    for (const Tap& phase : phases_) {
      gather(of_x(phase), begin, count, width_, room.stage);
      for (std::int64_t c = 0; c < width_ && !few_; c += channel_step)
        turn_pixels(room.stage + c, width_, count / pixel_step, to + c * room.pitch, room.pitch);
      for (std::int64_t c = 0; c < width_ && few_; ++c) {
        auto* const line = reinterpret_cast<std::uint16_t*>(to + c * room.pitch);
        for (std::int64_t i = 0; i < count; ++i) line[i] = room.stage[i * width_ + c];
      }
      to += tile_width() * room.pitch;
    }
  }

  /// Finds the lines of each tap: in the planes, or, of few channels, in copies of them, so that taps share tiles.
  void place_taps(std::int64_t length, const Room& room, const char** lines) const {
    std::int64_t line = 0;
    for (const Tap& tap : taps_) {
      const char* const from = room.planes + tap.phase * tile_width() * room.pitch + (lead_ + tap.shift) * 2;
      for (std::int64_t c = 0; c < width_; c += few_ ? 1 : channel_step) {
        if (few_)
          std::memcpy(room.panel + line++ * room.panel_pitch, from + c * room.pitch,
                      static_cast<std::size_t>(2 * length));
        else
          *lines++ = from + c * room.pitch;
      }
    }
    if (!few_) return;
    std::memset(room.panel + line * room.panel_pitch, 0, static_cast<std::size_t>((lines_ - line) * room.panel_pitch));
    for (std::int64_t i = 0; i < lines_; i += channel_step) *lines++ = room.panel + i * room.panel_pitch;
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
