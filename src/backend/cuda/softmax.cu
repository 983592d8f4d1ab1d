#include <cmath>
#include <limits>

#include "backend/common/dispatch.hpp"
#include "backend/common/widened.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/row_functors.hpp"
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

template <class T>
struct LoadProduct {
  const T* a;
  const T* b;
  std::int64_t n;
  constexpr double operator()(std::int64_t r, std::int64_t i) const {
    return static_cast<double>(a[r * n + i]) * static_cast<double>(b[r * n + i]);
  }
};

/// The largest element of every row and the sum of exp(x - largest): what all of softmax's family starts from.
template <class T>
class Statistics {
 public:
  Statistics(Context& context, const T* x, std::int64_t rows, std::int64_t n)
      : largest_(context.scratch_of<T>(rows)), sum_(context.scratch_of<double>(rows)) {
    reduce(context, rows, n, Neighbours::within_row, -std::numeric_limits<T>::infinity(), LoadRow<T>{x, n}, Larger<T>{},
           StoreEach<T>{largest_.template as<T>()});
    reduce(context, rows, n, Neighbours::within_row, 0.0, LoadExponential<T>{x, largest(), n}, Plus<double>{},
           StoreEach<double>{sum_.template as<double>()});
  }
  const T* largest() const { return largest_.template as<T>(); }
  const double* sum() const { return sum_.template as<double>(); }

 private:
  Scratch largest_, sum_;
};

template <class T>
struct SoftmaxElement {
  const T* x;
  const T* largest;
  const double* sum;
  std::int64_t n;
  T* y;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t row = i / n;
    y[i] = static_cast<T>(static_cast<double>(std::exp(x[i] - largest[row])) / sum[row]);
  }
};

template <class T>
struct LogSoftmaxElement {
  const T* x;
  const T* largest;
  const double* sum;
  std::int64_t n;
  T* y;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t row = i / n;
    y[i] = (x[i] - largest[row]) - static_cast<T>(std::log(sum[row]));
  }
};

template <class T>
struct SoftmaxBackwardElement {
  const T* y;
  const T* gradient;
  const double* mean;
  std::int64_t n;
  T* dx;
  constexpr void operator()(std::int64_t i) const { dx[i] = y[i] * (gradient[i] - static_cast<T>(mean[i / n])); }
};

template <class T>
struct LogSoftmaxBackwardElement {
  const T* y;
  const T* gradient;
  const double* sum;
  std::int64_t n;
  T* dx;
  constexpr void operator()(std::int64_t i) const { dx[i] = gradient[i] - std::exp(y[i]) * static_cast<T>(sum[i / n]); }
};

template <class T, class L>
struct CrossentropyRow {
  const T* logits;
  const T* largest;
  const double* sum;
  const L* labels;
  std::int64_t n;
  T* loss;
  constexpr void operator()(std::int64_t row) const {
    const T own = logits[row * n + static_cast<std::int64_t>(labels[row])];
    loss[row] = static_cast<T>(std::log(sum[row])) - (own - largest[row]);
  }
};

template <class T, class L>
struct CrossentropyBackwardElement {
  const T* logits;
  const T* largest;
  const double* sum;
  const L* labels;
  const T* gradient;
  std::int64_t n;
  T* dlogits;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t row = i / n;
    double p = static_cast<double>(std::exp(logits[i] - largest[row])) / sum[row];
    if (i % n == static_cast<std::int64_t>(labels[row])) p -= 1.0;
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

}  // namespace

void CudaKernels::softmax(const Tensor& x, Tensor& y) {
  Widened wide(*this);
  const Tensor in = wide.in(x);
  Tensor& out = wide.out(y);
  for_matrix(in, "softmax", [&](auto zero, std::int64_t rows, std::int64_t n) {
    using T = decltype(zero);
    const T* from = elements<T>(in);
    const Statistics<T> s(context_, from, rows, n);
    launch(context_.stream(), rows * n, SoftmaxElement<T>{from, s.largest(), s.sum(), n, elements<T>(out)});
  });
  wide.finish();
}

