#include "backend/cpu/amx/split_conv.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "backend/cpu/amx/conv_bands.hpp"
#include "backend/cpu/amx/split_product.hpp"
#include "backend/cpu/scratch.hpp"
#include "core/parallel.hpp"

namespace nyala::backend::amx {
namespace {

constexpr std::int64_t part_count = 3, part_element = 2;
constexpr std::int64_t band_bytes = 400'000;      // of pixels: a fifth of a core's second cache
constexpr std::int64_t worth_a_band = 2'000'000;  // multiplications: some 12 µs
constexpr std::int64_t most_steps = 512;

/// All images one above the other, each row followed by as many zeros as the kernel sees before or behind it.
struct Geometry {
  std::int64_t gap_rows, gap_columns, period, pitch, reach_rows, reach_columns;

  explicit Geometry(const ConvSizes& s)
      : reach_rows((s.kernel_rows - 1) * s.dilation_rows), reach_columns((s.kernel_columns - 1) * s.dilation_columns) {
    gap_rows = std::max(s.pad_rows, s.out_rows + reach_rows - s.rows - s.pad_rows);
    gap_columns = std::max(s.pad_columns, s.out_columns + reach_columns - s.columns - s.pad_columns);
    gap_rows = std::max<std::int64_t>(gap_rows, 0);
    gap_columns = std::max<std::int64_t>(gap_columns, 0);
    period = s.rows + gap_rows;
    pitch = s.columns + gap_columns;
  }
};

/// The steps of 32 numbers along the summed axis: a kernel's row as a whole where its pixels follow each other.
struct Runs {
  std::int64_t length, count, steps;

  explicit Runs(const ConvSizes& s) {
    const bool whole = s.dilation_columns == 1;
    length = (whole ? s.kernel_columns : 1) * s.channels;
    count = s.kernel_rows * (whole ? 1 : s.kernel_columns);
    steps = (length - 1) / block_side + 1;
  }
  std::int64_t all_steps() const { return count * steps; }
};

class Convolution {
 public:
  Convolution(const ConvSizes& sizes, const float* x, const float* bias, bool relu, float* y)
      : s_(sizes), at_(sizes), runs_(sizes), x_(x), bias_(bias), relu_(relu), y_(y) {
    const std::int64_t row_bytes = at_.pitch * s_.channels * part_count * part_element;
    const std::int64_t row_work = at_.pitch * s_.out_channels * s_.channels * s_.kernel_rows * s_.kernel_columns;
    const std::int64_t all = (s_.samples - 1) * at_.period + s_.out_rows;
    const std::int64_t fitting = std::max<std::int64_t>(band_bytes / row_bytes - at_.reach_rows, 1);
    const std::int64_t worth = std::max<std::int64_t>(worth_a_band / std::max<std::int64_t>(row_work, 1), 1);
    // Enough bands for all threads, but bands much higher than what they see twice.
    const std::int64_t even = std::max((all - 1) / 16 + 1, 4 * at_.reach_rows);
    step_ = std::min({fitting, std::max(worth, even), all});
    rows_ = all;
    for (std::int64_t run = 0; run < runs_.count; ++run) {
      const std::int64_t per_row = runs_.count / s_.kernel_rows, row = run / per_row, column = run % per_row;
      const std::int64_t start =
          (row * s_.dilation_rows * at_.pitch + column * s_.dilation_columns) * s_.channels * part_element;
      for (std::int64_t j = 0; j < runs_.steps; ++j)
        offsets_[static_cast<std::size_t>(run * runs_.steps + j)] = start + j * block_side * part_element;
    }
  }

  std::int64_t filter_bytes() const {
    return round_up(s_.out_channels, block_side) / block_side * runs_.all_steps() * block_bytes;
  }

  /// kernel (kernel_rows, kernel_columns, channels, out_channels) in parts.
  void pack_filter(const float* kernel, char* to) {
    filter_ = to;
    std::atomic<std::uint32_t> most = 0;
    const std::int64_t panels = round_up(s_.out_channels, block_side) / block_side, steps = runs_.all_steps();
    detail::parallel_for(0, panels * steps, 32, [&](std::int64_t first, std::int64_t last) {
      std::uint32_t top = 0;
      for (std::int64_t block = first; block < last; ++block) {
        const std::int64_t column = block / steps * block_side, step = block % steps;
        const std::int64_t row = step % runs_.steps * block_side;
        split_factors(kernel + (step / runs_.steps * runs_.length + row) * s_.out_channels + column, s_.out_channels,
                      runs_.length - row, s_.out_channels - column, to + block * block_bytes, top);
      }
      for (std::uint32_t seen = most.load(); seen < top && !most.compare_exchange_weak(seen, top);) {}
    });
    filter_top_ = most.load();
  }

  bool run(detail::FunctionRef<void(std::int64_t, std::int64_t)> finish) {
    std::atomic<bool> fit = true;
    detail::parallel_chunks(0, (rows_ - 1) / step_ + 1, 1, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        const std::int64_t begin = i * step_, end = std::min(begin + step_, rows_);
        if (!band(begin, end)) {
          fit.store(false, std::memory_order_relaxed);
          return;
        }
        const std::int64_t from = first_result(begin), to = first_result(end);
        finish(from, to - from);
      }
    });
    return fit.load();
  }

