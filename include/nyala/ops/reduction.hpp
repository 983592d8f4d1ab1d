#pragma once

#include <optional>

#include <nyala/tensor.hpp>

namespace nyala {

// Reductions over any axes. https://keras.io/api/ops/numpy/ Axes left out: all. An axis that x has not is an Error.

/// Integers narrower than 32 bits and bool sum as int32 (uint32 for unsigned).
Tensor sum(const Tensor& x, const Axes& axis = {}, bool keepdims = false);
/// Integers give floatx. The mean of nothing is NaN.
Tensor mean(const Tensor& x, const Axes& axis = {}, bool keepdims = false);
Tensor prod(const Tensor& x, const Axes& axis = {}, bool keepdims = false);
/// Gradient shared equally among equal maxima. Error for an empty axis.
Tensor max(const Tensor& x, const Axes& axis = {}, bool keepdims = false);
Tensor min(const Tensor& x, const Axes& axis = {}, bool keepdims = false);
/// Population variance.
Tensor var(const Tensor& x, const Axes& axis = {}, bool keepdims = false);
/// Its gradient is 0 where all elements are equal.
Tensor std(const Tensor& x, const Axes& axis = {}, bool keepdims = false);
struct Moments;
/// Mean and population variance, in at least float32 inside.
Moments moments(const Tensor& x, const Axes& axis, bool keepdims = false);
struct Moments {
  Tensor mean, variance;
};
/// Vector norm of order `ord` (default 2; infinity and -infinity, 0, 1 …) over one axis; Frobenius over several or all;
/// with an order over two axes the matrix norm (1, 2, infinity and their negatives). The gradient at zero is 0.
Tensor norm(const Tensor& x, std::optional<double> ord = {}, const Axes& axis = {}, bool keepdims = false);
Tensor logsumexp(const Tensor& x, const Axes& axis = {}, bool keepdims = false);
Tensor any(const Tensor& x, const Axes& axis = {}, bool keepdims = false);
Tensor all(const Tensor& x, const Axes& axis = {}, bool keepdims = false);
Tensor count_nonzero(const Tensor& x, const Axes& axis = {});
/// The first of equal extremes; int32. Without an axis: of the flattened tensor.
Tensor argmax(const Tensor& x, std::optional<int> axis = {}, bool keepdims = false);
Tensor argmin(const Tensor& x, std::optional<int> axis = {}, bool keepdims = false);
Tensor cumsum(const Tensor& x, std::optional<int> axis = {});
Tensor cumprod(const Tensor& x, std::optional<int> axis = {});
/// Ascending, stable; NaNs last.
Tensor sort(const Tensor& x, int axis = -1);
Tensor argsort(const Tensor& x, int axis = -1);
struct TopK {
  Tensor values, indices;  // indices int32
};
/// The k largest along the last axis, in descending order; of equals the first.
TopK top_k(const Tensor& x, std::int64_t k, bool sorted = true);
/// Whether targets (n,) are among the k highest predictions (n, classes): bool (n,).
Tensor in_top_k(const Tensor& targets, const Tensor& predictions, std::int64_t k);

}  // namespace nyala
