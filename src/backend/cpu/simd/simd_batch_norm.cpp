#include <limits>
#include <optional>

#include "backend/cpu/simd/channel_totals.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"

// Batch normalisation with what follows it.

namespace nyala::backend {
namespace {

/// Where relu and relu6 stop to grow (NaN: nowhere); empty for the other activations.
std::optional<float> ceiling_of(Unary activation) {
  if (activation == Unary::relu) return std::numeric_limits<float>::quiet_NaN();
  if (activation == Unary::relu6) return 6.0F;
  return std::nullopt;
}

}  // namespace

void SimdKernels::batch_norm_activation_train(Unary activation, const Tensor& x, const Tensor& gamma,
                                              const Tensor& beta, const Tensor& residual, double epsilon, Tensor& y,
                                              Tensor& mean, Tensor& variance) {
  const std::optional<float> ceiling = ceiling_of(activation);
  if (!ceiling || !all_float32(x, gamma, beta, residual, y, mean, variance) || x.size() == 0) {
    return Kernels::batch_norm_activation_train(activation, x, gamma, beta, residual, epsilon, y, mean, variance);
  }
  const std::int64_t rows = x.shape()[0], n = x.shape()[1];
  const float *from = floats(x), *center = floats(mean), *added = floats(residual);
  const ChannelTotals moments(rows, n, [&](std::int64_t first, std::int64_t count, double* sums, double* squares) {
    table_.channel_moments(from + first * n, from, sums, squares, count, n);
  });
  write_moments(moments, from, rows, mean, variance);
  const ChannelScale scale(variance, gamma, beta, epsilon);
  detail::parallel_for(0, rows, rows_grain(n), [&, to = floats(y)](std::int64_t begin, std::int64_t end) {
    table_.channel_activate(from + begin * n, center, scale.factor.data(), scale.shift.data(),
                            advance(added, begin * n), *ceiling, to + begin * n, end - begin, n);
  });
}

void SimdKernels::batch_norm_activation_backward(Unary activation, const Tensor& x, const Tensor& y,
                                                 const Tensor& gradient, const Tensor& gamma, const Tensor& mean,
                                                 const Tensor& variance, double epsilon, Tensor& dx, Tensor& dgamma,
                                                 Tensor& dbeta, Tensor& dresidual) {
  const std::optional<float> ceiling = ceiling_of(activation);
  if (!ceiling || !all_float32(x, y, gradient, gamma, mean, variance, dx, dgamma, dbeta, dresidual) || x.size() == 0) {
    return Kernels::batch_norm_activation_backward(activation, x, y, gradient, gamma, mean, variance, epsilon, dx,
                                                   dgamma, dbeta, dresidual);
  }
  const std::int64_t rows = x.shape()[0], n = x.shape()[1];
  const float *from = floats(x), *result = floats(y), *incoming = floats(gradient), *center = floats(mean);
  // Without a residual, dx holds the gradient before the activation until the sums over it are known.
  float *to = floats(dx), *before = dresidual.defined() ? floats(dresidual) : to;
  const ChannelTotals totals(rows, n, [&](std::int64_t first, std::int64_t count, double* sums, double* products) {
    table_.channel_gradient(from + first * n, result + first * n, incoming + first * n, *ceiling, center,
                            before + first * n, sums, products, count, n);
  });
  const ChannelCombination to_x(totals, rows, gamma, variance, epsilon, dgamma, dbeta);
  detail::parallel_for(0, rows, rows_grain(n), [&](std::int64_t begin, std::int64_t end) {
    table_.channel_combine(from + begin * n, before + begin * n, center, to_x.a.data(), to_x.b.data(), to_x.c.data(),
                           to + begin * n, end - begin, n);
  });
}

}  // namespace nyala::backend
