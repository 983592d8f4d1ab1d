#include <cmath>
#include <limits>

#include "backend/common/widened.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/dispatch.hpp"
#include "backend/cuda/row_functors.hpp"
#include "backend/cuda/softmax_dnn.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"

namespace nyala::backend::cuda {
namespace {

template <class T>
struct LoadExponential {
  const T* x;
  const T* shift;
  std::int64_t n;
  constexpr double operator()(std::int64_t r, std::int64_t i) const {
    return static_cast<double>(std::exp(x[r * n + i] - shift[r]));
  }
};

/// a * b, or b where a is null.
template <class T>
struct LoadProduct {
  const T* a;
  const T* b;
  std::int64_t n;
  constexpr double operator()(std::int64_t r, std::int64_t i) const {
    const std::int64_t place = r * n + i;
    return (a == nullptr ? 1.0 : static_cast<double>(a[place])) * static_cast<double>(b[place]);
  }
};

/// The largest element of every row and the sum of exp(x - largest): what all of softmax's family starts from.
template <class T>
class Statistics {
 public:
  Statistics(Context& context, const T* x, std::int64_t rows, std::int64_t n)
      : largest_(context.scratch_of<T>(rows)), sum_(context.scratch_of<double>(rows)) {
    reduce(context, rows, n, Neighbours::within_row, -std::numeric_limits<T>::infinity(), LoadLine<T>{{x, n, false}},
           Larger<T>{}, StoreEach<T>{largest_.template as<T>()});
    reduce(context, rows, n, Neighbours::within_row, 0.0, LoadExponential<T>{x, largest(), n}, Plus<double>{},
           StoreEach<double>{sum_.template as<double>()});
  }
  const T* largest() const { return largest_.template as<T>(); }
  const double* sum() const { return sum_.template as<double>(); }

 private:
  Scratch largest_, sum_;
};

/// The softmax, or its logarithm.
template <class T>
struct SoftmaxElement {
  bool log;
  const T* x;
  const T* largest;
  const double* sum;
  std::int64_t n;
  T* y;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t row = i / n;
    const T below = x[i] - largest[row];
    y[i] = log ? below - static_cast<T>(std::log(sum[row]))
               : static_cast<T>(static_cast<double>(std::exp(below)) / sum[row]);
  }
};

/// `sum`: over the row, of y * gradient or, for the logarithm, of the gradient.
template <class T>
struct SoftmaxBackwardElement {
  bool log;
  const T* y;
  const T* gradient;
  const double* sum;
  std::int64_t n;
  T* dx;
  constexpr void operator()(std::int64_t i) const {
    const T own = static_cast<T>(sum[i / n]);
    dx[i] = log ? gradient[i] - std::exp(y[i]) * own : y[i] * (gradient[i] - own);
  }
};

template <class T>
struct CrossentropyRow {
  const T* logits;
  const T* largest;
  const double* sum;
  Indices labels;
  std::int64_t n;
  T* loss;
  constexpr void operator()(std::int64_t row) const {
    const T own = logits[row * n + labels[row]];
    loss[row] = static_cast<T>(std::log(sum[row])) - (own - largest[row]);
  }
};

template <class T>
struct CrossentropyBackwardElement {
  const T* logits;
  const T* largest;
  const double* sum;
  Indices labels;
  const T* gradient;
  std::int64_t n;
  T* dlogits;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t row = i / n;
    double p = static_cast<double>(std::exp(logits[i] - largest[row])) / sum[row];
    if (i % n == labels[row]) p -= 1.0;
    dlogits[i] = static_cast<T>(p) * gradient[row];
  }
};

/// fn(T(), rows, n) for the floating type of a matrix.
template <class F>
void for_matrix(const Tensor& x, const char* kernel, F&& fn) {
  visit_floating(x.dtype(), kernel, [&](auto type) {
    using T = typename decltype(type)::type;
    fn(T(), x.shape()[0], x.shape()[1]);
  });
}

