#include <limits>

#include "backend/common/dispatch.hpp"
#include "backend/common/widened.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/pool_graph.hpp"
#include "backend/cuda/window_walk.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

/// One cell of the output: the first largest of its window, and a NaN before every number.
template <class T>
struct MaxPool {
  WindowWalk walk;
  const T* x;
  T* out;
  std::int32_t* argmax;
  constexpr void operator()(std::int64_t i) const {
    const WindowWalk::Cell cell = walk.out_cell(i);
    const T* in = x + walk.first_of_sample(cell);
    T best = -std::numeric_limits<T>::infinity();
    std::int32_t place = -1;
    for (std::int64_t tap = 0; tap < walk.taps(); ++tap) {
      const std::int64_t position = walk.source(cell, tap);
      if (position < 0) continue;
      const T value = in[position * walk.in_channels];
      if (place < 0 || value > best || (value != value && best == best)) {
        best = value;
        place = static_cast<std::int32_t>(position);
      }
    }
    out[i] = best;
    if (argmax != nullptr) argmax[i] = place;
  }
};

/// One cell of the input's gradient: what all windows that hold it send, in the order of the windows.
template <class T>
struct MaxPoolBackward {
  WindowWalk walk;
  const T* gradient;
  const std::int32_t* argmax;
  T* dx;
  constexpr void operator()(std::int64_t i) const {
    const WindowWalk::Cell cell = walk.in_cell(i);
    const std::int64_t own = walk.in_position(cell);
    T sum(0);
    for (std::int64_t tap = walk.taps() - 1; tap >= 0; --tap) {
      const std::int64_t position = walk.target(cell, tap);
      if (position < 0) continue;
      const std::int64_t target = position * walk.out_channels + cell.channel;
      if (argmax[target] == static_cast<std::int32_t>(own)) sum += gradient[target];
    }
    dx[i] = sum;
  }
};

template <class T>
struct AveragePool {
  WindowWalk walk;
  const T* x;
  T* out;
  constexpr void operator()(std::int64_t i) const {
    const WindowWalk::Cell cell = walk.out_cell(i);
    const T* in = x + walk.first_of_sample(cell);
    T sum(0);
    std::int64_t count = 0;
    for (std::int64_t tap = 0; tap < walk.taps(); ++tap) {
      const std::int64_t position = walk.source(cell, tap);
      if (position < 0) continue;
      sum += in[position * walk.in_channels];
      ++count;
    }
    out[i] = sum / static_cast<T>(count == 0 ? 1 : count);
  }
};

template <class T>
struct AveragePoolBackward {
  WindowWalk walk;
  const T* gradient;
  T* dx;
  constexpr void operator()(std::int64_t i) const {
    const WindowWalk::Cell cell = walk.in_cell(i);
    T sum(0);
    for (std::int64_t tap = walk.taps() - 1; tap >= 0; --tap) {
      const std::int64_t position = walk.target(cell, tap);
      if (position < 0) continue;
      sum += gradient[position * walk.out_channels + cell.channel] / static_cast<T>(walk.inside(position));
    }
    dx[i] = sum;
  }
};

/// Whether cuDNN did it; x and y are the gradients in the backward.
bool pool_by_library(Context& context, PoolPass pass, const Window& window, const Tensor& x, const Tensor& y) {
  const auto problem = pool_problem(pass, {x.shape(), y.shape(), window}, x.shape(), x.dtype());
  return problem && run_pool(context, *problem, x.raw_data(), y.raw_data());
}

}  // namespace

void CudaKernels::max_pool(const Tensor& x, const Window& window, Tensor& out, Tensor& argmax) {
  // In training our own: cuDNN does not say which of several equal cells its index names.
  if (!argmax.defined() && pool_by_library(context_, PoolPass::max, window, x, out)) return;
  Widened wide(*this);
  const Tensor in = wide.in(x);
  Tensor& to = wide.out(out);
  const WindowWalk walk(WindowGeometry(x.shape(), out.shape(), window));
  visit_floating(in.dtype(), "max_pool", [&](auto type) {
    using T = typename decltype(type)::type;
    launch(context_.stream(), to.size(),
           MaxPool<T>{walk, elements<T>(in), elements<T>(to), elements<std::int32_t>(argmax)});
  });
  wide.finish();
}

void CudaKernels::max_pool_backward(const Tensor& gradient, const Tensor& argmax, const Window& window, Tensor& dx) {
  Widened wide(*this);
  const Tensor incoming = wide.in(gradient);
  Tensor& to = wide.out(dx);
  const WindowWalk walk(WindowGeometry(dx.shape(), gradient.shape(), window));
  visit_floating(to.dtype(), "max_pool_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    launch(context_.stream(), to.size(),
           MaxPoolBackward<T>{walk, elements<T>(incoming), elements<std::int32_t>(argmax), elements<T>(to)});
  });
  wide.finish();
}

void CudaKernels::average_pool(const Tensor& x, const Window& window, Tensor& out) {
  if (pool_by_library(context_, PoolPass::average, window, x, out)) return;
  Widened wide(*this);
  const Tensor in = wide.in(x);
  Tensor& to = wide.out(out);
  const WindowWalk walk(WindowGeometry(x.shape(), out.shape(), window));
  visit_floating(in.dtype(), "average_pool", [&](auto type) {
    using T = typename decltype(type)::type;
    launch(context_.stream(), to.size(), AveragePool<T>{walk, elements<T>(in), elements<T>(to)});
  });
  wide.finish();
}

void CudaKernels::average_pool_backward(const Tensor& gradient, const Window& window, Tensor& dx) {
  if (pool_by_library(context_, PoolPass::average_backward, window, dx, gradient)) return;
  Widened wide(*this);
  const Tensor incoming = wide.in(gradient);
  Tensor& to = wide.out(dx);
  const WindowWalk walk(WindowGeometry(dx.shape(), gradient.shape(), window));
  visit_floating(to.dtype(), "average_pool_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    launch(context_.stream(), to.size(), AveragePoolBackward<T>{walk, elements<T>(incoming), elements<T>(to)});
  });
  wide.finish();
}

}  // namespace nyala::backend::cuda
