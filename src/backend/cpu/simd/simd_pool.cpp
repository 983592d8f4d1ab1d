#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "backend/common/window_cells.hpp"
#include "backend/cpu/scratch.hpp"
#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"
#include "core/pool_allocator.hpp"

namespace nyala::backend {
namespace {

template <class T>
using PoolVector = std::vector<T, detail::PoolAllocator<T>>;

/// The cells of windows that follow each other: where they are, or, as float32 of halves, widened with all that lies
/// between the first and the last of them, or one behind the other where that is too much.
class WindowReader {
 public:
  WindowReader(const Tensor& x, const WindowGeometry& g, bool widens) : window(g), x_(x), g_(g), widens_(widens) {}

  /// To the window at a position and at most `most` - 1 more.
  void move_to(std::int64_t sample, std::int64_t position, std::int64_t most) {
    window.move_to(position);
    windows = std::min(window.alike(), most);
    first = window.first();
    at = sample * g_.in_positions() + first;
    from = x_.dtype() == DType::float32 ? floats(x_) + at * g_.in_channels : nullptr;
    cells = window.cells().data();
    if (widens_ && count() > 0) widen();
  }
  std::int64_t count() const { return static_cast<std::int64_t>(window.cells().size()); }
  PoolRun run() const { return {cells, count(), windows, window.step(), g_.in_channels, first}; }

  WindowCells window;
  std::int64_t windows = 0;  ///< that the loops take at once
  std::int64_t at = 0;       ///< where the first cell is among those of x
  const float* from = nullptr;
  /// Where they are, in cells from there; and where `from` is in the sample.
  const std::int32_t* cells = nullptr;
  std::int32_t first = 0;
  bool gathered = false;  ///< cells are numbered in the window's order, not by where they are

 private:
  void widen() {
    constexpr std::int64_t most_numbers = 32'768;  // some part of a core's second cache
    const std::span<const std::int32_t> places = window.cells();
    const auto [low, high] = std::minmax_element(places.begin(), places.end());
    const std::int64_t channels = g_.in_channels, span = *high - *low + 1;
    const std::int64_t fit = most_numbers / channels - span;
    windows = std::clamp<std::int64_t>(window.step() > 0 ? fit / window.step() + 1 : 1, 1, windows);
    gathered = fit < 0;
    numbers_.resize(places.size());
    if (gathered) {
      values_.resize(places.size() * static_cast<std::size_t>(channels));
      for (std::size_t i = 0; i < places.size(); ++i) {
        numbers_[i] = static_cast<std::int32_t>(i);
        widened(x_, (at + places[i]) * channels, channels, values_.data() + i * static_cast<std::size_t>(channels));
      }
      first = 0;
    } else {
      const std::int64_t numbers = (span + (windows - 1) * window.step()) * channels;
      if (values_.size() < static_cast<std::size_t>(numbers)) values_.resize(static_cast<std::size_t>(numbers));
      widened(x_, (at + *low) * channels, numbers, values_.data());
      for (std::size_t i = 0; i < places.size(); ++i) numbers_[i] = places[i] - *low;
      first += *low;
    }
    from = values_.data();
    cells = numbers_.data();
  }

