#include "backend/cpu/simd/loops.hpp"
#include "backend/cpu/simd/math.hpp"
#include "backend/cpu/simd/reduce.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {
namespace {

float log_of(double x) { return log(splat(static_cast<float>(x)))[0]; }

/// Σ exp(x - largest), the terms kept in `terms` unless that is null.
double sum_of_exp(const float* x, float largest_x, float* terms, std::int64_t n) {
  DoublePair total;
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Floats e = exp(load(x + i) - largest_x);
    if (terms != nullptr) store(e, terms + i);
    total.add(e);
  }
  if (i < n) {
    const Floats e = exp(load_part(x + i, n - i) - largest_x);
    if (terms != nullptr) store_part(e, terms + i, n - i);
    for (std::int64_t k = 0; k < n - i; ++k) total.low[0] += static_cast<double>(e[k]);
  }
  return total.sum();
}

double dot(const float* a, const float* b, std::int64_t n) {
  DoublePair total;
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) total.add_product(load(a + i), load(b + i));
  if (i < n) total.add_product(load_part(a + i, n - i, 0.0F), load_part(b + i, n - i, 0.0F));
  return total.sum();
}

}  // namespace

void softmax(const float* x, float* y, std::int64_t rows, std::int64_t n, bool logarithm) {
  for (std::int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const float top = max_of(x, n);
    if (logarithm) {
      const float log_total = log_of(sum_of_exp(x, top, nullptr, n));
      map(x, y, n, [=](Floats value) { return value - top - log_total; });
    } else {
      const auto share = static_cast<float>(1 / sum_of_exp(x, top, y, n));
      map(y, y, n, [=](Floats value) { return value * share; });
    }
  }
}

void softmax_backward(const float* y, const float* gradient, float* dx, std::int64_t rows, std::int64_t n,
                      bool logarithm) {
  for (std::int64_t r = 0; r < rows; ++r, y += n, gradient += n, dx += n) {
    if (logarithm) {
      const auto total = static_cast<float>(sum_of(gradient, n, [](Floats g) { return g; }));
      map(y, gradient, dx, n, [=](Floats value, Floats g) { return g - exp(value) * total; });
    } else {
      const auto total = static_cast<float>(dot(y, gradient, n));
      map(y, gradient, dx, n, [=](Floats value, Floats g) { return value * (g - total); });
    }
  }
}

void crossentropy(const float* logits, const std::int64_t* labels, float* loss, std::int64_t rows, std::int64_t n) {
  for (std::int64_t r = 0; r < rows; ++r, logits += n) {
    const float top = max_of(logits, n);
    loss[r] = log_of(sum_of_exp(logits, top, nullptr, n)) - (logits[labels[r]] - top);
  }
}

void crossentropy_backward(const float* logits, const std::int64_t* labels, const float* gradient, float* dlogits,
                           std::int64_t rows, std::int64_t n) {
  for (std::int64_t r = 0; r < rows; ++r, logits += n, dlogits += n) {
    const auto factor =
        static_cast<float>(static_cast<double>(gradient[r]) / sum_of_exp(logits, max_of(logits, n), dlogits, n));
    map(dlogits, dlogits, n, [=](Floats e) { return e * factor; });
    dlogits[labels[r]] -= gradient[r];
  }
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
