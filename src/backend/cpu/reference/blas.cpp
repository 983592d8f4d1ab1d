#include "backend/cpu/reference/blas.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include <nyala/error.hpp>

#include <xtensor-blas/xblas.hpp>

extern "C" __attribute__((weak)) void openblas_set_num_threads(int count);

namespace nyala::backend {
namespace {

// A BLAS counts in int.
xt::blas_index_t blas_size(std::int64_t size) {
  if (size > std::numeric_limits<xt::blas_index_t>::max())
    throw Error("matmul: a matrix may have at most 2147483647 rows or columns, got " + std::to_string(size));
  return static_cast<xt::blas_index_t>(size);
}

cxxblas::Transpose transposed(bool yes) { return yes ? cxxblas::Transpose::Trans : cxxblas::Transpose::NoTrans; }

template <class T>
void run(const Gemm& g, const T* a, const T* b, T* c) {
  if (g.m == 0 || g.n == 0) return;
  if (g.k == 0) {
    if (!g.add)
      for (std::int64_t row = 0; row < g.m; ++row) std::fill_n(c + row * g.stride_c, g.n, T(0));
    return;
  }
  use_one_blas_thread();
  cxxblas::gemm<xt::blas_index_t>(cxxblas::StorageOrder::RowMajor, transposed(g.transpose_a), transposed(g.transpose_b),
                                  blas_size(g.m), blas_size(g.n), blas_size(g.k), T(1), a, blas_size(g.stride_a), b,
                                  blas_size(g.stride_b), g.add ? T(1) : T(0), c, blas_size(g.stride_c));
}

}  // namespace

void use_one_blas_thread() {
  static const bool done = [] {
    if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

void gemm(const Gemm& sizes, const float* a, const float* b, float* c) { run(sizes, a, b, c); }
void gemm(const Gemm& sizes, const double* a, const double* b, double* c) { run(sizes, a, b, c); }

}  // namespace nyala::backend
