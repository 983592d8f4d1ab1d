#include <algorithm>

#include "backend/cpu/reference/blas.hpp"
#include "backend/cpu/reference/nn_support.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

struct Product {
  std::int64_t batch, m, n, k, step_a, step_b;  // steps: elements from matrix to matrix, 0 for a batch of 1

  Product(const Tensor& a, const Tensor& b, bool transpose_a, const Tensor& out)
      : batch(out.shape()[0]),
        m(out.shape()[1]),
        n(out.shape()[2]),
        k(a.shape()[transpose_a ? 1 : 2]),
        step_a(a.shape()[0] == 1 ? 0 : m * k),
        step_b(b.shape()[0] == 1 ? 0 : k * n) {}
};

// BLAS knows no integers; sums wrap around as NumPy's do.
template <class T>
void multiply_integers(const Product& p, bool transpose_a, bool transpose_b, bool add, const T* a, const T* b, T* out) {
  for (std::int64_t i = 0; i < p.batch; ++i, a += p.step_a, b += p.step_b, out += p.m * p.n) {
    for (std::int64_t row = 0; row < p.m; ++row) {
      for (std::int64_t column = 0; column < p.n; ++column) {
        std::uint64_t sum = add ? static_cast<std::uint64_t>(out[row * p.n + column]) : 0;
        for (std::int64_t j = 0; j < p.k; ++j)
          sum += static_cast<std::uint64_t>(a[transpose_a ? j * p.m + row : row * p.k + j]) *
                 static_cast<std::uint64_t>(b[transpose_b ? column * p.k + j : j * p.n + column]);
        out[row * p.n + column] = static_cast<T>(sum);
      }
    }
  }
}

template <class F>
bool for_integer(DType dtype, F&& fn) {
  switch (dtype) {
    case DType::uint8: fn(std::uint8_t()); return true;
    case DType::uint16: fn(std::uint16_t()); return true;
    case DType::uint32: fn(std::uint32_t()); return true;
    case DType::uint64: fn(std::uint64_t()); return true;
    case DType::int8: fn(std::int8_t()); return true;
    case DType::int16: fn(std::int16_t()); return true;
    case DType::int32: fn(std::int32_t()); return true;
    case DType::int64: fn(std::int64_t()); return true;
    default: return false;
  }
}

}  // namespace

void ReferenceKernels::matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b, bool add,
                              Tensor& out) {
  if (is_half(out.dtype())) {
    Widened wide(*this);
    matmul(wide.in(a), wide.in(b), transpose_a, transpose_b, add, add ? wide.in_out(out) : wide.out(out));
    return wide.finish();
  }
  const Product p(a, b, transpose_a, out);
  const bool done = for_float(out.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Gemm sizes{transpose_a, transpose_b, add, p.m, p.n, p.k, transpose_a ? p.m : p.k, transpose_b ? p.k : p.n,
                     p.n};
    for (std::int64_t i = 0; i < p.batch; ++i)
      gemm(sizes, elements_of<T>(a) + i * p.step_a, elements_of<T>(b) + i * p.step_b,
           elements_of<T>(out) + i * p.m * p.n);
  });
  if (done) return;
  const bool integers = for_integer(out.dtype(), [&](auto zero) {
    using T = decltype(zero);
    multiply_integers<T>(p, transpose_a, transpose_b, add, elements_of<T>(a), elements_of<T>(b), elements_of<T>(out));
  });
  if (!integers) missing("matmul", out);
}

void ReferenceKernels::dense(const Tensor& x, const Tensor& kernel, const Tensor& bias, FusedActivation activation,
                             Tensor& before, Tensor& out, Tensor* mask) {
  if (is_half(out.dtype())) {
    Widened wide(*this);
    dense(wide.in(x), wide.in(kernel), wide.in(bias), activation, wide.out(before), wide.out(out), mask);
    return wide.finish();
  }
  const bool done = for_float(out.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t rows = x.shape()[0], in = kernel.shape()[0], units = kernel.shape()[1];
    T* sums = elements_of<T>(before.defined() ? before : out);
    if (bias.defined())
      for (std::int64_t row = 0; row < rows; ++row) std::copy_n(elements_of<T>(bias), units, sums + row * units);
    gemm({false, false, bias.defined(), rows, units, in, in, units, units}, elements_of<T>(x), elements_of<T>(kernel),
         sums);
  });
  if (!done) missing("dense", out);
  finish_activation(*this, activation, before, out);
}

}  // namespace nyala::backend