void forward(CudaKernels& kernels, bool log, const Tensor& x, Tensor& y) {
  if (softmax_by_library(kernels.context(), log, x, y)) return;
  Widened wide(kernels);
  const Tensor in = wide.in(x);
  Tensor& out = wide.out(y);
  for_matrix(in, "softmax", [&](auto zero, std::int64_t rows, std::int64_t n) {
    using T = decltype(zero);
    Context& context = kernels.context();
    const T* from = elements<T>(in);
    const Statistics<T> s(context, from, rows, n);
    launch(context.stream(), rows * n, SoftmaxElement<T>{log, from, s.largest(), s.sum(), n, elements<T>(out)});
  });
  wide.finish();
}

void backward(CudaKernels& kernels, bool log, const Tensor& y, const Tensor& gradient, Tensor& dx) {
  if (softmax_backward_by_library(kernels.context(), log, y, gradient, dx)) return;
  Widened wide(kernels);
  const Tensor result = wide.in(y), incoming = wide.in(gradient);
  Tensor& out = wide.out(dx);
  for_matrix(result, "softmax_backward", [&](auto zero, std::int64_t rows, std::int64_t n) {
    using T = decltype(zero);
    Context& context = kernels.context();
    const T *from = elements<T>(result), *g = elements<T>(incoming);
    const Scratch sums = context.scratch_of<double>(rows);
    auto* sum = sums.template as<double>();
    reduce(context, rows, n, Neighbours::within_row, 0.0, LoadProduct<T>{log ? nullptr : from, g, n}, Plus<double>{},
           StoreEach<double>{sum});
    launch(context.stream(), rows * n, SoftmaxBackwardElement<T>{log, from, g, sum, n, elements<T>(out)});
  });
  wide.finish();
}

}  // namespace

void CudaKernels::softmax(const Tensor& x, Tensor& y) { forward(*this, false, x, y); }

void CudaKernels::log_softmax(const Tensor& x, Tensor& y) { forward(*this, true, x, y); }

void CudaKernels::softmax_backward(const Tensor& y, const Tensor& gradient, Tensor& dx) {
  backward(*this, false, y, gradient, dx);
}

void CudaKernels::log_softmax_backward(const Tensor& y, const Tensor& gradient, Tensor& dx) {
  backward(*this, true, y, gradient, dx);
}

void CudaKernels::sparse_crossentropy(const Tensor& logits, const Tensor& labels, Tensor& loss) {
  Widened wide(*this);
  const Tensor in = wide.in(logits);
  Tensor& out = wide.out(loss);
  const Indices classes(labels, "sparse_crossentropy");
  for_matrix(in, "sparse_crossentropy", [&](auto zero, std::int64_t rows, std::int64_t n) {
    using T = decltype(zero);
    const T* from = elements<T>(in);
    const Statistics<T> s(context_, from, rows, n);
    launch(context_.stream(), rows, CrossentropyRow<T>{from, s.largest(), s.sum(), classes, n, elements<T>(out)});
  });
  wide.finish();
}

void CudaKernels::sparse_crossentropy_backward(const Tensor& logits, const Tensor& labels, const Tensor& gradient,
                                               Tensor& dlogits) {
  Widened wide(*this);
  const Tensor in = wide.in(logits), incoming = wide.in(gradient);
  Tensor& out = wide.out(dlogits);
  const Indices classes(labels, "sparse_crossentropy_backward");
  for_matrix(in, "sparse_crossentropy_backward", [&](auto zero, std::int64_t rows, std::int64_t n) {
    using T = decltype(zero);
    const T* from = elements<T>(in);
    const Statistics<T> s(context_, from, rows, n);
    launch(context_.stream(), rows * n,
           CrossentropyBackwardElement<T>{from, s.largest(), s.sum(), classes, elements<T>(incoming), n,
                                          elements<T>(out)});
  });
  wide.finish();
}

}  // namespace nyala::backend::cuda
