#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "backend/cpu/amx/filter_gradient.hpp"
#include "backend/cpu/onednn/convolution.hpp"
#include "backend/cpu/onednn/onednn_kernels.hpp"
#include "backend/cpu/reference/nn_support.hpp"
#include "backend/cpu/simd/channel_finish.hpp"
#include "backend/cpu/simd/nn_loops.hpp"
#include "backend/cpu/simd/simd_support.hpp"
#include "core/parallel.hpp"
#include "core/weight_forms.hpp"

namespace nyala::backend {
namespace {

using onednn::Convolution;
using onednn::Direction;
using onednn::Piece;
using onednn::Prepared;
using onednn::sound;

/// The pieces of a convolution with their primitives, which all use the first one's layout of the weights.
struct Plan {
  std::vector<Piece> pieces;
  std::vector<std::shared_ptr<const Prepared>> primitives;

  Plan(Direction direction, const Convolution& whole, std::int64_t most) {
    prepare(direction, onednn::cut(whole, most, direction == Direction::forward));
    // A piece of another shape may have no quick implementation for the first one's layout of the weights.
    const auto slow = [&](const auto& one) { return one->reference && !primitives.front()->reference; };
    if (std::any_of(primitives.begin(), primitives.end(), slow)) prepare(direction, onednn::cut(whole, 1, false));
  }

  bool usable() const { return primitives.size() == pieces.size() && primitives.back()->usable(); }
  const Prepared& first() const { return *primitives.front(); }

  template <class F>
  void run(F&& fn) const {
    detail::parallel_chunks(0, static_cast<std::int64_t>(pieces.size()), 1,
                            [&](std::int64_t, std::int64_t begin, std::int64_t end) {
                              const detail::SingleThreadedOmp single;
                              for (std::int64_t i = begin; i < end; ++i)
                                fn(i, pieces[static_cast<std::size_t>(i)], *primitives[static_cast<std::size_t>(i)]);
                            });
  }

 private:
  void prepare(Direction direction, std::vector<Piece> cut) {
    pieces = std::move(cut);
    primitives.clear();
    for (const Piece& piece : pieces) {
      const bool same = primitives.empty() || same_shape(piece, pieces.front());
      primitives.push_back(!same                ? onednn::prepare(direction, piece.part, &pieces.front().part)
                           : primitives.empty() ? onednn::prepare(direction, piece.part, nullptr)
                                                : primitives.front());
      if (!primitives.back()->usable()) return;
    }
  }

  static bool same_shape(const Piece& a, const Piece& b) {
    return a.part.batch == b.part.batch && a.part.in == b.part.in && a.part.out == b.part.out &&
           a.part.pad_before == b.part.pad_before && a.part.pad_after == b.part.pad_after;
  }
};

bool known(const Tensor& tensor) {
  return tensor.dtype() == DType::float32 || (tensor.dtype() == DType::bfloat16 && onednn::has_bfloat16());
}

/// The address of an element; null for a null tensor.
std::byte* address(const Tensor& tensor, std::int64_t element) {
  if (!tensor.defined()) return nullptr;
  return static_cast<std::byte*>(tensor.raw_data()) + element * static_cast<std::int64_t>(size_of(tensor.dtype()));
}

/// A kernel in a primitive's layout.
class Reordered {
 public:
  Reordered(std::shared_ptr<const Prepared> prepared, const void* kernel)
      : prepared_(std::move(prepared)), values_(bytes()) {
    const detail::SingleThreadedOmp single;
    onednn::execute(prepared_->to_weights, {},
                    {{DNNL_ARG_FROM, prepared_->user_weights, kernel}, {DNNL_ARG_TO, prepared_->weights, get()}});
  }
  void* get() const { return values_.get(); }
  std::size_t bytes() const { return prepared_->weights.get_size(); }

