#include "runtime/product.hpp"

#include <algorithm>

namespace softgpu {
namespace {

template <class T>
[[gnu::always_inline]] inline void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const T* a, const T* b,
                                            T* out) {
  constexpr std::int64_t strip = 64;
  for (std::int64_t first = 0; first < m; first += strip) {
    const std::int64_t width = std::min(strip, m - first);
    for (std::int64_t row = 0; row < n; ++row) {
      T sums[strip] = {};
      if (width == strip) {
        for (std::int64_t i = 0; i < k; ++i) {
          const T factor = b[row * k + i];
          const T* line = a + i * m + first;
          for (std::int64_t j = 0; j < strip; ++j) sums[j] += factor * line[j];
        }
      } else {
        for (std::int64_t i = 0; i < k; ++i) {
          const T factor = b[row * k + i];
          const T* line = a + i * m + first;
          for (std::int64_t j = 0; j < width; ++j) sums[j] += factor * line[j];
        }
      }
      std::copy(sums, sums + width, out + row * m + first);
    }
  }
}

template <class T>
[[gnu::target("avx2")]] void multiply_avx2(std::int64_t m, std::int64_t n, std::int64_t k, const T* a, const T* b,
                                           T* out) {
  multiply(m, n, k, a, b, out);
}

template <class T>
void choose(std::int64_t m, std::int64_t n, std::int64_t k, const T* a, const T* b, T* out) {
  if (__builtin_cpu_supports("avx2"))
    multiply_avx2(m, n, k, a, b, out);
  else
    multiply(m, n, k, a, b, out);
}

}  // namespace

void product(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b, float* out) {
  choose(m, n, k, a, b, out);
}
void product(std::int64_t m, std::int64_t n, std::int64_t k, const double* a, const double* b, double* out) {
  choose(m, n, k, a, b, out);
}

}  // namespace softgpu
