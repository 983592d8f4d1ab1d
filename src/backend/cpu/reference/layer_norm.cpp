#include <cmath>
#include <vector>

#include "backend/cpu/reference/nn_support.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {

void ReferenceKernels::layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y,
                                  Tensor& mean, Tensor& inverse_deviation) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    layer_norm(wide.in(x), wide.in(gamma), wide.in(beta), epsilon, wide.out(y), wide.out(mean),
               wide.out(inverse_deviation));
    return wide.finish();
  }
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t rows = x.shape()[0], n = x.shape()[1];
    const T *scale = elements_of<T>(gamma), *shift = elements_of<T>(beta);
    for (std::int64_t row = 0; row < rows; ++row) {
      const T* in = elements_of<T>(x) + row * n;
      T* out = elements_of<T>(y) + row * n;
      double sum = 0.0, squares = 0.0;
      for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(in[i]);
      const double middle = sum / static_cast<double>(n);
      for (std::int64_t i = 0; i < n; ++i) {
        const double off = static_cast<double>(in[i]) - middle;
        squares += off * off;
      }
      const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(n) + epsilon);
      for (std::int64_t i = 0; i < n; ++i) {
        const T normal = static_cast<T>((static_cast<double>(in[i]) - middle) * inverse);
        out[i] = normal * (scale ? scale[i] : T(1)) + (shift ? shift[i] : T(0));
      }
      if (mean.defined()) elements_of<T>(mean)[row] = static_cast<T>(middle);
      if (inverse_deviation.defined()) elements_of<T>(inverse_deviation)[row] = static_cast<T>(inverse);
    }
  });
  if (!done) missing("layer_norm", x);
}

void ReferenceKernels::layer_norm_backward(const Tensor& x, const Tensor& gradient, const Tensor& gamma,
                                           const Tensor& mean, const Tensor& inverse_deviation, Tensor& dx,
                                           Tensor& dgamma, Tensor& dbeta) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    layer_norm_backward(wide.in(x), wide.in(gradient), wide.in(gamma), wide.in(mean), wide.in(inverse_deviation),
                        wide.out(dx), wide.out(dgamma), wide.out(dbeta));
    return wide.finish();
  }
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t rows = x.shape()[0], n = x.shape()[1];
    const T* scale = elements_of<T>(gamma);
    std::vector<double> scale_gradient(static_cast<std::size_t>(n)), shift_gradient(static_cast<std::size_t>(n));
    double *of_scale = scale_gradient.data(), *of_shift = shift_gradient.data();
    for (std::int64_t row = 0; row < rows; ++row) {
      const T *in = elements_of<T>(x) + row * n, *g = elements_of<T>(gradient) + row * n;
      const double middle = static_cast<double>(elements_of<T>(mean)[row]);
      const double inverse = static_cast<double>(elements_of<T>(inverse_deviation)[row]);
      double sum = 0.0, projection = 0.0;
      for (std::int64_t i = 0; i < n; ++i) {
        const double normal = (static_cast<double>(in[i]) - middle) * inverse, incoming = static_cast<double>(g[i]);
        const double scaled = incoming * (scale ? static_cast<double>(scale[i]) : 1.0);
        sum += scaled;
        projection += scaled * normal;
        of_scale[i] += incoming * normal;
        of_shift[i] += incoming;
      }
      sum /= static_cast<double>(n);
      projection /= static_cast<double>(n);
      T* out = elements_of<T>(dx) + row * n;
      for (std::int64_t i = 0; i < n; ++i) {
        const double normal = (static_cast<double>(in[i]) - middle) * inverse;
        const double scaled = static_cast<double>(g[i]) * (scale ? static_cast<double>(scale[i]) : 1.0);
        out[i] = static_cast<T>(inverse * (scaled - sum - normal * projection));
      }
    }
    for (std::int64_t i = 0; i < n; ++i) {
      if (dgamma.defined()) elements_of<T>(dgamma)[i] = static_cast<T>(of_scale[i]);
      if (dbeta.defined()) elements_of<T>(dbeta)[i] = static_cast<T>(of_shift[i]);
    }
  });
  if (!done) missing("layer_norm_backward", x);
}

}  // namespace nyala::backend
