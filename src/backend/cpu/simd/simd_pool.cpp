#include <algorithm>
#include <limits>
#include <vector>

#include "backend/common/window_geometry.hpp"
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

std::int64_t cells_inside(const WindowGeometry& g, std::int64_t out_position) {
  std::int64_t count = 0;
  g.for_window(out_position, [&](std::int64_t, std::int64_t position) { count += position >= 0; });
  return std::max<std::int64_t>(count, 1);
}

}  // namespace

void SimdKernels::max_pool(const Tensor& x, const Window& window, Tensor& out, Tensor& argmax) {
  if (!all_float32(x, out)) return ReferenceKernels::max_pool(x, window, out, argmax);
  const WindowGeometry g(x.shape(), out.shape(), window);
  const std::int64_t channels = g.in_channels;
  const float* in = floats(x);
  float* to = floats(out);
  std::int32_t* places = argmax.defined() ? argmax.data<std::int32_t>() : nullptr;
  for_outputs(g, [&](std::int64_t sample, std::int64_t o) {
    const float* cells = in + sample * g.in_positions() * channels;
    const std::int64_t cell = (sample * g.out_positions() + o) * channels;
    std::int32_t* where = advance(places, cell);
    float* best = to + cell;
    bool begun = false;
    g.for_window(o, [&](std::int64_t, std::int64_t position) {
      if (position < 0) return;
      const float* candidate = cells + position * channels;
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
    if (begun) return;
    std::fill_n(best, channels, -std::numeric_limits<float>::infinity());
    if (where != nullptr) std::fill_n(where, channels, -1);
  });
}

void SimdKernels::max_pool_backward(const Tensor& gradient, const Tensor& argmax, const Window& window, Tensor& dx) {
  if (!all_float32(gradient, dx)) return ReferenceKernels::max_pool_backward(gradient, argmax, window, dx);
  const WindowGeometry g(dx.shape(), gradient.shape(), window);
  const std::int64_t channels = g.in_channels, inside = g.in_positions() * channels;
  for_samples(g, [&](std::int64_t sample) {
    float* target = floats(dx) + sample * inside;
    std::fill_n(target, inside, 0.0F);
    const std::int64_t first = sample * g.out_positions() * channels;
    const float* incoming = floats(gradient) + first;
    const std::int32_t* place = argmax.data<std::int32_t>() + first;
    for (std::int64_t o = 0; o < g.out_positions(); ++o, incoming += channels, place += channels) {
      for (std::int64_t c = 0; c < channels; ++c) {
        if (place[c] >= 0) target[place[c] * channels + c] += incoming[c];
      }
    }
  });
}

void SimdKernels::average_pool(const Tensor& x, const Window& window, Tensor& out) {
  if (!all_float32(x, out)) return ReferenceKernels::average_pool(x, window, out);
  const WindowGeometry g(x.shape(), out.shape(), window);
  const std::int64_t channels = g.in_channels;
  for_outputs(g, [&, in = floats(x), to = floats(out)](std::int64_t sample, std::int64_t o) {
    const float* cells = in + sample * g.in_positions() * channels;
    float* sum = to + (sample * g.out_positions() + o) * channels;
    std::fill_n(sum, channels, 0.0F);
    std::int64_t count = 0;
    g.for_window(o, [&](std::int64_t, std::int64_t position) {
      if (position < 0) return;
      table_.add_to(cells + position * channels, sum, channels);
      ++count;
    });
    table_.scale(1.0F / static_cast<float>(std::max<std::int64_t>(count, 1)), sum, channels);
  });
}

void SimdKernels::average_pool_backward(const Tensor& gradient, const Window& window, Tensor& dx) {
  if (!all_float32(gradient, dx)) return ReferenceKernels::average_pool_backward(gradient, window, dx);
  const WindowGeometry g(dx.shape(), gradient.shape(), window);
  const std::int64_t channels = g.in_channels, inside = g.in_positions() * channels;
  for_samples(g, [&](std::int64_t sample) {
    float* target = floats(dx) + sample * inside;
    std::fill_n(target, inside, 0.0F);
    const float* incoming = floats(gradient) + sample * g.out_positions() * channels;
    for (std::int64_t o = 0; o < g.out_positions(); ++o, incoming += channels) {
      const float share = 1.0F / static_cast<float>(cells_inside(g, o));
      g.for_window(o, [&](std::int64_t, std::int64_t position) {
        if (position >= 0) table_.add_scaled(share, incoming, target + position * channels, channels);
      });
    }
  });
}

}  // namespace nyala::backend