  const Tensor& x_;
  const WindowGeometry& g_;
  bool widens_;
  PoolVector<float> values_;
  PoolVector<std::int32_t> numbers_;
};

/// fn(windows of x, first element of their outputs, float32 place for them), on all threads. Halves are widened and
/// narrowed but `as_they_are`, when the place is null.
template <class F>
void for_outputs(const Tensor& x, const WindowGeometry& g, Tensor& out, bool as_they_are, F&& fn) {
  const std::int64_t positions = g.out_positions(), channels = g.in_channels;
  const bool single = out.dtype() == DType::float32, half = !single && !as_they_are;
  detail::parallel_for(0, g.batch * positions, rows_grain(channels * g.taps()),
                       [&](std::int64_t begin, std::int64_t end) {
                         WindowReader reader(x, g, half);
                         PoolVector<float> results;
                         std::int64_t sample = begin / positions, position = begin % positions;
                         for (std::int64_t i = begin; i < end; i += reader.windows) {
                           reader.move_to(sample, position, end - i);
                           const std::int64_t numbers = reader.windows * channels;
                           if (half && results.size() < static_cast<std::size_t>(numbers))
                             results.resize(static_cast<std::size_t>(numbers));
                           float* const to = single ? floats(out) + i * channels : half ? results.data() : nullptr;
                           fn(reader, i * channels, to);
                           if (half) narrow(to, out, i * channels, numbers);
                           position += reader.windows;
                           if (position == positions) position = 0, ++sample;
                         }
                       });
}

/// Whether the two hold float16 or bfloat16, of which a cell fits into a block.
bool half_cells(const Tensor& x, const Tensor& y) { return all_half(x, y) && x.shape().back() <= half_block; }

/// fn(sample, its gradient, its target), both in float32; the target holds zeros unless fn writes all of it. Each
/// sample by one thread: windows may overlap, so its gradient is gathered in order.
template <class F>
void for_sample_gradients(const WindowGeometry& g, const Tensor& gradient, Tensor& dx, bool writes_all, F&& fn) {
  const std::int64_t inside = g.in_positions() * g.in_channels, outside = g.out_positions() * g.in_channels;
  const bool half = is_half(dx.dtype());
  detail::parallel_for(0, g.batch, rows_grain(inside), [&](std::int64_t begin, std::int64_t end) {
    const Scratch wide(half ? float_bytes(inside + outside) : 0);
    float* const buffer = static_cast<float*>(wide.get());
    for (std::int64_t sample = begin; sample < end; ++sample) {
      float* target = half ? buffer : floats(dx) + sample * inside;
      if (!writes_all) std::fill_n(target, inside, 0.0F);
      fn(sample, widened(gradient, sample * outside, outside, half ? buffer + inside : nullptr), target);
      if (half) narrow(target, dx, sample * inside, inside);
    }
  });
}

}  // namespace

void SimdKernels::max_pool(const Tensor& x, const Window& window, Tensor& out, Tensor& argmax) {
  if (!half_cells(x, out) && !all_float32(x, out)) return ReferenceKernels::max_pool(x, window, out, argmax);
  const WindowGeometry g(x.shape(), out.shape(), window);
  const std::int64_t channels = g.in_channels;
  const bool upper_halves = x.dtype() == DType::bfloat16;
  std::int32_t* places = argmax.defined() ? argmax.data<std::int32_t>() : nullptr;
  for_outputs(x, g, out, upper_halves, [&](const WindowReader& reader, std::int64_t cell, float* best) {
    std::int32_t* where = advance(places, cell);
    if (reader.count() == 0) {
      constexpr float lowest = -std::numeric_limits<float>::infinity();
      upper_halves ? void(std::fill_n(halves(out) + cell, channels, detail::bfloat16_bits(lowest)))
                   : void(std::fill_n(best, channels, lowest));
      if (where != nullptr) std::fill_n(where, channels, -1);
      return;
    }
    if (upper_halves)
      return table_.pool_max_bfloat16(reader.run(), halves(x) + reader.at * channels, halves(out) + cell, where);
    table_.pool_max(reader.run(), reader.from, best, where);
    for (std::int64_t c = 0; reader.gathered && where != nullptr && c < channels; ++c)
      where[c] = reader.window.first() + reader.window.cells()[static_cast<std::size_t>(where[c])];
  });
}

void SimdKernels::max_pool_backward(const Tensor& gradient, const Tensor& argmax, const Window& window, Tensor& dx) {
  const bool half = half_cells(gradient, dx);
  if (!half && !all_float32(gradient, dx)) return ReferenceKernels::max_pool_backward(gradient, argmax, window, dx);
  const WindowGeometry g(dx.shape(), gradient.shape(), window);
  const std::int64_t channels = g.in_channels, outside = g.out_positions() * channels;
  const bool apart = g.windows_apart(), writes_all = g.windows_tile();
  const auto for_runs = [&](std::int64_t sample, auto&& fn) {
    WindowCells cells(g);
    for (std::int64_t o = 0; o < g.out_positions(); o += cells.alike()) {
      cells.move_to(o);
      fn(PoolRun{cells.cells().data(), static_cast<std::int64_t>(cells.cells().size()), cells.alike(), cells.step(),
                 channels, cells.first()},
         o * channels, argmax.data<std::int32_t>() + sample * outside + o * channels);
    }
  };
  if (half && apart) {
    const std::int64_t inside = g.in_positions() * channels;
    return detail::parallel_for(0, g.batch, rows_grain(inside), [&](std::int64_t begin, std::int64_t end) {
      if (!writes_all) std::fill_n(halves(dx) + begin * inside, (end - begin) * inside, std::uint16_t{0});
      for (std::int64_t sample = begin; sample < end; ++sample)
        for_runs(sample, [&](const PoolRun& run, std::int64_t from, const std::int32_t* places) {
          table_.pool_max_backward_halves(run, halves(gradient) + sample * outside + from, places,
                                          halves(dx) + sample * inside + run.first * channels);
        });
    });
  }
  for_sample_gradients(g, gradient, dx, writes_all, [&](std::int64_t sample, const float* incoming, float* target) {
    for_runs(sample, [&](const PoolRun& run, std::int64_t from, const std::int32_t* places) {
      table_.pool_max_backward(run, incoming + from, places, !apart, target + run.first * channels);
    });
  });
}

void SimdKernels::average_pool(const Tensor& x, const Window& window, Tensor& out) {
  if (!half_cells(x, out) && !all_float32(x, out)) return ReferenceKernels::average_pool(x, window, out);
  const WindowGeometry g(x.shape(), out.shape(), window);
  const std::int64_t channels = g.in_channels;
  for_outputs(x, g, out, false, [&](const WindowReader& reader, std::int64_t, float* mean) {
    if (reader.count() == 0)
      std::fill_n(mean, channels, 0.0F);
    else
      table_.pool_mean(reader.run(), reader.from, mean);
  });
}

void SimdKernels::average_pool_backward(const Tensor& gradient, const Window& window, Tensor& dx) {
  if (!half_cells(gradient, dx) && !all_float32(gradient, dx))
    return ReferenceKernels::average_pool_backward(gradient, window, dx);
  const WindowGeometry g(dx.shape(), gradient.shape(), window);
  const std::int64_t channels = g.in_channels;
  for_sample_gradients(g, gradient, dx, false, [&](std::int64_t, const float* incoming, float* target) {
    WindowCells cells(g);
    for (std::int64_t o = 0; o < g.out_positions(); ++o, incoming += channels) {
      cells.move_to(o);
      if (cells.cells().empty()) continue;
      const float share = 1.0F / static_cast<float>(cells.cells().size());
      for (const std::int32_t cell : cells.cells())
        table_.add_scaled(share, incoming, target + (cells.first() + cell) * channels, channels);
    }
  });
}

}  // namespace nyala::backend
