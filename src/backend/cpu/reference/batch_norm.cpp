#include <cmath>
#include <vector>

#include "backend/cpu/reference/nn_support.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

/// Sums over the rows of a (rows, channels) array: one double per channel.
class ChannelSums {
 public:
  ChannelSums(std::int64_t rows, std::int64_t channels)
      : rows_(rows), channels_(channels), sums_(static_cast<std::size_t>(channels)) {}

  template <class F>
  void add(F&& term) {
    double* sums = sums_.data();
    for (std::int64_t row = 0; row < rows_; ++row)
      for (std::int64_t c = 0; c < channels_; ++c) sums[c] += static_cast<double>(term(row * channels_ + c, c));
  }
  double operator[](std::int64_t channel) const { return sums_[static_cast<std::size_t>(channel)]; }
  double mean(std::int64_t channel) const { return rows_ == 0 ? 0.0 : (*this)[channel] / static_cast<double>(rows_); }

 private:
  std::int64_t rows_, channels_;
  std::vector<double> sums_;
};

}  // namespace

void ReferenceKernels::batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon,
                                        Tensor& y, Tensor& mean, Tensor& variance) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    batch_norm_train(wide.in(x), wide.in(gamma), wide.in(beta), epsilon, wide.out(y), wide.out(mean),
                     wide.out(variance));
    return wide.finish();
  }
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t rows = x.shape()[0], channels = x.shape()[1];
    const T* in = elements_of<T>(x);
    ChannelSums sums(rows, channels), squares(rows, channels);
    sums.add([&](std::int64_t i, std::int64_t) { return in[i]; });
    squares.add([&](std::int64_t i, std::int64_t c) {
      const double off = static_cast<double>(in[i]) - sums.mean(c);
      return off * off;
    });
    for (std::int64_t c = 0; c < channels; ++c) {
      elements_of<T>(mean)[c] = static_cast<T>(sums.mean(c));
      elements_of<T>(variance)[c] = static_cast<T>(squares.mean(c));
    }
  });
  if (!done) missing("batch_norm_train", x);
  batch_norm_inference(x, mean, variance, gamma, beta, epsilon, y);
}

void ReferenceKernels::batch_norm_inference(const Tensor& x, const Tensor& mean, const Tensor& variance,
                                            const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    batch_norm_inference(wide.in(x), wide.in(mean), wide.in(variance), wide.in(gamma), wide.in(beta), epsilon,
                         wide.out(y));
    return wide.finish();
  }
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t rows = x.shape()[0], channels = x.shape()[1];
    for (std::int64_t c = 0; c < channels; ++c) {
      const T scale = static_cast<T>(1.0 / std::sqrt(static_cast<double>(elements_of<T>(variance)[c]) + epsilon)) *
                      (gamma.defined() ? elements_of<T>(gamma)[c] : T(1));
      const T middle = elements_of<T>(mean)[c], shift = beta.defined() ? elements_of<T>(beta)[c] : T(0);
      for (std::int64_t row = 0; row < rows; ++row) {
        const std::int64_t i = row * channels + c;
        elements_of<T>(y)[i] = (elements_of<T>(x)[i] - middle) * scale + shift;
      }
    }
  });
  if (!done) missing("batch_norm_inference", x);
}

void ReferenceKernels::batch_norm_backward(const Tensor& x, const Tensor& gradient, const Tensor& gamma,
                                           const Tensor& mean, const Tensor& variance, double epsilon, Tensor& dx,
                                           Tensor& dgamma, Tensor& dbeta) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    batch_norm_backward(wide.in(x), wide.in(gradient), wide.in(gamma), wide.in(mean), wide.in(variance), epsilon,
                        wide.out(dx), wide.out(dgamma), wide.out(dbeta));
    return wide.finish();
  }
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t rows = x.shape()[0], channels = x.shape()[1];
    const T *in = elements_of<T>(x), *g = elements_of<T>(gradient), *middle = elements_of<T>(mean);
    const auto inverse = [&](std::int64_t c) {
      return 1.0 / std::sqrt(static_cast<double>(elements_of<T>(variance)[c]) + epsilon);
    };
    ChannelSums sums(rows, channels), projections(rows, channels);
    sums.add([&](std::int64_t i, std::int64_t) { return g[i]; });
    projections.add([&](std::int64_t i, std::int64_t c) {
      return static_cast<double>(g[i]) * (static_cast<double>(in[i]) - static_cast<double>(middle[c]));
    });
    for (std::int64_t c = 0; c < channels; ++c) {
      const double scale = inverse(c);
      const double outer = scale * (gamma.defined() ? static_cast<double>(elements_of<T>(gamma)[c]) : 1.0);
      for (std::int64_t row = 0; row < rows; ++row) {
        const std::int64_t i = row * channels + c;
        const double normal = (static_cast<double>(in[i]) - static_cast<double>(middle[c])) * scale;
        elements_of<T>(dx)[i] =
            static_cast<T>(outer * (static_cast<double>(g[i]) - sums.mean(c) - normal * scale * projections.mean(c)));
      }
      if (dgamma.defined()) elements_of<T>(dgamma)[c] = static_cast<T>(projections[c] * scale);
      if (dbeta.defined()) elements_of<T>(dbeta)[c] = static_cast<T>(sums[c]);
    }
  });
  if (!done) missing("batch_norm_backward", x);
}

}  // namespace nyala::backend
