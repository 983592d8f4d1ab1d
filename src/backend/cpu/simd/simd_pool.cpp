#include <algorithm>
#include <limits>
#include <vector>

#include "backend/common/window_geometry.hpp"
#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"

namespace nyala::backend {
namespace {

/// fn(sample, output position) for all of both, on all threads.
template <class F>
void for_outputs(const WindowGeometry& g, F&& fn) {
  const std::int64_t positions = g.out_positions();
  detail::parallel_for(0, g.batch * positions, rows_grain(g.in_channels * g.taps()),
                       [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t i = begin; i < end; ++i) fn(i / positions, i % positions);
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

/// fn(sample, its gradient, its target of zeros), both in float32.
template <class F>
void for_sample_gradients(const WindowGeometry& g, const Tensor& gradient, Tensor& dx, F&& fn) {
  const std::int64_t inside = g.in_positions() * g.in_channels, outside = g.out_positions() * g.in_channels;
  const bool half = is_half(dx.dtype());
  for_samples(g, [&](std::int64_t sample) {
    std::vector<float> wide(static_cast<std::size_t>(half ? inside + outside : 0));
    float* target = half ? wide.data() : floats(dx) + sample * inside;
    if (!half) std::fill_n(target, inside, 0.0F);
    fn(sample, widened(gradient, sample * outside, outside, wide.data() + (half ? inside : 0)), target);
    if (half) narrow(target, dx, sample * inside, inside);
  });
}

std::int64_t cells_inside(const WindowGeometry& g, std::int64_t out_position) {
  std::int64_t count = 0;
  g.for_window(out_position, [&](std::int64_t, std::int64_t position) { count += position >= 0; });
  return std::max<std::int64_t>(count, 1);
}

}  // namespace

void SimdKernels::max_pool(const Tensor& x, const Window& window, Tensor& out, Tensor& argmax) {
  const bool half = half_cells(x, out);
  if (!half && !all_float32(x, out)) return ReferenceKernels::max_pool(x, window, out, argmax);
  const WindowGeometry g(x.shape(), out.shape(), window);
  const std::int64_t channels = g.in_channels;
  std::int32_t* places = argmax.defined() ? argmax.data<std::int32_t>() : nullptr;
  for_outputs(g, [&](std::int64_t sample, std::int64_t o) {
    alignas(64) float buffer[half_block], wide[half_block];
    const std::int64_t cell = (sample * g.out_positions() + o) * channels;
    std::int32_t* where = advance(places, cell);
    float* best = half ? wide : floats(out) + cell;
    bool begun = false;
    g.for_window(o, [&](std::int64_t, std::int64_t position) {
      if (position < 0) return;
      const float* candidate = widened(x, (sample * g.in_positions() + position) * channels, channels, buffer);
      if (begun && where != nullptr) {
        table_.pool_max(candidate, static_cast<std::int32_t>(position), best, where, channels);
      } else if (begun) {
        table_.maximum_to(candidate, best, channels);
      } else {
        std::copy_n(candidate, channels, best);
        if (where != nullptr) std::fill_n(where, channels, static_cast<std::int32_t>(position));
        begun = true;
      }
    });
    if (!begun) {
      std::fill_n(best, channels, -std::numeric_limits<float>::infinity());
      if (where != nullptr) std::fill_n(where, channels, -1);
    }
    if (half) narrow(best, out, cell, channels);
  });
}

void SimdKernels::max_pool_backward(const Tensor& gradient, const Tensor& argmax, const Window& window, Tensor& dx) {
  if (!half_cells(gradient, dx) && !all_float32(gradient, dx))
    return ReferenceKernels::max_pool_backward(gradient, argmax, window, dx);
  const WindowGeometry g(dx.shape(), gradient.shape(), window);
  const std::int64_t channels = g.in_channels;
  for_sample_gradients(g, gradient, dx, [&](std::int64_t sample, const float* incoming, float* target) {
    const std::int32_t* place = argmax.data<std::int32_t>() + sample * g.out_positions() * channels;
    for (std::int64_t o = 0; o < g.out_positions(); ++o, incoming += channels, place += channels) {
      for (std::int64_t c = 0; c < channels; ++c) {
        if (place[c] >= 0) target[place[c] * channels + c] += incoming[c];
      }
    }
  });
}

void SimdKernels::average_pool(const Tensor& x, const Window& window, Tensor& out) {
  const bool half = half_cells(x, out);
  if (!half && !all_float32(x, out)) return ReferenceKernels::average_pool(x, window, out);
  const WindowGeometry g(x.shape(), out.shape(), window);
  const std::int64_t channels = g.in_channels;
  for_outputs(g, [&](std::int64_t sample, std::int64_t o) {
    alignas(64) float buffer[half_block], wide[half_block];
    const std::int64_t cell = (sample * g.out_positions() + o) * channels;
    float* sum = half ? wide : floats(out) + cell;
    std::fill_n(sum, channels, 0.0F);
    std::int64_t count = 0;
    g.for_window(o, [&](std::int64_t, std::int64_t position) {
      if (position < 0) return;
      table_.add_to(widened(x, (sample * g.in_positions() + position) * channels, channels, buffer), sum, channels);
      ++count;
    });
    table_.scale(1.0F / static_cast<float>(std::max<std::int64_t>(count, 1)), sum, channels);
    if (half) narrow(sum, out, cell, channels);
  });
}

void SimdKernels::average_pool_backward(const Tensor& gradient, const Window& window, Tensor& dx) {
  if (!half_cells(gradient, dx) && !all_float32(gradient, dx))
    return ReferenceKernels::average_pool_backward(gradient, window, dx);
  const WindowGeometry g(dx.shape(), gradient.shape(), window);
  const std::int64_t channels = g.in_channels;
  for_sample_gradients(g, gradient, dx, [&](std::int64_t, const float* incoming, float* target) {
    for (std::int64_t o = 0; o < g.out_positions(); ++o, incoming += channels) {
      const float share = 1.0F / static_cast<float>(cells_inside(g, o));
      g.for_window(o, [&](std::int64_t, std::int64_t position) {
        if (position >= 0) table_.add_scaled(share, incoming, target + position * channels, channels);
      });
    }
  });
}

}  // namespace nyala::backend
