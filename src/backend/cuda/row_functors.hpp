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

/// x[r, i]
template <class T, class A = T>
struct LoadRow {
  const T* x;
  std::int64_t n;
  constexpr A operator()(std::int64_t r, std::int64_t i) const { return static_cast<A>(x[r * n + i]); }
};

/// x[i, r]
template <class T, class A = T>
struct LoadColumn {
  const T* x;
  std::int64_t columns;
  constexpr A operator()(std::int64_t r, std::int64_t i) const { return static_cast<A>(x[i * columns + r]); }
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
