#include <array>
#include <span>

#include "backend/common/fused_activation.hpp"
#include "backend/common/widened.hpp"
#include "backend/cuda/conv_columns.hpp"
#include "backend/cuda/conv_graph.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "core/tensor_impl.hpp"

namespace nyala::backend::cuda {
namespace {

/// (rows, columns) of the first axes and the last one: (a, b) -> (b, a).
void transpose(CudaKernels& kernels, const Tensor& in, std::int64_t columns, Tensor& out) {
  const std::array<std::int64_t, 2> strides{1, columns};
  kernels.strided_read(in, 0, strides, out);
}

/// Kernels (k…, in / groups, out) as cuDNN wants them: (out, k… * in / groups).
Tensor to_filter(CudaKernels& kernels, const Tensor& kernel) {
  const std::int64_t out = kernel.shape().back();
  Tensor filter = Tensor::empty({out, kernel.size() / out}, kernel.dtype(), kernel.device());
  transpose(kernels, kernel, out, filter);
  return filter;
}

/// x within a frame of zeros: for windows whose padding differs before and after, where cuDNN takes the same only.
class Frame {
 public:
  Frame(const Shape& x, const ConvProblem& problem) : strides_(x.size()), shape_(x) {
    const std::size_t rank = x.size() - 2;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      const std::size_t place = 3 - rank + axis;
      shape_[axis + 1] += problem.geometry.pad[place] + problem.pad_after[place];
    }
    std::int64_t step = 1;
    for (std::size_t axis = x.size(); axis-- > 0; step *= shape_[axis]) strides_[axis] = step;
    for (std::size_t axis = 0; axis < rank; ++axis)
      offset_ += problem.geometry.pad[3 - rank + axis] * strides_[axis + 1];
  }

  const Shape& shape() const { return shape_; }
  Tensor around(CudaKernels& kernels, const Tensor& x) const {
    Tensor framed = Tensor::empty(shape_, x.dtype(), x.device());
    kernels.fill(framed, 0.0);
    kernels.strided_write(x, framed, offset_, strides_, false);
    return framed;
  }
  void cut(CudaKernels& kernels, const Tensor& framed, Tensor& x) const {
    kernels.strided_read(framed, offset_, strides_, x);
  }
  /// The window over framed data.
  static Window window(Window window) {
    window.pad_before = window.pad_after = {0, 0, 0};
    return window;
  }

