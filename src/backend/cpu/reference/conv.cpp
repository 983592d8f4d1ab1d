#include <algorithm>
#include <vector>

#include "backend/common/window_geometry.hpp"
#include "backend/cpu/reference/blas.hpp"
#include "backend/cpu/reference/nn_support.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

/// Convolution as matrix products: each group of each sample has a matrix of columns (out positions, taps * channels of
/// the group), gathered from x.
template <class T>
class Columns {
 public:
  explicit Columns(const WindowGeometry& g)
      : g_(g),
        channels_(g.in_channels / g.groups),
        filters_(g.out_channels / g.groups),
        width_(g.taps() * channels_),
        values_(static_cast<std::size_t>(g.out_positions() * width_)) {}

  void forward(const T* x, const T* kernel, T* y, bool add) {
    for_groups([&](std::int64_t sample, std::int64_t group) {
      gather(x, sample, group);
      gemm({false, false, add, g_.out_positions(), filters_, width_, width_, g_.out_channels, g_.out_channels},
           values_.data(), kernel + group * filters_, outputs(y, sample, group));
    });
  }

  void backward_data(const T* gradient, const T* kernel, T* dx) {
    std::fill_n(dx, g_.batch * g_.in_positions() * g_.in_channels, T(0));
    for_groups([&](std::int64_t sample, std::int64_t group) {
      gemm({false, true, false, g_.out_positions(), width_, filters_, g_.out_channels, g_.out_channels, width_},
           outputs(gradient, sample, group), kernel + group * filters_, values_.data());
      T* target = inputs(dx, sample, group);
      for_cells([&](std::int64_t position, T* cell) {
        if (position < 0) return;
        for (std::int64_t c = 0; c < channels_; ++c) target[position * g_.in_channels + c] += cell[c];
      });
    });
  }

  void backward_filter(const T* x, const T* gradient, T* dkernel) {
    std::fill_n(dkernel, width_ * g_.out_channels, T(0));
    for_groups([&](std::int64_t sample, std::int64_t group) {
      gather(x, sample, group);
      gemm({true, false, true, width_, filters_, g_.out_positions(), width_, g_.out_channels, g_.out_channels},
           values_.data(), outputs(gradient, sample, group), dkernel + group * filters_);
    });
  }

 private:
  template <class F>
  void for_groups(F&& fn) {
    for (std::int64_t sample = 0; sample < g_.batch; ++sample)
      for (std::int64_t group = 0; group < g_.groups; ++group) fn(sample, group);
  }
  template <class P>
  P* inputs(P* x, std::int64_t sample, std::int64_t group) const {
    return x + sample * g_.in_positions() * g_.in_channels + group * channels_;
  }
  template <class P>
  P* outputs(P* y, std::int64_t sample, std::int64_t group) const {
    return y + sample * g_.out_positions() * g_.out_channels + group * filters_;
  }
  template <class F>
  void for_cells(F&& fn) {
    T* row = values_.data();
    for (std::int64_t o = 0; o < g_.out_positions(); ++o, row += width_)
      g_.for_window(o, [&](std::int64_t tap, std::int64_t position) { fn(position, row + tap * channels_); });
  }
  void gather(const T* x, std::int64_t sample, std::int64_t group) {
    const T* source = inputs(x, sample, group);
    for_cells([&](std::int64_t position, T* cell) {
      if (position < 0)
        std::fill_n(cell, channels_, T(0));
      else
        std::copy_n(source + position * g_.in_channels, channels_, cell);
    });
  }

  const WindowGeometry& g_;
  std::int64_t channels_, filters_, width_;
  std::vector<T> values_;
};

}  // namespace

void ReferenceKernels::conv(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                            FusedActivation activation, Tensor& before, Tensor& out) {
  if (is_half(out.dtype())) {
    Widened wide(*this);
    conv(wide.in(x), wide.in(kernel), wide.in(bias), window, activation, wide.out(before), wide.out(out));
    return wide.finish();
  }
  const WindowGeometry g(x.shape(), out.shape(), window);
  const bool done = for_float(out.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* sums = elements_of<T>(before.defined() ? before : out);
    if (bias.defined())
      for (std::int64_t i = 0; i < g.batch * g.out_positions(); ++i)
        std::copy_n(elements_of<T>(bias), g.out_channels, sums + i * g.out_channels);
    Columns<T>(g).forward(elements_of<T>(x), elements_of<T>(kernel), sums, bias.defined());
  });
  if (!done) missing("conv", out);
  finish_activation(*this, activation, before, out);
}

void ReferenceKernels::conv_backward_data(const Tensor& gradient, const Tensor& kernel, const Window& window,
                                          Tensor& dx) {
  if (is_half(dx.dtype())) {
    Widened wide(*this);
    conv_backward_data(wide.in(gradient), wide.in(kernel), window, wide.out(dx));
    return wide.finish();
  }
  const WindowGeometry g(dx.shape(), gradient.shape(), window);
  const bool done = for_float(dx.dtype(), [&](auto zero) {
    using T = decltype(zero);
    Columns<T>(g).backward_data(elements_of<T>(gradient), elements_of<T>(kernel), elements_of<T>(dx));
  });
  if (!done) missing("conv_backward_data", dx);
}

void ReferenceKernels::conv_backward_filter(const Tensor& x, const Tensor& gradient, const Window& window,
                                            Tensor& dkernel) {
  if (is_half(dkernel.dtype())) {
    Widened wide(*this);
    conv_backward_filter(wide.in(x), wide.in(gradient), window, wide.out(dkernel));
    return wide.finish();
  }
  const WindowGeometry g(x.shape(), gradient.shape(), window);
  const bool done = for_float(dkernel.dtype(), [&](auto zero) {
    using T = decltype(zero);
    Columns<T>(g).backward_filter(elements_of<T>(x), elements_of<T>(gradient), elements_of<T>(dkernel));
  });
  if (!done) missing("conv_backward_filter", dkernel);
}

}  // namespace nyala::backend
