#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "backend/common/window_cells.hpp"
#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"

namespace nyala::backend {
namespace {

/// A window's cells as float32: where they are, or, of halves, widened one behind the other.
class WindowReader {
 public:
  WindowReader(const Tensor& x, const WindowGeometry& g) : window(g), x_(x), g_(g), half_(is_half(x.dtype())) {
    if (!half_) return;
    values_.resize(static_cast<std::size_t>(g.taps() * g.in_channels));
    numbers_.resize(static_cast<std::size_t>(g.taps()));
    std::iota(numbers_.begin(), numbers_.end(), 0);
  }

  void move_to(std::int64_t sample, std::int64_t position) {
    window.move_to(position);
    const std::int64_t first = (sample * g_.in_positions() + window.first()) * g_.in_channels;
    from = half_ ? values_.data() : floats(x_) + first;
    cells = half_ ? numbers_.data() : window.cells().data();
    if (!half_) return;
    float* to = values_.data();
    for (const std::int32_t cell : window.cells()) {
      widened(x_, first + cell * g_.in_channels, g_.in_channels, to);
      to += g_.in_channels;
    }
  }
  std::int64_t count() const { return static_cast<std::int64_t>(window.cells().size()); }
  /// How many windows from here on, `most` at most, the loops can take at once.
  std::int64_t alike(std::int64_t most) const { return half_ ? 1 : std::min(window.alike(), most); }
  PoolRun run(std::int64_t windows) const {
    return {cells, count(), windows, window.step(), g_.in_channels, half_ ? 0 : window.first()};
  }

  WindowCells window;
  const float* from = nullptr;
  /// Where they are, in cells from there.
  const std::int32_t* cells = nullptr;

 private:
  const Tensor& x_;
  const WindowGeometry& g_;
  bool half_;
  std::vector<float> values_;
  std::vector<std::int32_t> numbers_;
};

/// fn(window of x, how many like it follow each other, first element of the first one's output), on all threads.
template <class F>
void for_outputs(const Tensor& x, const WindowGeometry& g, F&& fn) {
  const std::int64_t positions = g.out_positions();
  detail::parallel_for(0, g.batch * positions, rows_grain(g.in_channels * g.taps()),
                       [&](std::int64_t begin, std::int64_t end) {
                         WindowReader reader(x, g);
                         std::int64_t sample = begin / positions, position = begin % positions;
                         for (std::int64_t i = begin, count; i < end; i += count) {
                           reader.move_to(sample, position);
                           count = reader.alike(end - i);
                           fn(reader, count, i * g.in_channels);
                           position += count;
                           if (position == positions) position = 0, ++sample;
                         }
                       });
}

/// fn(sample), each by one thread: windows may overlap, so a sample's gradient is gathered in order.
template <class F>
void for_samples(const WindowGeometry& g, F&& fn) {
  detail::parallel_for(0, g.batch, rows_grain(g.in_channels * g.in_positions()),
                       [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t sample = begin; sample < end; ++sample) fn(sample);
                       });
}

/// Whether the two hold float16 or bfloat16, of which a cell fits into a block.
bool half_cells(const Tensor& x, const Tensor& y) { return all_half(x, y) && x.shape().back() <= half_block; }

/// fn(sample, its gradient, its target), both in float32; the target holds zeros unless fn writes all of it.
template <class F>
void for_sample_gradients(const WindowGeometry& g, const Tensor& gradient, Tensor& dx, bool writes_all, F&& fn) {
  const std::int64_t inside = g.in_positions() * g.in_channels, outside = g.out_positions() * g.in_channels;
  const bool half = is_half(dx.dtype());
  for_samples(g, [&](std::int64_t sample) {
    std::vector<float> wide(static_cast<std::size_t>(half ? inside + outside : 0));
    float* target = half ? wide.data() : floats(dx) + sample * inside;
    if (!half && !writes_all) std::fill_n(target, inside, 0.0F);
    fn(sample, widened(gradient, sample * outside, outside, wide.data() + (half ? inside : 0)), target);
    if (half) narrow(target, dx, sample * inside, inside);
  });
}

}  // namespace

void SimdKernels::max_pool(const Tensor& x, const Window& window, Tensor& out, Tensor& argmax) {
  const bool half = half_cells(x, out);
  if (!half && !all_float32(x, out)) return ReferenceKernels::max_pool(x, window, out, argmax);
  const WindowGeometry g(x.shape(), out.shape(), window);
  const std::int64_t channels = g.in_channels;
  std::int32_t* places = argmax.defined() ? argmax.data<std::int32_t>() : nullptr;
  for_outputs(x, g, [&](const WindowReader& reader, std::int64_t windows, std::int64_t cell) {
    alignas(64) float wide[half_block];
    std::int32_t* where = advance(places, cell);
    float* best = half ? wide : floats(out) + cell;
    if (reader.count() == 0) {
      std::fill_n(best, channels, -std::numeric_limits<float>::infinity());
      if (where != nullptr) std::fill_n(where, channels, -1);
    } else {
      table_.pool_max(reader.run(windows), reader.from, best, where);
      for (std::int64_t c = 0; half && where != nullptr && c < channels; ++c)
        where[c] = reader.window.first() + reader.window.cells()[static_cast<std::size_t>(where[c])];
    }
    if (half) narrow(best, out, cell, channels);
  });
}

void SimdKernels::max_pool_backward(const Tensor& gradient, const Tensor& argmax, const Window& window, Tensor& dx) {
  if (!half_cells(gradient, dx) && !all_float32(gradient, dx))
    return ReferenceKernels::max_pool_backward(gradient, argmax, window, dx);
  const WindowGeometry g(dx.shape(), gradient.shape(), window);
  const std::int64_t channels = g.in_channels;
  const bool apart = g.windows_apart();
  for_sample_gradients(
      g, gradient, dx, g.windows_tile(), [&](std::int64_t sample, const float* incoming, float* target) {
        WindowCells cells(g);
        const std::int32_t* place = argmax.data<std::int32_t>() + sample * g.out_positions() * channels;
        for (std::int64_t o = 0; o < g.out_positions(); o += cells.alike()) {
          cells.move_to(o);
          table_.pool_max_backward({cells.cells().data(), static_cast<std::int64_t>(cells.cells().size()),
                                    cells.alike(), cells.step(), channels, cells.first()},
                                   incoming + o * channels, place + o * channels, !apart,
                                   target + cells.first() * channels);
        }
      });
}

void SimdKernels::average_pool(const Tensor& x, const Window& window, Tensor& out) {
  const bool half = half_cells(x, out);
  if (!half && !all_float32(x, out)) return ReferenceKernels::average_pool(x, window, out);
  const WindowGeometry g(x.shape(), out.shape(), window);
  const std::int64_t channels = g.in_channels;
  for_outputs(x, g, [&](const WindowReader& reader, std::int64_t windows, std::int64_t cell) {
    alignas(64) float wide[half_block];
    float* mean = half ? wide : floats(out) + cell;
    if (reader.count() == 0)
      std::fill_n(mean, channels, 0.0F);
    else
      table_.pool_mean(reader.run(windows), reader.from, mean);
    if (half) narrow(mean, out, cell, channels);
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
