#pragma once

#include <cstdint>

namespace nyala::backend::cuda {

// Functors that the kernels over the rows of a matrix share; see device/reduce.hpp.

template <class A>
struct Plus {
  constexpr A operator()(A a, A b) const { return a + b; }
};

/// A NaN is never the larger one.
template <class A>
struct Larger {
  constexpr A operator()(A a, A b) const { return a < b ? b : a; }
};

/// Two sums at a time.
template <class A>
struct Sums {
  A first, second;
  constexpr Sums operator+(const Sums& other) const { return {first + other.first, second + other.second}; }
};

/// The rows of a matrix of n columns, or its columns.
template <class T>
struct Lines {
  const T* x;
  std::int64_t n;
  bool of_columns;
  constexpr T at(std::int64_t line, std::int64_t i) const { return x[of_columns ? i * n + line : line * n + i]; }
};

template <class T, class A = T>
struct LoadLine {
  Lines<T> lines;
  constexpr A operator()(std::int64_t line, std::int64_t i) const { return static_cast<A>(lines.at(line, i)); }
};

/// (x - the line's mean)²
template <class T>
struct LoadSquaredDistance {
  Lines<T> lines;
  const double* mean;
  constexpr double operator()(std::int64_t line, std::int64_t i) const {
    const double off = static_cast<double>(lines.at(line, i)) - mean[line];
    return off * off;
  }
};

/// out = in, rounded
template <class T>
struct Round {
  const double* in;
  T* out;
  constexpr void operator()(std::int64_t i) const { out[i] = static_cast<T>(in[i]); }
};

template <class A, class T = A>
struct StoreEach {
  T* out;
  constexpr void operator()(std::int64_t r, A value) const { out[r] = static_cast<T>(value); }
};

/// The sum over n values as their mean; 0 for n = 0.
template <class T>
struct StoreMean {
  T* out;
  std::int64_t n;
  constexpr void operator()(std::int64_t r, T sum) const { out[r] = n == 0 ? T(0) : sum / static_cast<T>(n); }
};

}  // namespace nyala::backend::cuda
