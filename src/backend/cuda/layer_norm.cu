#include <cmath>

#include "backend/common/dispatch.hpp"
#include "backend/common/widened.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/row_functors.hpp"
#include "device/launch.hpp"
#include "device/reduce.hpp"

namespace nyala::backend::cuda {
namespace {

template <class T>
struct LayerNormElement {
  const T* x;
  const double* mean;
  const double* inverse;
  const T* gamma;
  const T* beta;
  std::int64_t n;
  T* y;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t row = i / n, column = i % n;
    const T normal = static_cast<T>((static_cast<double>(x[i]) - mean[row]) * inverse[row]);
    y[i] = normal * (gamma == nullptr ? T(1) : gamma[column]) + (beta == nullptr ? T(0) : beta[column]);
  }
};

/// The variances of rows become 1 / deviation.
struct InvertDeviation {
  double epsilon;
  double* out;
  constexpr void operator()(std::int64_t r) const { out[r] = 1.0 / std::sqrt(out[r] + epsilon); }
};

/// What the backward functors read.
template <class T>
struct LayerNormOperands {
  const T* x;
  const T* gradient;
  const T* gamma;
  const T* mean;
  const T* inverse;
  std::int64_t n;

  constexpr double normal(std::int64_t row, std::int64_t column) const {
    return (static_cast<double>(x[row * n + column]) - static_cast<double>(mean[row])) *
           static_cast<double>(inverse[row]);
  }
  constexpr double incoming(std::int64_t row, std::int64_t column) const {
    return static_cast<double>(gradient[row * n + column]);
  }
  constexpr double scaled(std::int64_t row, std::int64_t column) const {
    return incoming(row, column) * (gamma == nullptr ? 1.0 : static_cast<double>(gamma[column]));
  }
};

template <class T>
struct LoadRowSums {
  LayerNormOperands<T> of;
  constexpr Sums<double> operator()(std::int64_t row, std::int64_t column) const {
    const double scaled = of.scaled(row, column);
    return {scaled, scaled * of.normal(row, column)};
  }
};

template <class T>
struct LoadColumnSums {
  LayerNormOperands<T> of;
  constexpr Sums<double> operator()(std::int64_t column, std::int64_t row) const {
    const double incoming = of.incoming(row, column);
    return {incoming * of.normal(row, column), incoming};
  }
};

template <class T>
struct StoreParameterGradients {
  T* dgamma;
  T* dbeta;
  constexpr void operator()(std::int64_t column, Sums<double> sums) const {
    if (dgamma != nullptr) dgamma[column] = static_cast<T>(sums.first);
    if (dbeta != nullptr) dbeta[column] = static_cast<T>(sums.second);
  }
};

template <class T>
struct LayerNormBackwardElement {
  LayerNormOperands<T> of;
  const Sums<double>* sums;
  T* dx;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t row = i / of.n, column = i % of.n;
    const double count = static_cast<double>(of.n);
    dx[i] =
        static_cast<T>(static_cast<double>(of.inverse[row]) * (of.scaled(row, column) - sums[row].first / count -
                                                               of.normal(row, column) * (sums[row].second / count)));
  }
};

}  // namespace

void CudaKernels::layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y,
                             Tensor& mean, Tensor& inverse_deviation) {
  Widened wide(*this);
  const Tensor in = wide.in(x), scale = wide.in(gamma), shift = wide.in(beta);
  Tensor &out = wide.out(y), &of_mean = wide.out(mean), &of_inverse = wide.out(inverse_deviation);
  visit_floating(in.dtype(), "layer_norm", [&](auto type) {
    using T = typename decltype(type)::type;
    const std::int64_t rows = in.shape()[0], n = in.shape()[1];
    const Lines<T> of_rows{elements<T>(in), n, false};
    const Scratch means = context_.scratch_of<double>(rows), inverses = context_.scratch_of<double>(rows);
    auto *middle = means.template as<double>(), *inverse = inverses.template as<double>();
    cuda::reduce(context_, rows, n, Neighbours::within_row, 0.0, LoadLine<T, double>{of_rows}, Plus<double>{},
                 StoreMean<double>{middle, n});
    cuda::reduce(context_, rows, n, Neighbours::within_row, 0.0, LoadSquaredDistance<T>{of_rows, middle},
                 Plus<double>{}, StoreMean<double>{inverse, n});
    launch(context_.stream(), rows, InvertDeviation{epsilon, inverse});
    launch(
        context_.stream(), rows * n,
        LayerNormElement<T>{of_rows.x, middle, inverse, elements<T>(scale), elements<T>(shift), n, elements<T>(out)});
    if (of_mean.defined()) launch(context_.stream(), rows, Round<T>{middle, elements<T>(of_mean)});
    if (of_inverse.defined()) launch(context_.stream(), rows, Round<T>{inverse, elements<T>(of_inverse)});
  });
  wide.finish();
}

void CudaKernels::layer_norm_backward(const Tensor& x, const Tensor& gradient, const Tensor& gamma, const Tensor& mean,
                                      const Tensor& inverse_deviation, Tensor& dx, Tensor& dgamma, Tensor& dbeta) {
  Widened wide(*this);
  const Tensor in = wide.in(x), incoming = wide.in(gradient), scale = wide.in(gamma), middle = wide.in(mean),
               inverse = wide.in(inverse_deviation);
  Tensor &out = wide.out(dx), &of_gamma = wide.out(dgamma), &of_beta = wide.out(dbeta);
  visit_floating(in.dtype(), "layer_norm_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    const std::int64_t rows = in.shape()[0], n = in.shape()[1];
    const LayerNormOperands<T> of{elements<T>(in),     elements<T>(incoming), elements<T>(scale),
                                  elements<T>(middle), elements<T>(inverse),  n};
    const Scratch sums = context_.scratch_of<Sums<double>>(rows);
    auto* sum = sums.template as<Sums<double>>();
    cuda::reduce(context_, rows, n, Neighbours::within_row, Sums<double>{0.0, 0.0}, LoadRowSums<T>{of},
                 Plus<Sums<double>>{}, StoreEach<Sums<double>>{sum});
    launch(context_.stream(), rows * n, LayerNormBackwardElement<T>{of, sum, elements<T>(out)});
    if (of_gamma.defined() || of_beta.defined())
      cuda::reduce(context_, n, rows, Neighbours::across_rows, Sums<double>{0.0, 0.0}, LoadColumnSums<T>{of},
                   Plus<Sums<double>>{}, StoreParameterGradients<T>{elements<T>(of_gamma), elements<T>(of_beta)});
  });
  wide.finish();
}

}  // namespace nyala::backend::cuda
