#include <cmath>
#include <vector>

#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"

namespace nyala::backend {
namespace {

/// Two totals for each of n channels, gathered by `add(first row, rows, totals, other totals)` over parts of the rows
/// and joined in order.
class ChannelTotals {
 public:
  template <class F>
  ChannelTotals(std::int64_t rows, std::int64_t n, F&& add) : n_(n), totals_(static_cast<std::size_t>(2 * n)) {
    const std::int64_t grain = rows_grain(n);
    if (rows <= grain) {
      add(std::int64_t{0}, rows, totals_.data(), totals_.data() + n);
      return;
    }
    const std::int64_t count = detail::Chunks::of(rows, grain).count;
    std::vector<double> parts(static_cast<std::size_t>(2 * n * count));
    detail::parallel_chunks(0, rows, grain, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
      double* part = parts.data() + 2 * n * chunk;
      add(begin, end - begin, part, part + n);
    });
    for (std::int64_t chunk = 0; chunk < count; ++chunk) {
      for (std::int64_t i = 0; i < 2 * n; ++i) {
        totals_[static_cast<std::size_t>(i)] += parts[static_cast<std::size_t>(2 * n * chunk + i)];
      }
    }
  }
  double first(std::int64_t channel) const { return totals_[static_cast<std::size_t>(channel)]; }
  double second(std::int64_t channel) const { return totals_[static_cast<std::size_t>(n_ + channel)]; }
  const double* first_all() const { return totals_.data(); }
  const double* second_all() const { return totals_.data() + n_; }

 private:
  std::int64_t n_;
  std::vector<double> totals_;
};

double at(const float* values, std::int64_t i, double otherwise) {
  return values == nullptr ? otherwise : static_cast<double>(values[i]);
}

void write(const double* totals, const Tensor& out) {
  if (!out.defined()) return;
  float* to = floats(out);
  for (std::int64_t i = 0; i < out.size(); ++i) to[i] = static_cast<float>(totals[i]);
}

/// Whether the data may be in float16 or bfloat16 while everything else is float32.
template <class... T>
bool half_rows(const Tensor& x, const T&... statistics) {
  return is_half(x.dtype()) && x.size() > 0 && x.shape()[1] <= half_block && all_float32(statistics...);
}

}  // namespace

void SimdKernels::batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y,
                                   Tensor& mean, Tensor& variance) {
  const bool half = half_rows(x, gamma, beta, mean, variance) && all_half(x, y);
  if (!half && (!all_float32(x, gamma, beta, y, mean, variance) || x.size() == 0)) {
    return ReferenceKernels::batch_norm_train(x, gamma, beta, epsilon, y, mean, variance);
  }
  const std::int64_t rows = x.shape()[0], n = x.shape()[1];
  std::vector<float> first_row(static_cast<std::size_t>(half ? n : 0));
  const float* from = widened(x, 0, n, first_row.data());
  // Distances from the first row: small against the spread unless that row is far out, and then double has the digits.
  const ChannelTotals moments(rows, n, [&](std::int64_t first, std::int64_t count, double* sums, double* squares) {
    if (!half) return table_.channel_moments(from + first * n, from, sums, squares, count, n);
    alignas(64) float block[half_block];
    for_half_rows(first, first + count, n, [&](std::int64_t row, std::int64_t some) {
      table_.channel_moments(widened(x, row * n, some * n, block), from, sums, squares, some, n);
    });
  });
  const auto count = static_cast<double>(rows);
  for (std::int64_t k = 0; k < n; ++k) {
    const double distance = moments.first(k) / count;
    const double spread = moments.second(k) / count - distance * distance;
    floats(mean)[k] = static_cast<float>(static_cast<double>(from[k]) + distance);
    floats(variance)[k] = static_cast<float>(spread < 0 ? 0 : spread);
  }
  batch_norm_inference(x, mean, variance, gamma, beta, epsilon, y);
}