 private:
  std::shared_ptr<const Prepared> prepared_;  // its address stands for the layout
  Scratch values_;
};

/// The user's kernel in the layout that a primitive wants.
class Weights {
 public:
  Weights(const std::shared_ptr<const Prepared>& prepared, const Tensor& kernel) {
    if (!prepared->to_weights) {
      values_ = kernel.raw_data();
      return;
    }
    reordered_ = detail::form_of<Reordered>(
        kernel, {prepared.get(), 0}, [&] { return detail::make_pooled<Reordered>(prepared, kernel.raw_data()); });
    values_ = reordered_->get();
  }
  const void* get() const { return values_; }

 private:
  std::shared_ptr<const Reordered> reordered_;
  const void* values_ = nullptr;
};

}  // namespace

void OneDnnKernels::convolve_elsewhere(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                                       FusedActivation activation, Tensor& before, Tensor& out,
                                       const ChannelFinish* next) {
  if (!known(out) || out.size() == 0 || x.size() == 0)
    return SimdKernels::convolve_elsewhere(x, kernel, bias, window, activation, before, out, next);
  const detail::SingleThreadedOmp single;
  Convolution whole(out.dtype(), x.shape(), kernel.shape(), out.shape(), window);
  whole.has_bias = bias.defined();
  if (!before.defined()) whole.activation = static_cast<std::int64_t>(activation);
  if (!sound(Direction::forward, whole))
    return SimdKernels::convolve_elsewhere(x, kernel, bias, window, activation, before, out, next);
  const Plan plan(Direction::forward, whole, 16);
  if (!plan.usable()) return SimdKernels::convolve_elsewhere(x, kernel, bias, window, activation, before, out, next);
  const Weights weights(plan.primitives.front(), kernel);
  const bool fused_here = before.defined() && out.dtype() == DType::float32;
  plan.run([&](std::int64_t, const Piece& piece, const Prepared& p) {
    std::byte* target = address(before.defined() ? before : out, piece.y);
    onednn::execute(p.primitive, p.scratchpad,
                    {{DNNL_ARG_SRC, p.source, address(x, piece.x)},
                     {DNNL_ARG_WEIGHTS, p.weights, weights.get()},
                     {DNNL_ARG_BIAS, p.bias, address(bias, 0)},
                     {DNNL_ARG_DST, p.target, target}});
    const std::int64_t count = piece.part.batch * piece.part.out_elements();
    if (fused_here)
      simd::nn_loops().finish({1, count, count, count, activation}, elements_of<float>(before) + piece.y, nullptr,
                              nullptr, elements_of<float>(out) + piece.y);
    if (next != nullptr) (*next)(elements_of<float>(out), piece.y, count);
  });
  if (before.defined() && !fused_here) finish_activation(*this, activation, before, out);
}

void OneDnnKernels::conv_backward_data_elsewhere(const Tensor& gradient, const Tensor& kernel, const Window& window,
                                                 Tensor& dx) {
  if (!known(dx) || dx.size() == 0 || gradient.size() == 0)
    return SimdKernels::conv_backward_data_elsewhere(gradient, kernel, window, dx);
  const detail::SingleThreadedOmp single;
  const Convolution whole(dx.dtype(), dx.shape(), kernel.shape(), gradient.shape(), window);
  if (!sound(Direction::backward_data, whole))
    return SimdKernels::conv_backward_data_elsewhere(gradient, kernel, window, dx);
  const Plan plan(Direction::backward_data, whole, 16);
  if (!plan.usable()) return SimdKernels::conv_backward_data_elsewhere(gradient, kernel, window, dx);
  const Weights weights(plan.primitives.front(), kernel);
  plan.run([&](std::int64_t, const Piece& piece, const Prepared& p) {
    onednn::execute(p.primitive, p.scratchpad,
                    {{DNNL_ARG_DIFF_DST, p.target, address(gradient, piece.y)},
                     {DNNL_ARG_WEIGHTS, p.weights, weights.get()},
                     {DNNL_ARG_DIFF_SRC, p.source, address(dx, piece.x)}});
  });
}

namespace {

/// The gradient of a bfloat16 kernel by the tile unit; false, with nothing done, where that will not.
bool filter_gradient_on_tiles(const Tensor& x, const Tensor& gradient, const Window& window, Tensor& dkernel) {
  if (x.dtype() != DType::bfloat16 || window.groups != 1 || window.rank < 1 || window.rank > 2) return false;
  const auto axis = [&](const Tensor& tensor, int from_last) {
    return from_last > tensor.rank() ? 1 : tensor.shape()[static_cast<std::size_t>(tensor.rank() - from_last)];
  };
  const bool flat = window.rank == 1;
  const auto rows = [&](const std::array<std::int64_t, 3>& values, std::int64_t none) {
    return flat ? none : values[0];
  };
  const auto columns = [&](const std::array<std::int64_t, 3>& values) { return values[flat ? 0 : 1]; };
  return amx::filter_gradient({x.shape()[0], flat ? 1 : axis(x, 3), axis(x, 2), axis(x, 1), rows(window.size, 1),
                               columns(window.size), axis(gradient, 1), flat ? 1 : axis(gradient, 3), axis(gradient, 2),
                               rows(window.pad_before, 0), columns(window.pad_before), rows(window.dilation, 1),
                               columns(window.dilation), rows(window.strides, 1), columns(window.strides)},
                              halves(x), halves(gradient), dkernel.raw_data(), dkernel.dtype() == DType::float32);
}

}  // namespace

void OneDnnKernels::conv_backward_filter_elsewhere(const Tensor& x, const Tensor& gradient, const Window& window,
                                                   Tensor& dkernel) {
  if (!known(dkernel) || x.size() == 0 || gradient.size() == 0 || dkernel.size() == 0)
    return SimdKernels::conv_backward_filter_elsewhere(x, gradient, window, dkernel);
  if (filter_gradient_on_tiles(x, gradient, window, dkernel)) return;
  const detail::SingleThreadedOmp single;
  const Convolution whole(dkernel.dtype(), x.shape(), dkernel.shape(), gradient.shape(), window);
  if (!sound(Direction::backward_filter, whole))
    return SimdKernels::conv_backward_filter_elsewhere(x, gradient, window, dkernel);
  // Each piece has a gradient of its own, summed in order: few pieces where the kernel is large beside the data.
  const std::int64_t most = std::clamp<std::int64_t>((x.size() + gradient.size()) / dkernel.size(), 2, 8);
  const Plan plan(Direction::backward_filter, whole, most);
  if (!plan.usable()) return SimdKernels::conv_backward_filter_elsewhere(x, gradient, window, dkernel);
  const Prepared& first = plan.first();
  const std::int64_t step = static_cast<std::int64_t>(first.weights.get_size() / sizeof(float) + 15) / 16 * 16;
  const std::int64_t count = static_cast<std::int64_t>(plan.pieces.size());
  const Scratch scratch(static_cast<std::size_t>(step * count) * sizeof(float));
  float* sums = static_cast<float*>(scratch.get());
  plan.run([&](std::int64_t i, const Piece& piece, const Prepared& p) {
    onednn::execute(p.primitive, p.scratchpad,
                    {{DNNL_ARG_SRC, p.source, address(x, piece.x)},
                     {DNNL_ARG_DIFF_DST, p.target, address(gradient, piece.y)},
                     {DNNL_ARG_DIFF_WEIGHTS, p.weights, sums + i * step}});
  });
  if (count > 1)
    detail::parallel_for(0, step, 16 * 1024, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = 1; i < count; ++i)
        simd::nn_loops().accumulate(end - begin, sums + i * step + begin, sums + begin);
    });
  if (first.from_weights)
    onednn::execute(first.from_weights, {},
                    {{DNNL_ARG_FROM, first.weights, sums}, {DNNL_ARG_TO, first.user_weights, dkernel.raw_data()}});
  else
    std::copy_n(sums, dkernel.size(), elements_of<float>(dkernel));
}

}  // namespace nyala::backend
