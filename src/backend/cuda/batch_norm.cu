#include <cmath>

#include "backend/common/dispatch.hpp"
#include "backend/common/widened.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/row_functors.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"

namespace nyala::backend::cuda {
namespace {

/// The gradient, and its product with x[i, c] - mean[c]
template <class T>
struct LoadGradientSums {
  const T* x;
  const T* gradient;
  const T* mean;
  std::int64_t columns;
  constexpr Sums<double> operator()(std::int64_t c, std::int64_t i) const {
    const std::int64_t place = i * columns + c;
    const double incoming = static_cast<double>(gradient[place]);
    return {incoming, incoming * (static_cast<double>(x[place]) - static_cast<double>(mean[c]))};
  }
};

template <class T>
constexpr double inverse_deviation(T variance, double epsilon) {
  return 1.0 / std::sqrt(static_cast<double>(variance) + epsilon);
}

template <class T>
struct BatchNormElement {
  const T* x;
  const T* mean;
  const T* variance;
  const T* gamma;
  const T* beta;
  double epsilon;
  std::int64_t columns;
  T* y;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t c = i % columns;
    const T scale = static_cast<T>(inverse_deviation(variance[c], epsilon)) * (gamma == nullptr ? T(1) : gamma[c]);
    y[i] = (x[i] - mean[c]) * scale + (beta == nullptr ? T(0) : beta[c]);
  }
};

template <class T>
struct BatchNormBackwardElement {
  const T* x;
  const T* gradient;
  const T* gamma;
  const T* mean;
  const T* variance;
  const Sums<double>* sums;
  double epsilon;
  std::int64_t rows, columns;
  T* dx;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t c = i % columns;
    const double scale = inverse_deviation(variance[c], epsilon), count = static_cast<double>(rows);
    const double outer = scale * (gamma == nullptr ? 1.0 : static_cast<double>(gamma[c]));
    const double normal = (static_cast<double>(x[i]) - static_cast<double>(mean[c])) * scale;
    dx[i] = static_cast<T>(
        outer * (static_cast<double>(gradient[i]) - sums[c].first / count - normal * scale * (sums[c].second / count)));
  }
};

template <class T>
struct ParameterGradient {
  const T* variance;
  const Sums<double>* sums;
  double epsilon;
  T* dgamma;
  T* dbeta;
  constexpr void operator()(std::int64_t c) const {
    if (dgamma != nullptr) dgamma[c] = static_cast<T>(sums[c].second * inverse_deviation(variance[c], epsilon));
    if (dbeta != nullptr) dbeta[c] = static_cast<T>(sums[c].first);
  }
};

}  // namespace

void CudaKernels::batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y,
                                   Tensor& mean, Tensor& variance) {
  Widened wide(*this);
  const Tensor in = wide.in(x);
  Tensor &out = wide.out(y), &of_mean = wide.out(mean), &of_variance = wide.out(variance);
  visit_floating(in.dtype(), "batch_norm_train", [&](auto type) {
    using T = typename decltype(type)::type;
    const std::int64_t rows = in.shape()[0], columns = in.shape()[1];
    const Lines<T> of_columns{elements<T>(in), columns, true};
    const Scratch means = context_.scratch_of<double>(columns), squares = context_.scratch_of<double>(columns);
    cuda::reduce(context_, columns, rows, Neighbours::across_rows, 0.0, LoadLine<T, double>{of_columns}, Plus<double>{},
                 StoreMean<double>{means.template as<double>(), rows});
    cuda::reduce(context_, columns, rows, Neighbours::across_rows, 0.0,
                 LoadSquaredDistance<T>{of_columns, means.template as<double>()}, Plus<double>{},
                 StoreMean<double>{squares.template as<double>(), rows});
    launch(context_.stream(), columns, Round<T>{means.template as<double>(), elements<T>(of_mean)});
    launch(context_.stream(), columns, Round<T>{squares.template as<double>(), elements<T>(of_variance)});
  });
  batch_norm_inference(in, of_mean, of_variance, wide.in(gamma), wide.in(beta), epsilon, out);
  wide.finish();
}

void CudaKernels::batch_norm_inference(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gamma,
                                       const Tensor& beta, double epsilon, Tensor& y) {
  Widened wide(*this);
  const Tensor in = wide.in(x), middle = wide.in(mean), spread = wide.in(variance), scale = wide.in(gamma),
               shift = wide.in(beta);
  Tensor& out = wide.out(y);
  visit_floating(in.dtype(), "batch_norm_inference", [&](auto type) {
    using T = typename decltype(type)::type;
    launch(context_.stream(), in.size(),
           BatchNormElement<T>{elements<T>(in), elements<T>(middle), elements<T>(spread), elements<T>(scale),
                               elements<T>(shift), epsilon, in.shape()[1], elements<T>(out)});
  });
  wide.finish();
}

void CudaKernels::batch_norm_backward(const Tensor& x, const Tensor& gradient, const Tensor& gamma, const Tensor& mean,
                                      const Tensor& variance, double epsilon, Tensor& dx, Tensor& dgamma,
                                      Tensor& dbeta) {
  Widened wide(*this);
  const Tensor in = wide.in(x), incoming = wide.in(gradient), scale = wide.in(gamma), middle = wide.in(mean),
               spread = wide.in(variance);
  Tensor &out = wide.out(dx), &of_gamma = wide.out(dgamma), &of_beta = wide.out(dbeta);
  visit_floating(in.dtype(), "batch_norm_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    const std::int64_t rows = in.shape()[0], columns = in.shape()[1];
    const T *from = elements<T>(in), *g = elements<T>(incoming);
    const Scratch sums = context_.scratch_of<Sums<double>>(columns);
    const auto* sum = sums.template as<Sums<double>>();
    cuda::reduce(context_, columns, rows, Neighbours::across_rows, Sums<double>{0.0, 0.0},
                 LoadGradientSums<T>{from, g, elements<T>(middle), columns}, Plus<Sums<double>>{},
                 StoreEach<Sums<double>>{sums.template as<Sums<double>>()});
    launch(context_.stream(), rows * columns,
           BatchNormBackwardElement<T>{from, g, elements<T>(scale), elements<T>(middle), elements<T>(spread), sum,
                                       epsilon, rows, columns, elements<T>(out)});
    if (of_gamma.defined() || of_beta.defined())
      launch(context_.stream(), columns,
             ParameterGradient<T>{elements<T>(spread), sum, epsilon, elements<T>(of_gamma), elements<T>(of_beta)});
  });
  wide.finish();
}

}  // namespace nyala::backend::cuda
