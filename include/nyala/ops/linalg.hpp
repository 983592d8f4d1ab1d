#pragma once

#include <string>
#include <vector>

#include <nyala/tensor.hpp>

namespace nyala {

/// The matrix product over the last two axes; leading axes broadcast; one-dimensional operands as in NumPy. The flags
/// transpose the last two axes of an operand of rank >= 2 without moving it.
Tensor matmul(const Tensor& x1, const Tensor& x2, bool transpose_a = false, bool transpose_b = false);
/// NumPy's dot.
Tensor dot(const Tensor& x1, const Tensor& x2);
Tensor outer(const Tensor& x1, const Tensor& x2);
Tensor vdot(const Tensor& x1, const Tensor& x2);
Tensor inner(const Tensor& x1, const Tensor& x2);
/// Sum over the last n axes of x1 and the first n of x2.
Tensor tensordot(const Tensor& x1, const Tensor& x2, int axes = 2);
Tensor tensordot(const Tensor& x1, const Tensor& x2, const std::vector<int>& axes1, const std::vector<int>& axes2);
/// Einstein summation with explicit or implicit output, "..." and repeated labels: "bij,bjk->bik".
Tensor einsum(const std::string& subscripts, const std::vector<Tensor>& operands);
Tensor trace(const Tensor& x, int offset = 0, int axis1 = 0, int axis2 = 1);

struct QR {
  Tensor q, r;
};
/// (…, m, n) -> q (…, m, k), r (…, k, n) with k = min(m, n); mode "complete": q (…, m, m).
QR qr(const Tensor& x, const std::string& mode = "reduced");
struct SVD {
  Tensor u, s, vh;
};
/// (…, m, n) -> u (…, m, k), s (…, k) descending, vh (…, k, n).
SVD svd(const Tensor& x, bool full_matrices = false);
/// Lower triangular L with L Lᵀ = x. Error if x is not positive definite.
Tensor cholesky(const Tensor& x);
Tensor inv(const Tensor& x);
Tensor det(const Tensor& x);
/// x with a x = b for a (…, n, n) and b (n,) or (…, n, m), batches broadcasting. Error if a is singular.
Tensor solve(const Tensor& a, const Tensor& b);

/// L2-normalised (order 2; others as norm) along an axis: x / max(norm, epsilon).
Tensor normalize(const Tensor& x, int axis = -1, double order = 2.0, double epsilon = 1e-12);

}  // namespace nyala
