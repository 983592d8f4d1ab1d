#include "backend/cpu/simd/channel_totals.hpp"
#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"

namespace nyala::backend {
namespace {

void write(const double* totals, const Tensor& out) {
  if (!out.defined()) return;
  float* to = floats(out);
  for (std::int64_t i = 0; i < out.size(); ++i) to[i] = static_cast<float>(totals[i]);
}

}  // namespace

void SimdKernels::layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y,
                             Tensor& mean, Tensor& inverse_deviation) {
  const bool half = half_rows(x, gamma, beta, mean, inverse_deviation) && all_half(x, y);
  if (!half && (!all_float32(x, gamma, beta, y, mean, inverse_deviation) || x.size() == 0)) {
    return ReferenceKernels::layer_norm(x, gamma, beta, epsilon, y, mean, inverse_deviation);
  }
  const std::int64_t rows = x.shape()[0], n = x.shape()[1];
  const float *from = floats(x), *factor = floats(gamma), *shift = floats(beta);
  float *to = floats(y), *center = floats(mean), *inverse = floats(inverse_deviation);
  detail::parallel_for(0, rows, rows_grain(n), [=, this](std::int64_t begin, std::int64_t end) {
    if (half) {
      alignas(64) float block[half_block];
      return for_half_rows(begin, end, n, [&](std::int64_t row, std::int64_t some) {
        table_.layer_norm(widened(x, row * n, some * n, block), factor, shift, epsilon, block, advance(center, row),
                          advance(inverse, row), some, n);
        narrow(block, y, row * n, some * n);
      });
    }
    table_.layer_norm(from + begin * n, factor, shift, epsilon, to + begin * n, advance(center, begin),
                      advance(inverse, begin), end - begin, n);
  });
}

void SimdKernels::layer_norm_backward(const Tensor& x, const Tensor& gradient, const Tensor& gamma, const Tensor& mean,
                                      const Tensor& inverse_deviation, Tensor& dx, Tensor& dgamma, Tensor& dbeta) {
  const bool half = half_rows(x, gamma, mean, inverse_deviation, dgamma, dbeta) && all_half(x, gradient, dx);
  if (!half && (!all_float32(x, gradient, gamma, mean, inverse_deviation, dx, dgamma, dbeta) || x.size() == 0)) {
    return ReferenceKernels::layer_norm_backward(x, gradient, gamma, mean, inverse_deviation, dx, dgamma, dbeta);
  }
  const std::int64_t n = x.shape()[1];
  const float *from = floats(x), *incoming = floats(gradient), *factor = floats(gamma), *center = floats(mean),
              *inverse = floats(inverse_deviation);
  float* to = floats(dx);
  const bool wants_gamma = dgamma.defined(), wants_beta = dbeta.defined();
  const ChannelTotals totals(
      x.shape()[0], n, [&, this](std::int64_t first, std::int64_t count, double* gammas, double* betas) {
        if (half) {
          alignas(64) float of_x[half_block], of_gradient[half_block];
          return for_half_rows(first, first + count, n, [&](std::int64_t row, std::int64_t some) {
            table_.layer_norm_backward(widened(x, row * n, some * n, of_x),
                                       widened(gradient, row * n, some * n, of_gradient), factor, center + row,
                                       inverse + row, of_x, wants_gamma ? gammas : nullptr,
                                       wants_beta ? betas : nullptr, some, n);
            narrow(of_x, dx, row * n, some * n);
          });
        }
        table_.layer_norm_backward(from + first * n, incoming + first * n, factor, center + first, inverse + first,
                                   to + first * n, wants_gamma ? gammas : nullptr, wants_beta ? betas : nullptr, count,
                                   n);
      });
  write(totals.first_all(), dgamma);
  write(totals.second_all(), dbeta);
}

}  // namespace nyala::backend