void CudaKernels::log_softmax(const Tensor& x, Tensor& y) {
  Widened wide(*this);
  const Tensor in = wide.in(x);
  Tensor& out = wide.out(y);
  for_matrix(in, "log_softmax", [&](auto zero, std::int64_t rows, std::int64_t n) {
    using T = decltype(zero);
    const T* from = elements<T>(in);
    const Statistics<T> s(context_, from, rows, n);
    launch(context_.stream(), rows * n, LogSoftmaxElement<T>{from, s.largest(), s.sum(), n, elements<T>(out)});
  });
  wide.finish();
}

void CudaKernels::softmax_backward(const Tensor& y, const Tensor& gradient, Tensor& dx) {
  Widened wide(*this);
  const Tensor probabilities = wide.in(y), incoming = wide.in(gradient);
  Tensor& out = wide.out(dx);
  for_matrix(probabilities, "softmax_backward", [&](auto zero, std::int64_t rows, std::int64_t n) {
    using T = decltype(zero);
    const T *p = elements<T>(probabilities), *g = elements<T>(incoming);
    const Scratch mean = context_.scratch_of<double>(rows);
    cuda::reduce(context_, rows, n, Neighbours::within_row, 0.0, LoadProduct<T>{p, g, n}, Plus<double>{},
                 StoreEach<double>{mean.template as<double>()});
    launch(context_.stream(), rows * n,
           SoftmaxBackwardElement<T>{p, g, mean.template as<double>(), n, elements<T>(out)});
  });
  wide.finish();
}

void CudaKernels::log_softmax_backward(const Tensor& y, const Tensor& gradient, Tensor& dx) {
  Widened wide(*this);
  const Tensor logs = wide.in(y), incoming = wide.in(gradient);
  Tensor& out = wide.out(dx);
  for_matrix(logs, "log_softmax_backward", [&](auto zero, std::int64_t rows, std::int64_t n) {
    using T = decltype(zero);
    const T* g = elements<T>(incoming);
    const Scratch sum = context_.scratch_of<double>(rows);
    cuda::reduce(context_, rows, n, Neighbours::within_row, 0.0, LoadRow<T, double>{g, n}, Plus<double>{},
                 StoreEach<double>{sum.template as<double>()});
    launch(context_.stream(), rows * n,
           LogSoftmaxBackwardElement<T>{elements<T>(logs), g, sum.template as<double>(), n, elements<T>(out)});
  });
  wide.finish();
}

void CudaKernels::sparse_crossentropy(const Tensor& logits, const Tensor& labels, Tensor& loss) {
  Widened wide(*this);
  const Tensor in = wide.in(logits);
  Tensor& out = wide.out(loss);
  for_matrix(in, "sparse_crossentropy", [&](auto zero, std::int64_t rows, std::int64_t n) {
    using T = decltype(zero);
    const T* from = elements<T>(in);
    const Statistics<T> s(context_, from, rows, n);
    visit_index(labels.dtype(), "sparse_crossentropy", [&](auto index) {
      using L = typename decltype(index)::type;
      launch(context_.stream(), rows,
             CrossentropyRow<T, L>{from, s.largest(), s.sum(), elements<L>(labels), n, elements<T>(out)});
    });
  });
  wide.finish();
}

void CudaKernels::sparse_crossentropy_backward(const Tensor& logits, const Tensor& labels, const Tensor& gradient,
                                               Tensor& dlogits) {
  Widened wide(*this);
  const Tensor in = wide.in(logits), incoming = wide.in(gradient);
  Tensor& out = wide.out(dlogits);
  for_matrix(in, "sparse_crossentropy_backward", [&](auto zero, std::int64_t rows, std::int64_t n) {
    using T = decltype(zero);
    const T* from = elements<T>(in);
    const Statistics<T> s(context_, from, rows, n);
    visit_index(labels.dtype(), "sparse_crossentropy_backward", [&](auto index) {
      using L = typename decltype(index)::type;
      launch(context_.stream(), rows * n,
             CrossentropyBackwardElement<T, L>{from, s.largest(), s.sum(), elements<L>(labels), elements<T>(incoming),
                                               n, elements<T>(out)});
    });
  });
  wide.finish();
}

}  // namespace nyala::backend::cuda