 private:
  std::vector<std::int64_t> strides_;
  Shape shape_;
  std::int64_t offset_ = 0;
};

/// Fused with what follows it, or else followed by own kernels. False where cuDNN has no engine at all.
bool forward(CudaKernels& kernels, ConvProblem problem, const Tensor& x, const Tensor& filter, const Tensor& bias,
             FusedActivation activation, Tensor& before, Tensor& out) {
  Tensor sums = before.defined() ? before : out;
  problem.bias = bias.defined();
  problem.activation = before.defined() ? FusedActivation::none : activation;
  Context& context = kernels.context();
  void* added = problem.bias ? bias.raw_data() : nullptr;
  if (run_conv(context, problem, x.raw_data(), filter.raw_data(), sums.raw_data(), added)) {
    if (before.defined()) finish_activation(kernels, activation, before, out);
    return true;
  }
  if (!problem.bias && problem.activation == FusedActivation::none) return false;
  problem.bias = false;
  problem.activation = FusedActivation::none;
  if (!run_conv(context, problem, x.raw_data(), filter.raw_data(), sums.raw_data(), nullptr)) return false;
  if (bias.defined()) kernels.binary(Binary::add, sums, bias, sums);
  finish_activation(kernels, activation, before, out);
  return true;
}

/// Whether cuDNN did it: as it is, or within a frame.
bool by_library(CudaKernels& kernels, const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                FusedActivation activation, Tensor& before, Tensor& out) {
  const auto problem = conv_problem(ConvDirection::forward, {x.shape(), out.shape(), window}, x.shape(), x.dtype());
  if (!problem) return false;
  const Tensor filter = to_filter(kernels, kernel);
  if (forward(kernels, *problem, x, filter, bias, activation, before, out)) return true;
  if (problem->symmetric()) return false;
  const Frame frame(x.shape(), *problem);
  const auto inside =
      conv_problem(ConvDirection::forward, {frame.shape(), out.shape(), Frame::window(window)}, x.shape(), x.dtype());
  return inside && forward(kernels, *inside, frame.around(kernels, x), filter, bias, activation, before, out);
}

bool data_by_library(CudaKernels& kernels, const Tensor& gradient, const Tensor& kernel, const Window& window,
                     Tensor& dx) {
  const auto direction = ConvDirection::backward_data;
  const auto problem = conv_problem(direction, {dx.shape(), gradient.shape(), window}, dx.shape(), dx.dtype());
  if (!problem) return false;
  const Tensor filter = to_filter(kernels, kernel);
  const auto run = [&](const ConvProblem& of, Tensor& out) {
    return run_conv(kernels.context(), of, out.raw_data(), filter.raw_data(), gradient.raw_data(), nullptr);
  };
  if (run(*problem, dx)) return true;
  if (problem->symmetric()) return false;
  const Frame frame(dx.shape(), *problem);
  const auto inside =
      conv_problem(direction, {frame.shape(), gradient.shape(), Frame::window(window)}, dx.shape(), dx.dtype());
  Tensor framed = Tensor::empty(frame.shape(), dx.dtype(), dx.device());
  if (!inside || !run(*inside, framed)) return false;
  frame.cut(kernels, framed, dx);
  return true;
}

bool filter_by_library(CudaKernels& kernels, const Tensor& x, const Tensor& gradient, const Window& window,
                       Tensor& dkernel) {
  const auto direction = ConvDirection::backward_filter;
  const auto problem = conv_problem(direction, {x.shape(), gradient.shape(), window}, x.shape(), x.dtype());
  if (!problem) return false;
  const std::int64_t out = dkernel.shape().back(), inner = dkernel.size() / out;
  Tensor filter = Tensor::empty({out, inner}, dkernel.dtype(), dkernel.device());
  const auto run = [&](const ConvProblem& of, const Tensor& in) {
    return run_conv(kernels.context(), of, in.raw_data(), filter.raw_data(), gradient.raw_data(), nullptr);
  };
  bool done = run(*problem, x);
  if (!done && !problem->symmetric()) {
    const Frame frame(x.shape(), *problem);
    const auto inside =
        conv_problem(direction, {frame.shape(), gradient.shape(), Frame::window(window)}, x.shape(), x.dtype());
    done = inside && run(*inside, frame.around(kernels, x));
  }
  if (!done) return false;
  Tensor flat = detail::alias(dkernel, {inner, out});
  transpose(kernels, filter, inner, flat);
  return true;
}

}  // namespace

void CudaKernels::conv(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                       FusedActivation activation, Tensor& before, Tensor& out) {
  if (out.size() == 0) return;
  const bool empty = kernel.size() == 0 || x.size() == 0;
  if (!empty && by_library(*this, x, kernel, bias, window, activation, before, out)) return;
  Tensor sums = before.defined() ? before : out;
  if (empty) {
    fill(sums, 0.0);
  } else {
    Widened wide(*this);
    columns_forward(*this, {x.shape(), out.shape(), window}, wide.in(x), wide.in(kernel), wide.out(sums));
    wide.finish();
  }
  if (bias.defined()) binary(Binary::add, sums, bias, sums);
  finish_activation(*this, activation, before, out);
}

void CudaKernels::conv_backward_data(const Tensor& gradient, const Tensor& kernel, const Window& window, Tensor& dx) {
  if (dx.size() == 0) return;
  if (gradient.size() == 0 || kernel.size() == 0) return fill(dx, 0.0);
  if (data_by_library(*this, gradient, kernel, window, dx)) return;
  Widened wide(*this);
  columns_backward_data(*this, {dx.shape(), gradient.shape(), window}, wide.in(gradient), wide.in(kernel),
                        wide.out(dx));
  wide.finish();
}

void CudaKernels::conv_backward_filter(const Tensor& x, const Tensor& gradient, const Window& window, Tensor& dkernel) {
  if (dkernel.size() == 0) return;
  if (gradient.size() == 0 || x.size() == 0) return fill(dkernel, 0.0);
  if (filter_by_library(*this, x, gradient, window, dkernel)) return;
  Widened wide(*this);
  columns_backward_filter(*this, {x.shape(), gradient.shape(), window}, wide.in(x), wide.in(gradient),
                          wide.out(dkernel));
  wide.finish();
}

}  // namespace nyala::backend::cuda
