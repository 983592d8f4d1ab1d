#include "backend/cuda/conv_columns.hpp"

#include <algorithm>

#include "backend/common/dispatch.hpp"
#include "backend/cuda/gemm.hpp"
#include "backend/cuda/window_walk.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

/// Some samples' columns of one group: (output positions, taps, channels of the group).
template <class T>
struct GatherColumns {
  WindowWalk walk;
  std::int64_t channels, first_channel, first_position;
  const T* x;
  T* columns;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t taps = walk.taps(), channel = first_channel + i % channels;
    const std::int64_t tap = i / channels % taps, position = first_position + i / channels / taps;
    const WindowWalk::Cell cell = walk.out_cell(position * walk.out_channels);
    const std::int64_t source = walk.source(cell, tap);
    const std::int64_t sample = cell.sample * walk.in[0] * walk.in[1] * walk.in[2];
    columns[i] = source < 0 ? T(0) : x[(sample + source) * walk.in_channels + channel];
  }
};

/// One cell of dx of the group gathers from the columns of all windows that it lies in, in their order.
template <class T>
struct SpreadColumns {
  WindowWalk walk;
  std::int64_t channels, first_channel, first_sample, first_position;
  const T* columns;
  T* dx;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t channel = first_channel + i % channels;
    const std::int64_t place = first_sample * walk.in[0] * walk.in[1] * walk.in[2] + i / channels;
    const std::int64_t element = place * walk.in_channels + channel;
    const WindowWalk::Cell cell = walk.in_cell(element);
    T sum(0);
    for (std::int64_t tap = walk.taps() - 1; tap >= 0; --tap) {
      const std::int64_t position = walk.target(cell, tap);
      if (position < 0) continue;
      sum += columns[((position - first_position) * walk.taps() + tap) * channels + i % channels];
    }
    dx[element] = sum;
  }
};

/// The loop that all three share: fn(first sample, samples, group) for pieces whose columns take some 64 MB.
class Pieces {
 public:
  Pieces(Context& context, const WindowGeometry& g, std::size_t element)
      : g_(g),
        channels_(g.in_channels / g.groups),
        filters_(g.out_channels / g.groups),
        width_(g.taps() * channels_),
        samples_(std::clamp<std::int64_t>(
            (std::int64_t{1} << 26) / (g.out_positions() * width_ * static_cast<std::int64_t>(element)), 1, g.batch)),
        columns_(context.scratch(static_cast<std::size_t>(samples_ * g.out_positions() * width_) * element)) {}

  template <class F>
  void each(F&& fn) const {
    for (std::int64_t first = 0; first < g_.batch; first += samples_)
      for (std::int64_t group = 0; group < g_.groups; ++group) fn(first, std::min(samples_, g_.batch - first), group);
  }
  std::int64_t channels() const { return channels_; }
  std::int64_t filters() const { return filters_; }
  std::int64_t width() const { return width_; }
  template <class T>
  T* columns() const {
    return columns_.as<T>();
  }
  template <class T>
  void gather(Context& context, const Tensor& x, std::int64_t first, std::int64_t samples, std::int64_t group) const {
    launch(context.stream(), samples * g_.out_positions() * width_,
           GatherColumns<T>{WindowWalk(g_), channels_, group * channels_, first * g_.out_positions(), elements<T>(x),
                            columns<T>()});
  }

 private:
  const WindowGeometry& g_;
  std::int64_t channels_, filters_, width_, samples_;
  Scratch columns_;
};

template <class T>
T* filters_of(const Tensor& y, const WindowGeometry& g, std::int64_t sample, std::int64_t channel) {
  return elements<T>(y) + sample * g.out_positions() * g.out_channels + channel;
}

}  // namespace

void columns_forward(CudaKernels& kernels, const WindowGeometry& g, const Tensor& x, const Tensor& kernel, Tensor& y) {
  visit_floating(y.dtype(), "conv", [&](auto type) {
    using T = typename decltype(type)::type;
    Context& context = kernels.context();
    const Pieces pieces(context, g, sizeof(T));
    pieces.each([&](std::int64_t first, std::int64_t samples, std::int64_t group) {
      pieces.gather<T>(context, x, first, samples, group);
      Gemm product = Gemm::packed(false, false, false, samples * g.out_positions(), pieces.filters(), pieces.width());
      product.leading_b = product.leading_out = g.out_channels;
      gemm(context, y.dtype(), product, pieces.columns<T>(), elements<T>(kernel) + group * pieces.filters(),
           filters_of<T>(y, g, first, group * pieces.filters()));
    });
  });
}

void columns_backward_data(CudaKernels& kernels, const WindowGeometry& g, const Tensor& gradient, const Tensor& kernel,
                           Tensor& dx) {
  visit_floating(dx.dtype(), "conv_backward_data", [&](auto type) {
    using T = typename decltype(type)::type;
    Context& context = kernels.context();
    const Pieces pieces(context, g, sizeof(T));
    pieces.each([&](std::int64_t first, std::int64_t samples, std::int64_t group) {
      Gemm product = Gemm::packed(false, true, false, samples * g.out_positions(), pieces.width(), pieces.filters());
      product.leading_a = product.leading_b = g.out_channels;
      gemm(context, dx.dtype(), product, filters_of<T>(gradient, g, first, group * pieces.filters()),
           elements<T>(kernel) + group * pieces.filters(), pieces.columns<T>());
      launch(context.stream(), samples * g.in_positions() * pieces.channels(),
             SpreadColumns<T>{WindowWalk(g), pieces.channels(), group * pieces.channels(), first,
                              first * g.out_positions(), pieces.columns<T>(), elements<T>(dx)});
    });
  });
}

void columns_backward_filter(CudaKernels& kernels, const WindowGeometry& g, const Tensor& x, const Tensor& gradient,
                             Tensor& dkernel) {
  visit_floating(dkernel.dtype(), "conv_backward_filter", [&](auto type) {
    using T = typename decltype(type)::type;
    Context& context = kernels.context();
    const Pieces pieces(context, g, sizeof(T));
    pieces.each([&](std::int64_t first, std::int64_t samples, std::int64_t group) {
      pieces.gather<T>(context, x, first, samples, group);
      Gemm product =
          Gemm::packed(true, false, first > 0, pieces.width(), pieces.filters(), samples * g.out_positions());
      product.leading_b = product.leading_out = g.out_channels;
      gemm(context, dkernel.dtype(), product, pieces.columns<T>(),
           filters_of<T>(gradient, g, first, group * pieces.filters()),
           elements<T>(dkernel) + group * pieces.filters());
    });
  });
}

}  // namespace nyala::backend::cuda
