#include <limits>
#include <optional>
#include <vector>

#include "backend/cpu/simd/channel_finish.hpp"
#include "backend/cpu/simd/channel_totals.hpp"
#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"

// Batch normalisation, alone and with what follows it. Data in float16 or bfloat16 go through in blocks.

namespace nyala::backend {
namespace {

/// Where relu and relu6 stop to grow (NaN: nowhere); empty for the other activations.
std::optional<float> ceiling_of(Unary activation) {
  if (activation == Unary::relu) return std::numeric_limits<float>::quiet_NaN();
  if (activation == Unary::relu6) return 6.0F;
  return std::nullopt;
}

/// fn(first row, rows) over rows [begin, end) of n elements each: in blocks if they must be widened, else at once.
template <class F>
void for_rows(bool half, std::int64_t begin, std::int64_t end, std::int64_t n, F&& fn) {
  if (half) return for_half_rows(begin, end, n, fn);
  fn(begin, end - begin);
}

/// A block of rows of a tensor that is read as float32, written as float32, or both.
class Rows {
 public:
  Rows(const Tensor& tensor, std::int64_t n) : tensor_(tensor), n_(n) {}

  const float* read(std::int64_t row, std::int64_t count) { return widened(tensor_, row * n_, count * n_, block_); }
  /// Where to write; `finish` brings it into the tensor.
  float* write(std::int64_t row) {
    return tensor_.dtype() == DType::float32 ? floats(tensor_) + row * n_ : static_cast<float*>(block_);
  }
  void finish(std::int64_t row, std::int64_t count) const {
    if (tensor_.dtype() != DType::float32) narrow(block_, tensor_, row * n_, count * n_);
  }

 private:
  const Tensor& tensor_;
  std::int64_t n_;
  alignas(64) float block_[half_block];
};

void take_moments(const SimdTable& table, bool half, const Tensor& x, Tensor& mean, Tensor& variance) {
  const std::int64_t rows = x.shape()[0], n = x.shape()[1];
  // Distances from the first row: small against the spread unless that row is far out, and then double has the digits.
  std::vector<float> first_row(static_cast<std::size_t>(half ? n : 0));
  const float* from = widened(x, 0, n, first_row.data());
  const ChannelTotals moments(rows, n, [&](std::int64_t first, std::int64_t count, double* sums, double* squares) {
    Rows of_x(x, n);
    for_rows(half, first, first + count, n, [&](std::int64_t row, std::int64_t some) {
      table.channel_moments(of_x.read(row, some), from, sums, squares, some, n);
    });
  });
  write_moments(moments, from, rows, mean, variance);
}

/// dx from the gradient by the normalised values (that passes where the gate lets it), whose sums are known.
void combine(const SimdTable& table, bool half, const Tensor& x, const Tensor& gradient, const simd::ChannelSteps* gate,
             const float* center, const ChannelCombination& to_x, Tensor& dx) {
  const std::int64_t rows = x.shape()[0], n = x.shape()[1];
  detail::parallel_for(0, rows, rows_grain(n), [&](std::int64_t begin, std::int64_t end) {
    Rows of_x(x, n), of_gradient(gradient, n), of_dx(dx, n);
    for_rows(half, begin, end, n, [&](std::int64_t row, std::int64_t some) {
      table.channel_combine(of_x.read(row, some), of_gradient.read(row, some), gate, center, to_x.a.data(),
                            to_x.b.data(), to_x.c.data(), of_dx.write(row), some, n);
      of_dx.finish(row, some);
    });
  });
}

}  // namespace

void SimdKernels::batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y,
                                   Tensor& mean, Tensor& variance) {
  const bool half = half_rows(x, gamma, beta, mean, variance) && all_half(x, y);
  if (!half && (!all_float32(x, gamma, beta, y, mean, variance) || x.size() == 0)) {
    return ReferenceKernels::batch_norm_train(x, gamma, beta, epsilon, y, mean, variance);
  }
  take_moments(table_, half, x, mean, variance);
  batch_norm_inference(x, mean, variance, gamma, beta, epsilon, y);
}

void SimdKernels::batch_norm_inference(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gamma,
                                       const Tensor& beta, double epsilon, Tensor& y) {
  const bool half = half_rows(x, gamma, beta, mean, variance) && all_half(x, y);
  if (!half && (!all_float32(x, mean, variance, gamma, beta, y) || x.size() == 0)) {
    return ReferenceKernels::batch_norm_inference(x, mean, variance, gamma, beta, epsilon, y);
  }
  const std::int64_t rows = x.shape()[0], n = x.shape()[1];
  const ChannelScale scale(variance, gamma, beta, epsilon);
  detail::parallel_for(0, rows, rows_grain(n), [&](std::int64_t begin, std::int64_t end) {
    Rows of_x(x, n), of_y(y, n);
    for_rows(half, begin, end, n, [&](std::int64_t row, std::int64_t some) {
      table_.channel_scale(of_x.read(row, some), floats(mean), scale.factor.data(), scale.shift.data(), of_y.write(row),
                           some, n);
      of_y.finish(row, some);
    });
  });
}

