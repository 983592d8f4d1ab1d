#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/cpu/reference/nn_support.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

/// Calls fn(row) for every row of a (rows, n) tensor.
template <class F>
void for_rows(const Tensor& x, F&& fn) {
  for (std::int64_t row = 0; row < x.shape()[0]; ++row) fn(row);
}

/// Subtracting it keeps exp within range. A NaN is not the largest, but makes every sum NaN.
template <class T>
T largest(const T* x, std::int64_t n) {
  T most = -std::numeric_limits<T>::infinity();
  for (std::int64_t i = 0; i < n; ++i) most = std::max(most, x[i]);
  return most;
}

template <class T>
double sum_of_exponentials(const T* x, std::int64_t n, T shift) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[i] - shift));
  return sum;
}

template <class T>
double dot(const T* a, const T* b, std::int64_t n) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

std::int64_t label_of(const Tensor& labels, std::int64_t row) {
  return labels.dtype() == DType::int64 ? elements_of<std::int64_t>(labels)[row]
                                        : elements_of<std::int32_t>(labels)[row];
}

}  // namespace

void ReferenceKernels::softmax(const Tensor& x, Tensor& y) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    softmax(wide.in(x), wide.out(y));
    return wide.finish();
  }
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t n = x.shape()[1];
    for_rows(x, [&](std::int64_t row) {
      const T* in = elements_of<T>(x) + row * n;
      T* out = elements_of<T>(y) + row * n;
      const T shift = largest(in, n);
      const double scale = 1.0 / sum_of_exponentials(in, n, shift);
      for (std::int64_t i = 0; i < n; ++i)
        out[i] = static_cast<T>(std::exp(static_cast<double>(in[i] - shift)) * scale);
    });
  });
  if (!done) missing("softmax", x);
}

void ReferenceKernels::softmax_backward(const Tensor& y, const Tensor& gradient, Tensor& dx) {
  if (is_half(y.dtype())) {
    Widened wide(*this);
    softmax_backward(wide.in(y), wide.in(gradient), wide.out(dx));
    return wide.finish();
  }
  const bool done = for_float(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t n = y.shape()[1];
    for_rows(y, [&](std::int64_t row) {
      const T *p = elements_of<T>(y) + row * n, *g = elements_of<T>(gradient) + row * n;
      T* out = elements_of<T>(dx) + row * n;
      const T mean = static_cast<T>(dot(p, g, n));
      for (std::int64_t i = 0; i < n; ++i) out[i] = p[i] * (g[i] - mean);
    });
  });
  if (!done) missing("softmax_backward", y);
}

void ReferenceKernels::log_softmax(const Tensor& x, Tensor& y) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    log_softmax(wide.in(x), wide.out(y));
    return wide.finish();
  }
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t n = x.shape()[1];
    for_rows(x, [&](std::int64_t row) {
      const T* in = elements_of<T>(x) + row * n;
      T* out = elements_of<T>(y) + row * n;
      const T shift = largest(in, n);
      const T log_sum = static_cast<T>(std::log(sum_of_exponentials(in, n, shift)));
      for (std::int64_t i = 0; i < n; ++i) out[i] = (in[i] - shift) - log_sum;
    });
  });
  if (!done) missing("log_softmax", x);
}

void ReferenceKernels::log_softmax_backward(const Tensor& y, const Tensor& gradient, Tensor& dx) {
  if (is_half(y.dtype())) {
    Widened wide(*this);
    log_softmax_backward(wide.in(y), wide.in(gradient), wide.out(dx));
    return wide.finish();
  }
  const bool done = for_float(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t n = y.shape()[1];
    for_rows(y, [&](std::int64_t row) {
      const T *logs = elements_of<T>(y) + row * n, *g = elements_of<T>(gradient) + row * n;
      T* out = elements_of<T>(dx) + row * n;
      double sum = 0.0;
      for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(g[i]);
      for (std::int64_t i = 0; i < n; ++i) out[i] = g[i] - std::exp(logs[i]) * static_cast<T>(sum);
    });
  });
  if (!done) missing("log_softmax_backward", y);
}

void ReferenceKernels::sparse_crossentropy(const Tensor& logits, const Tensor& labels, Tensor& loss) {
  if (is_half(logits.dtype())) {
    Widened wide(*this);
    sparse_crossentropy(wide.in(logits), labels, wide.out(loss));
    return wide.finish();
  }
  const bool done = for_float(logits.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t n = logits.shape()[1];
    for_rows(logits, [&](std::int64_t row) {
      const T* in = elements_of<T>(logits) + row * n;
      const T shift = largest(in, n);
      const T log_sum = static_cast<T>(std::log(sum_of_exponentials(in, n, shift)));
      elements_of<T>(loss)[row] = log_sum - (in[label_of(labels, row)] - shift);
    });
  });
  if (!done) missing("sparse_crossentropy", logits);
}

void ReferenceKernels::sparse_crossentropy_backward(const Tensor& logits, const Tensor& labels, const Tensor& gradient,
                                                    Tensor& dlogits) {
  if (is_half(logits.dtype())) {
    Widened wide(*this);
    sparse_crossentropy_backward(wide.in(logits), labels, wide.in(gradient), wide.out(dlogits));
    return wide.finish();
  }
  const bool done = for_float(logits.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t n = logits.shape()[1];
    for_rows(logits, [&](std::int64_t row) {
      const T* in = elements_of<T>(logits) + row * n;
      T* out = elements_of<T>(dlogits) + row * n;
      const T shift = largest(in, n), scale = elements_of<T>(gradient)[row];
      const double inverse = 1.0 / sum_of_exponentials(in, n, shift);
      for (std::int64_t i = 0; i < n; ++i)
        out[i] = static_cast<T>(std::exp(static_cast<double>(in[i] - shift)) * inverse) * scale;
      const std::int64_t label = label_of(labels, row);
      out[label] = static_cast<T>(std::exp(static_cast<double>(in[label] - shift)) * inverse - 1.0) * scale;
    });
  });
  if (!done) missing("sparse_crossentropy_backward", logits);
}

}  // namespace nyala::backend
