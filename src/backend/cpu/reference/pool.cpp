#include <algorithm>
#include <limits>
#include <vector>

#include "backend/common/window_geometry.hpp"
#include "backend/cpu/reference/nn_support.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

/// Calls fn(sample's first cell in the input, cell of the output, position of the output among the sample's).
template <class F>
void for_outputs(const WindowGeometry& g, F&& fn) {
  for (std::int64_t sample = 0; sample < g.batch; ++sample)
    for (std::int64_t o = 0; o < g.out_positions(); ++o)
      fn(sample * g.in_positions() * g.in_channels, (sample * g.out_positions() + o) * g.in_channels, o);
}

std::int64_t cells_inside(const WindowGeometry& g, std::int64_t out_position) {
  std::int64_t count = 0;
  g.for_window(out_position, [&](std::int64_t, std::int64_t position) { count += position >= 0; });
  return std::max<std::int64_t>(count, 1);
}

}  // namespace

void ReferenceKernels::max_pool(const Tensor& x, const Window& window, Tensor& out, Tensor& argmax) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    max_pool(wide.in(x), window, wide.out(out), argmax);
    return wide.finish();
  }
  const WindowGeometry g(x.shape(), out.shape(), window);
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    std::vector<std::int32_t> places(static_cast<std::size_t>(g.in_channels));
    for_outputs(g, [&](std::int64_t sample, std::int64_t cell, std::int64_t o) {
      const T* in = elements_of<T>(x) + sample;
      T* best = elements_of<T>(out) + cell;
      std::int32_t* place = argmax.defined() ? elements_of<std::int32_t>(argmax) + cell : places.data();
      std::fill_n(best, g.in_channels, -std::numeric_limits<T>::infinity());
      std::fill_n(place, g.in_channels, -1);
      g.for_window(o, [&](std::int64_t, std::int64_t position) {
        if (position < 0) return;
        for (std::int64_t c = 0; c < g.in_channels; ++c) {
          const T value = in[position * g.in_channels + c];
          // The first largest wins, and a NaN wins over every number.
          if (place[c] < 0 || value > best[c] || (value != value && best[c] == best[c])) {
            best[c] = value;
            place[c] = static_cast<std::int32_t>(position);
          }
        }
      });
    });
  });
  if (!done) missing("max_pool", x);
}

void ReferenceKernels::max_pool_backward(const Tensor& gradient, const Tensor& argmax, const Window& window,
                                         Tensor& dx) {
  if (is_half(dx.dtype())) {
    Widened wide(*this);
    max_pool_backward(wide.in(gradient), argmax, window, wide.out(dx));
    return wide.finish();
  }
  const WindowGeometry g(dx.shape(), gradient.shape(), window);
  const bool done = for_float(dx.dtype(), [&](auto zero) {
    using T = decltype(zero);
    std::fill_n(elements_of<T>(dx), dx.size(), T(0));
    for_outputs(g, [&](std::int64_t sample, std::int64_t cell, std::int64_t) {
      const T* incoming = elements_of<T>(gradient) + cell;
      const std::int32_t* place = elements_of<std::int32_t>(argmax) + cell;
      T* target = elements_of<T>(dx) + sample;
      for (std::int64_t c = 0; c < g.in_channels; ++c)
        if (place[c] >= 0) target[place[c] * g.in_channels + c] += incoming[c];
    });
  });
  if (!done) missing("max_pool_backward", dx);
}

void ReferenceKernels::average_pool(const Tensor& x, const Window& window, Tensor& out) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    average_pool(wide.in(x), window, wide.out(out));
    return wide.finish();
  }
  const WindowGeometry g(x.shape(), out.shape(), window);
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for_outputs(g, [&](std::int64_t sample, std::int64_t cell, std::int64_t o) {
      const T* in = elements_of<T>(x) + sample;
      T* sums = elements_of<T>(out) + cell;
      std::fill_n(sums, g.in_channels, T(0));
      g.for_window(o, [&](std::int64_t, std::int64_t position) {
        if (position < 0) return;
        for (std::int64_t c = 0; c < g.in_channels; ++c) sums[c] += in[position * g.in_channels + c];
      });
      const T count = static_cast<T>(cells_inside(g, o));
      for (std::int64_t c = 0; c < g.in_channels; ++c) sums[c] /= count;
    });
  });
  if (!done) missing("average_pool", x);
}

void ReferenceKernels::average_pool_backward(const Tensor& gradient, const Window& window, Tensor& dx) {
  if (is_half(dx.dtype())) {
    Widened wide(*this);
    average_pool_backward(wide.in(gradient), window, wide.out(dx));
    return wide.finish();
  }
  const WindowGeometry g(dx.shape(), gradient.shape(), window);
  const bool done = for_float(dx.dtype(), [&](auto zero) {
    using T = decltype(zero);
    std::fill_n(elements_of<T>(dx), dx.size(), T(0));
    for_outputs(g, [&](std::int64_t sample, std::int64_t cell, std::int64_t o) {
      const T* incoming = elements_of<T>(gradient) + cell;
      T* target = elements_of<T>(dx) + sample;
      const T share = T(1) / static_cast<T>(cells_inside(g, o));
      g.for_window(o, [&](std::int64_t, std::int64_t position) {
        if (position < 0) return;
        for (std::int64_t c = 0; c < g.in_channels; ++c) target[position * g.in_channels + c] += incoming[c] * share;
      });
    });
  });
  if (!done) missing("average_pool_backward", dx);
}

}  // namespace nyala::backend