void SimdKernels::batch_norm_backward(const Tensor& x, const Tensor& gradient, const Tensor& gamma, const Tensor& mean,
                                      const Tensor& variance, double epsilon, Tensor& dx, Tensor& dgamma,
                                      Tensor& dbeta) {
  const bool half = half_rows(x, gamma, mean, variance, dgamma, dbeta) && all_half(x, gradient, dx);
  if (!half && (!all_float32(x, gradient, gamma, mean, variance, dx, dgamma, dbeta) || x.size() == 0)) {
    return ReferenceKernels::batch_norm_backward(x, gradient, gamma, mean, variance, epsilon, dx, dgamma, dbeta);
  }
  const std::int64_t rows = x.shape()[0], n = x.shape()[1];
  const float* center = floats(mean);
  const ChannelTotals totals(rows, n, [&](std::int64_t first, std::int64_t count, double* sums, double* products) {
    Rows of_x(x, n), of_gradient(gradient, n);
    for_rows(half, first, first + count, n, [&](std::int64_t row, std::int64_t some) {
      table_.channel_products(of_x.read(row, some), of_gradient.read(row, some), center, sums, products, some, n);
    });
  });
  combine(table_, half, x, gradient, nullptr, center,
          ChannelCombination(totals, rows, gamma, variance, epsilon, dgamma, dbeta), dx);
}

void SimdKernels::batch_norm_activation_train(Unary activation, const Tensor& x, const Tensor& gamma,
                                              const Tensor& beta, const Tensor& residual, double epsilon, Tensor& y,
                                              Tensor& mean, Tensor& variance) {
  const std::optional<float> ceiling = ceiling_of(activation);
  const bool half = half_rows(x, gamma, beta, mean, variance) && all_half(x, residual, y);
  if (!ceiling || (!half && (!all_float32(x, gamma, beta, residual, y, mean, variance) || x.size() == 0))) {
    return Kernels::batch_norm_activation_train(activation, x, gamma, beta, residual, epsilon, y, mean, variance);
  }
  take_moments(table_, half, x, mean, variance);
  const std::int64_t rows = x.shape()[0], n = x.shape()[1];
  const ChannelScale scale(variance, gamma, beta, epsilon);
  detail::parallel_for(0, rows, rows_grain(n), [&](std::int64_t begin, std::int64_t end) {
    Rows of_x(x, n), of_residual(residual, n), of_y(y, n);
    for_rows(half, begin, end, n, [&](std::int64_t row, std::int64_t some) {
      table_.channel_activate(of_x.read(row, some), floats(mean), scale.factor.data(), scale.shift.data(),
                              of_residual.read(row, some), 0.0F, *ceiling, of_y.write(row), some, n);
      of_y.finish(row, some);
    });
  });
}

void SimdKernels::finish(const Finish& next, Tensor& y) {
  if (!all_float32(y) || !ChannelFinish::suits(next) || y.size() == 0) return ReferenceKernels::finish(next, y);
  const std::int64_t rows = y.shape()[0], n = y.shape()[1];
  const ChannelFinish apply(table_, next, n);
  detail::parallel_for(0, rows, rows_grain(n),
                       [&](std::int64_t begin, std::int64_t end) { apply(floats(y), begin * n, (end - begin) * n); });
}

void SimdKernels::batch_norm_activation_backward(Unary activation, const Tensor& x, const Tensor& y,
                                                 const Tensor& gradient, const Tensor& gamma, const Tensor& beta,
                                                 const Tensor& residual, const Tensor& mean, const Tensor& variance,
                                                 double epsilon, Tensor& dx, Tensor& dgamma, Tensor& dbeta,
                                                 Tensor& dresidual) {
  const std::optional<float> ceiling = ceiling_of(activation);
  const bool half =
      half_rows(x, gamma, beta, mean, variance, dgamma, dbeta) && all_half(x, y, gradient, residual, dx, dresidual);
  if (!ceiling ||
      (!half && (!all_float32(x, y, gradient, gamma, beta, residual, mean, variance, dx, dgamma, dbeta, dresidual) ||
                 x.size() == 0))) {
    return Kernels::batch_norm_activation_backward(activation, x, y, gradient, gamma, beta, residual, mean, variance,
                                                   epsilon, dx, dgamma, dbeta, dresidual);
  }
  const std::int64_t rows = x.shape()[0], n = x.shape()[1];
  const ChannelScale scale(variance, gamma, beta, epsilon);
  const simd::ChannelSteps steps{floats(mean), scale.factor.data(), scale.shift.data(), nullptr, 0.0F, *ceiling};
  // With a residual, what the activation lets through is kept, in dx if nowhere else, until the sums over it are known.
  // Without, both sweeps see from x what that is, which is less to read and to write.
  const bool kept = residual.defined();
  const Tensor& before = dresidual.defined() ? dresidual : dx;
  const ChannelTotals totals(rows, n, [&](std::int64_t first, std::int64_t count, double* sums, double* products) {
    Rows of_x(x, n), of_y(y, n), of_gradient(gradient, n), of_before(before, n);
    for_rows(half, first, first + count, n, [&](std::int64_t row, std::int64_t some) {
      table_.channel_gradient(of_x.read(row, some), kept ? of_y.read(row, some) : nullptr, of_gradient.read(row, some),
                              steps, kept ? of_before.write(row) : nullptr, sums, products, some, n);
      if (kept) of_before.finish(row, some);
    });
  });
  combine(table_, half, x, kept ? before : gradient, kept ? nullptr : &steps, floats(mean),
          ChannelCombination(totals, rows, gamma, variance, epsilon, dgamma, dbeta), dx);
}

}  // namespace nyala::backend