 private:
  /// The first element of y at or below a row of all images.
  std::int64_t first_result(std::int64_t row) const {
    const std::int64_t within = std::min(row % at_.period, s_.out_rows);
    return (row / at_.period * s_.out_rows + within) * s_.out_columns * s_.out_channels;
  }

  bool band(std::int64_t begin, std::int64_t end) const {
    const std::int64_t pixel = s_.channels * part_element, rows = end - begin + at_.reach_rows;
    const std::int64_t before = s_.pad_columns * pixel, row_bytes = at_.pitch * pixel;
    // Behind the last row: the results that fill its last block, the kernel's reach, and the last step's 32 numbers.
    const std::int64_t behind = (block_side + at_.reach_columns + 1) * pixel + block_side * part_element;
    const std::int64_t part = round_up(before + rows * row_bytes + behind, 64);
    const Scratch memory(static_cast<std::size_t>(part * part_count));
    char* const image = static_cast<char*>(memory.get());
    const auto clear = [&](std::int64_t from, std::int64_t bytes) {
      for (std::int64_t p = 0; p < part_count; ++p)
        std::memset(image + p * part + from, 0, static_cast<std::size_t>(bytes));
    };
    std::uint32_t top = 0;
    clear(0, before);
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::int64_t row = begin - s_.pad_rows + i, at = before + i * row_bytes;
      const std::int64_t sample = row / at_.period, within = row % at_.period;
      if (row < 0 || sample >= s_.samples || within >= s_.rows) {
        clear(at, row_bytes);
        continue;
      }
      split_row(x_ + (sample * s_.rows + within) * s_.columns * s_.channels, s_.columns * s_.channels, image + at, part,
                top);
      clear(at + s_.columns * pixel, at_.gap_columns * pixel);
    }
    clear(before + rows * row_bytes, part - before - rows * row_bytes);
    if (!fits(top, filter_top_, runs_.count * runs_.length)) return false;
    convolve_band({image, part, pixel, offsets_.data(), filter_, runs_.all_steps(), s_.out_channels, begin, end,
                   at_.pitch, at_.period, s_.out_rows, s_.out_columns, bias_, relu_, y_});
    return true;
  }

  const ConvSizes s_;
  const Geometry at_;
  const Runs runs_;
  const float *const x_, *const bias_;
  const bool relu_;
  float* const y_;
  std::int64_t rows_ = 0, step_ = 0;
  const char* filter_ = nullptr;
  std::uint32_t filter_top_ = 0;
  std::array<std::int64_t, most_steps> offsets_{};
};

/// to (rows, columns, out, in), of a kernel (rows, columns, in, out) turned by half a turn.
void turn_kernel(const ConvSizes& s, const float* kernel, float* to) {
  const std::int64_t taps = s.kernel_rows * s.kernel_columns, in = s.channels, out = s.out_channels;
  constexpr std::int64_t side = 16;
  detail::parallel_for(0, taps, 65'536 / (in * out) + 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t tap = first; tap < last; ++tap) {
      const float* from = kernel + (taps - 1 - tap) * in * out;
      float* const here = to + tap * in * out;
      for (std::int64_t o = 0; o < out; o += side)
        for (std::int64_t i = 0; i < in; ++i)
          for (std::int64_t j = o; j < std::min(o + side, out); ++j) here[i * out + j] = from[j * in + i];
    }
  });
}

}  // namespace

bool worth_tiles(const ConvSizes& s) {
  constexpr std::int64_t worth = 4'000'000, fewest_results = 1536;
  const Runs runs(s);
  const Geometry at(s);
  const std::int64_t work =
      s.samples * s.out_rows * s.out_columns * s.out_channels * s.channels * s.kernel_rows * s.kernel_columns;
  if (work < worth || runs.all_steps() > most_steps || !has_tiles()) return false;
  // Few results are not worth splitting the kernel, which is done anew for each call.
  if (s.samples * s.out_rows * s.out_columns < fewest_results) return false;
  // Little is summed to each result: reading and writing take longer than is won.
  if (runs.all_steps() < (s.kernel_rows * s.kernel_columns == 1 ? 8 : 3)) return false;
  if (s.pad_rows < 0 || s.pad_columns < 0 || s.pad_rows > at.reach_rows || s.pad_columns > at.reach_columns ||
      s.out_rows > at.period || s.out_columns > at.pitch)
    return false;
  // What of the tiles' work is not for zeros.
  const double depth = static_cast<double>(runs.length) / static_cast<double>(runs.steps * block_side);
  const double width = static_cast<double>(s.out_channels) / static_cast<double>(round_up(s.out_channels, block_side));
  const double results = static_cast<double>(s.out_rows * s.out_columns) / static_cast<double>(at.period * at.pitch);
  return depth * width * results > 0.55;
}

bool convolve(const ConvSizes& s, const float* x, const float* kernel, bool turned, const float* bias, bool relu,
              float* y, detail::FunctionRef<void(std::int64_t, std::int64_t)> finish) {
  Convolution convolution(s, x, bias, relu, y);
  const std::int64_t count = s.kernel_rows * s.kernel_columns * s.channels * s.out_channels;
  const Scratch other(turned ? float_bytes(count) : 0), filter(static_cast<std::size_t>(convolution.filter_bytes()));
  if (turned) turn_kernel(s, kernel, static_cast<float*>(other.get()));
  convolution.pack_filter(turned ? static_cast<const float*>(other.get()) : kernel, static_cast<char*>(filter.get()));
  return convolution.run(finish);
}

}  // namespace nyala::backend::amx
