#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "backend/cpu/scratch.hpp"
#include "backend/cpu/simd/simd_support.hpp"

// What normalisations by channel share.

namespace nyala::backend {

/// Two totals for each of n channels, gathered by `add(first row, rows, totals, other totals)` over parts of the rows
/// and joined in order.
class ChannelTotals {
 public:
  template <class F>
  ChannelTotals(std::int64_t rows, std::int64_t n, F&& add)
      : n_(n), count_(rows <= rows_grain(n) ? 1 : detail::Chunks::of(rows, rows_grain(n)).count), memory_(bytes()) {
    std::fill_n(totals(), 2 * n * count_, 0.0);
    if (count_ == 1) {
      add(std::int64_t{0}, rows, totals(), totals() + n);
      return;
    }
    detail::parallel_chunks(0, rows, rows_grain(n), [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
      double* part = totals() + 2 * n * chunk;
      add(begin, end - begin, part, part + n);
    });
    for (std::int64_t chunk = 1; chunk < count_; ++chunk) {
      for (std::int64_t i = 0; i < 2 * n; ++i) totals()[i] += totals()[2 * n * chunk + i];
    }
  }
  double first(std::int64_t channel) const { return totals()[channel]; }
  double second(std::int64_t channel) const { return totals()[n_ + channel]; }
  const double* first_all() const { return totals(); }
  const double* second_all() const { return totals() + n_; }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(2 * n_ * count_) * sizeof(double); }
  double* totals() const { return static_cast<double*>(memory_.get()); }

  std::int64_t n_, count_;  // channels, parts
  Scratch memory_;          // the totals of each part, those of all in the first's place
};

inline double value_or(const Tensor& values, std::int64_t i, double otherwise) {
  return values.defined() ? static_cast<double>(floats(values)[i]) : otherwise;
}

/// The moments of n channels over `rows` rows, from sums over x - first_row and its square.
inline void write_moments(const ChannelTotals& sums, const float* first_row, std::int64_t rows, const Tensor& mean,
                          const Tensor& variance) {
  const auto count = static_cast<double>(rows);
  for (std::int64_t k = 0; k < mean.size(); ++k) {
    const double distance = sums.first(k) / count;
    const double spread = sums.second(k) / count - distance * distance;
    floats(mean)[k] = static_cast<float>(static_cast<double>(first_row[k]) + distance);
    floats(variance)[k] = static_cast<float>(spread < 0 ? 0 : spread);
  }
}

/// Batch normalisation as y = (x - mean) * factor + shift.
struct ChannelScale {
  std::vector<float> factor, shift;

  ChannelScale(const Tensor& variance, const Tensor& gamma, const Tensor& beta, double epsilon)
      : factor(static_cast<std::size_t>(variance.size())), shift(factor.size()) {
    for (std::size_t place = 0; place < factor.size(); ++place) {
      const auto k = static_cast<std::int64_t>(place);
      const double inverse = 1 / std::sqrt(static_cast<double>(floats(variance)[k]) + epsilon);
      factor[place] = static_cast<float>(value_or(gamma, k, 1) * inverse);
      shift[place] = static_cast<float>(value_or(beta, k, 0));
    }
  }
};

/// Its gradient as dx = gradient * a + (x - mean) * b + c, from sums over the gradient and over gradient * (x - mean);
/// writes those of gamma and beta.
struct ChannelCombination {
  std::vector<float> a, b, c;

  ChannelCombination(const ChannelTotals& sums, std::int64_t rows, const Tensor& gamma, const Tensor& variance,
                     double epsilon, const Tensor& dgamma, const Tensor& dbeta)
      : a(static_cast<std::size_t>(variance.size())), b(a.size()), c(a.size()) {
    const auto count = static_cast<double>(rows);
    for (std::size_t place = 0; place < a.size(); ++place) {
      const auto k = static_cast<std::int64_t>(place);
      const double inverse = 1 / std::sqrt(static_cast<double>(floats(variance)[k]) + epsilon);
      const double factor = value_or(gamma, k, 1) * inverse;
      a[place] = static_cast<float>(factor);
      b[place] = static_cast<float>(-factor * inverse * inverse * sums.second(k) / count);
      c[place] = static_cast<float>(-factor * sums.first(k) / count);
      if (dgamma.defined()) floats(dgamma)[k] = static_cast<float>(sums.second(k) * inverse);
      if (dbeta.defined()) floats(dbeta)[k] = static_cast<float>(sums.first(k));
    }
  }
};

}  // namespace nyala::backend