void SimdKernels::batch_norm_inference(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gamma,
                                       const Tensor& beta, double epsilon, Tensor& y) {
  const bool half = half_rows(x, gamma, beta, mean, variance) && all_half(x, y);
  if (!half && (!all_float32(x, mean, variance, gamma, beta, y) || x.size() == 0)) {
    return ReferenceKernels::batch_norm_inference(x, mean, variance, gamma, beta, epsilon, y);
  }
  const std::int64_t rows = x.shape()[0], n = x.shape()[1];
  std::vector<float> factor(static_cast<std::size_t>(n)), shift(factor.size());
  for (std::int64_t k = 0; k < n; ++k) {
    const double inverse = 1 / std::sqrt(static_cast<double>(floats(variance)[k]) + epsilon);
    factor[static_cast<std::size_t>(k)] = static_cast<float>(at(floats(gamma), k, 1) * inverse);
    shift[static_cast<std::size_t>(k)] = static_cast<float>(at(floats(beta), k, 0));
  }
  const float *from = floats(x), *center = floats(mean);
  detail::parallel_for(0, rows, rows_grain(n), [&, to = floats(y)](std::int64_t begin, std::int64_t end) {
    if (half) {
      alignas(64) float block[half_block];
      return for_half_rows(begin, end, n, [&](std::int64_t row, std::int64_t some) {
        table_.channel_scale(widened(x, row * n, some * n, block), center, factor.data(), shift.data(), block, some, n);
        narrow(block, y, row * n, some * n);
      });
    }
    table_.channel_scale(from + begin * n, center, factor.data(), shift.data(), to + begin * n, end - begin, n);
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
  const float *from = floats(x), *incoming = floats(gradient), *center = floats(mean);
  const ChannelTotals totals(rows, n, [&](std::int64_t first, std::int64_t count, double* sums, double* products) {
    if (!half) return table_.channel_products(from + first * n, incoming + first * n, center, sums, products, count, n);
    alignas(64) float of_x[half_block], of_gradient[half_block];
    for_half_rows(first, first + count, n, [&](std::int64_t row, std::int64_t some) {
      table_.channel_products(widened(x, row * n, some * n, of_x), widened(gradient, row * n, some * n, of_gradient),
                              center, sums, products, some, n);
    });
  });
  std::vector<float> a(static_cast<std::size_t>(n)), b(a.size()), c(a.size());
  const auto count = static_cast<double>(rows);
  for (std::int64_t k = 0; k < n; ++k) {
    const auto place = static_cast<std::size_t>(k);
    const double inverse = 1 / std::sqrt(static_cast<double>(floats(variance)[k]) + epsilon);
    const double factor = at(floats(gamma), k, 1) * inverse;
    a[place] = static_cast<float>(factor);
    b[place] = static_cast<float>(-factor * inverse * inverse * totals.second(k) / count);
    c[place] = static_cast<float>(-factor * totals.first(k) / count);
    if (dgamma.defined()) floats(dgamma)[k] = static_cast<float>(totals.second(k) * inverse);
    if (dbeta.defined()) floats(dbeta)[k] = static_cast<float>(totals.first(k));
  }
  detail::parallel_for(0, rows, rows_grain(n), [&, to = floats(dx)](std::int64_t begin, std::int64_t end) {
    if (half) {
      alignas(64) float of_x[half_block], of_gradient[half_block];
      return for_half_rows(begin, end, n, [&](std::int64_t row, std::int64_t some) {
        table_.channel_combine(widened(x, row * n, some * n, of_x), widened(gradient, row * n, some * n, of_gradient),
                               center, a.data(), b.data(), c.data(), of_x, some, n);
        narrow(of_x, dx, row * n, some * n);
      });
    }
    table_.channel_combine(from + begin * n, incoming + begin * n, center, a.data(), b.data(), c.data(), to + begin * n,
                           end - begin, n);
  });
}

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
