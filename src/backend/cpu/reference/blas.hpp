#pragma once

#include <cstdint>

namespace nyala::backend {

/// Row-major c (m, n) = op(a) (m, k) · op(b) (k, n), or c += with `add`; the `stride`s are elements from row to row as
/// stored. Single-threaded, so that results do not depend on the number of threads. Sizes may be 0.
struct Gemm {
  bool transpose_a = false, transpose_b = false, add = false;
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t stride_a = 0, stride_b = 0, stride_c = 0;
};
void gemm(const Gemm& sizes, const float* a, const float* b, float* c);
void gemm(const Gemm& sizes, const double* a, const double* b, double* c);

/// Makes an OpenBLAS that is linked in use one thread only. Cheap after the first call.
void use_one_blas_thread();

}  // namespace nyala::backend
