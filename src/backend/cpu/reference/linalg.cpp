#include <algorithm>
#include <cmath>
#include <exception>

#include <nyala/error.hpp>

#include "backend/cpu/reference/blas.hpp"
#include "backend/cpu/reference/nn_support.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

#include <xtensor-blas/xlinalg.hpp>
#include <xtensor/xarray.hpp>

namespace nyala::backend {
namespace {

template <class T>
using Matrix = xt::xarray<T>;

/// The last two axes of a tensor; all others are a batch.
struct Stack {
  std::int64_t batch = 1, rows = 0, columns = 0;

  explicit Stack(const Tensor& x) : rows(x.shape().at(-2)), columns(x.shape().at(-1)) {
    for (int axis = 0; axis + 2 < x.rank(); ++axis) batch *= x.shape().at(axis);
  }
  std::int64_t elements() const { return rows * columns; }
  bool empty() const { return elements() == 0; }

  template <class T>
  Matrix<T> read(const Tensor& x, std::int64_t i) const {
    auto matrix = Matrix<T>::from_shape({static_cast<std::size_t>(rows), static_cast<std::size_t>(columns)});
    std::copy_n(elements_of<T>(x) + i * elements(), elements(), matrix.data());
    return matrix;
  }
};

/// Stores a matrix or vector, whatever its layout, as the i-th of a tensor's.
template <class T, class E>
void write(const E& values, Tensor& out, std::int64_t i) {
  std::copy(values.template begin<xt::layout_type::row_major>(), values.template end<xt::layout_type::row_major>(),
            elements_of<T>(out) + i * static_cast<std::int64_t>(values.size()));
}

template <class T>
void write_identity(Tensor& out, std::int64_t i, std::int64_t n) {
  T* first = elements_of<T>(out) + i * n * n;
  for (std::int64_t j = 0; j < n * n; ++j) first[j] = j % (n + 1) == 0 ? T(1) : T(0);
}

/// LAPACK's failures, as xtensor-blas reports them, in Nyala's words.
template <class F>
void named(const char* what, F&& fn) {
  use_one_blas_thread();
  try {
    fn();
  } catch (const std::exception&) {
    throw Error(what);
  }
}

}  // namespace

void ReferenceKernels::qr(const Tensor& x, bool complete, Tensor& q, Tensor& r) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    qr(wide.in(x), complete, wide.out(q), wide.out(r));
    return wide.finish();
  }
  const Stack stack(x);
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < stack.batch; ++i) {
      if (stack.empty()) {
        if (complete) write_identity<T>(q, i, stack.rows);
        continue;
      }
      named("qr: the decomposition failed", [&] {
        const auto [of_q, of_r] =
            xt::linalg::qr(stack.read<T>(x, i), complete ? xt::linalg::qrmode::complete : xt::linalg::qrmode::reduced);
        write<T>(of_q, q, i);
        write<T>(of_r, r, i);
      });
    }
  });
  if (!done) missing("qr", x);
}

void ReferenceKernels::svd(const Tensor& x, bool full_matrices, Tensor& u, Tensor& s, Tensor& vh) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    svd(wide.in(x), full_matrices, wide.out(u), wide.out(s), wide.out(vh));
    return wide.finish();
  }
  const Stack stack(x);
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < stack.batch; ++i) {
      if (stack.empty()) {
        if (full_matrices) write_identity<T>(u, i, stack.rows);
        if (full_matrices) write_identity<T>(vh, i, stack.columns);
        continue;
      }
      const T* first = elements_of<T>(x) + i * stack.elements();
      if (!std::all_of(first, first + stack.elements(), [](T value) { return std::isfinite(value); }))
        throw Error("svd: the matrix must hold finite numbers only, got NaN or infinity");
      named("svd: the decomposition did not converge", [&] {
        const auto [of_u, of_s, of_vh] = xt::linalg::svd(stack.read<T>(x, i), full_matrices);
        write<T>(of_u, u, i);
        write<T>(of_s, s, i);
        write<T>(of_vh, vh, i);
      });
    }
  });
  if (!done) missing("svd", x);
}

void ReferenceKernels::cholesky(const Tensor& x, Tensor& out) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    cholesky(wide.in(x), wide.out(out));
    return wide.finish();
  }
  const Stack stack(x);
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < stack.batch && !stack.empty(); ++i)
      named("cholesky: the matrix is not positive definite",
            [&] { write<T>(xt::linalg::cholesky(stack.read<T>(x, i)), out, i); });
  });
  if (!done) missing("cholesky", x);
}

void ReferenceKernels::solve(const Tensor& a, const Tensor& b, Tensor& x) {
  if (is_half(a.dtype())) {
    Widened wide(*this);
    solve(wide.in(a), wide.in(b), wide.out(x));
    return wide.finish();
  }
  const Stack stack(a), sides(b);
  const bool done = for_float(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < sides.batch && !sides.empty(); ++i)
      named("solve: the matrix is singular", [&] {
        write<T>(xt::linalg::solve(stack.read<T>(a, stack.batch == 1 ? 0 : i), sides.read<T>(b, i)), x, i);
      });
  });
  if (!done) missing("solve", a);
}

void ReferenceKernels::determinant(const Tensor& x, Tensor& out) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    determinant(wide.in(x), wide.out(out));
    return wide.finish();
  }
  const Stack stack(x);
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < stack.batch; ++i)
      named("determinant: the decomposition failed",
            [&] { elements_of<T>(out)[i] = stack.empty() ? T(1) : xt::linalg::det(stack.read<T>(x, i)); });
  });
  if (!done) missing("determinant", x);
}

}  // namespace nyala::backend
