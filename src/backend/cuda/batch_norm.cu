#include <cmath>
#include <initializer_list>
#include <vector>

#include "backend/common/dispatch.hpp"
#include "backend/common/widened.hpp"
#include "backend/cuda/batch_norm_graph.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/cudnn/graph_builder.hpp"
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

/// What cuDNN gives and takes instead of a variance, one per channel.
struct ChannelNumber {
  enum What { variance_of_inverse, inverse_of_variance, scale } what;
  const float* from;
  const float* gamma;
  double epsilon;
  float* to;
  constexpr void operator()(std::int64_t c) const {
    const double given = static_cast<double>(from[c]), found = 1.0 / (given * given) - epsilon;
    if (what == variance_of_inverse) {
      to[c] = found < 0.0 ? 0.0F : static_cast<float>(found);  // a NaN stays one
      return;
    }
    const double inverse = inverse_deviation(from[c], epsilon);
    to[c] = static_cast<float>(what == scale && gamma != nullptr ? inverse * static_cast<double>(gamma[c]) : inverse);
  }
};

/// A pass through cuDNN, whose engines want every tensor of one number per channel: ones stand for no gamma, zeros for
/// no beta. Each pass says false, with nothing done, where there is no engine.
class BatchNormByLibrary {
 public:
  /// What the pass reads and writes: of x's shape, x first, and per channel, null ones too.
  BatchNormByLibrary(CudaKernels& kernels, BatchNormPass pass, double epsilon, std::initializer_list<Tensor> whole,
                     std::initializer_list<Tensor> per_channel, bool activated = false, bool residual = false)
      : kernels_(kernels), pass_(pass), epsilon_(epsilon), x_(*whole.begin()) {
    if (x_.size() == 0 || x_.dtype() == DType::float64) return;
    std::vector<void*> pointers;
    const auto add = [&](const Tensor& each, DType dtype) {
      if (each.defined()) pointers.push_back(each.raw_data());
      return !each.defined() || each.dtype() == dtype;
    };
    for (const Tensor& each : whole)
      if (!add(each, x_.dtype())) return;
    for (const Tensor& each : per_channel)
      if (!add(each, DType::float32)) return;
    problem_ = {x_.dtype(), x_.shape()[0], x_.shape()[1], common_alignment(pointers), activated, residual};
    possible_ = batch_norm_has_plan(kernels.context(), pass, problem_);
  }

  bool train(const Tensor& gamma, const Tensor& beta, Tensor& y, Tensor& mean, Tensor& variance,
             const Tensor& residual = {}) {
    if (!possible_) return false;
    const Tensor inverse = channels(), scale = given_or(gamma, 1.0), shift = given_or(beta, 0.0);
    if (!run({.epsilon = static_cast<float>(epsilon_),
              .x = x_.raw_data(),
              .y = y.raw_data(),
              .residual = elements<void>(residual),
              .gamma = scale.raw_data(),
              .beta = shift.raw_data(),
              .mean = mean.raw_data(),
              .inverse_deviation = inverse.raw_data()}))
      return false;
    each(ChannelNumber::variance_of_inverse, inverse, {}, variance);
    return true;
  }

  bool infer(const Tensor& mean, const Tensor& variance, const Tensor& gamma, const Tensor& beta, Tensor& y) {
    if (!possible_) return false;
    const Tensor scale = channels(), shift = given_or(beta, 0.0);
    each(ChannelNumber::scale, variance, gamma, scale);
    return run({.x = x_.raw_data(),
                .y = y.raw_data(),
                .gamma = scale.raw_data(),
                .beta = shift.raw_data(),
                .mean = mean.raw_data()});
  }

  bool backward(const Tensor& gradient, const Tensor& gamma, const Tensor& mean, const Tensor& variance, Tensor& dx,
                const Tensor& dgamma, const Tensor& dbeta) {
    if (!possible_) return false;
    const Tensor inverse = channels(), scale = given_or(gamma, 1.0), of_gamma = dgamma.defined() ? dgamma : channels(),
                 of_beta = dbeta.defined() ? dbeta : channels();
    each(ChannelNumber::inverse_of_variance, variance, {}, inverse);
    return run({.x = x_.raw_data(),
                .gamma = scale.raw_data(),
                .mean = mean.raw_data(),
                .inverse_deviation = inverse.raw_data(),
                .gradient = gradient.raw_data(),
                .dx = dx.raw_data(),
                .dgamma = of_gamma.raw_data(),
                .dbeta = of_beta.raw_data()});
  }

 private:
  Tensor channels() const { return Tensor::empty({problem_.channels}, DType::float32, x_.device()); }
  Tensor given_or(const Tensor& given, double value) const {
    if (given.defined()) return given;
    Tensor made = channels();
    kernels_.fill(made, value);
    return made;
  }
  void each(ChannelNumber::What what, const Tensor& from, const Tensor& gamma, const Tensor& to) const {
    launch(kernels_.context().stream(), problem_.channels,
           ChannelNumber{what, elements<float>(from), elements<float>(gamma), epsilon_, elements<float>(to)});
  }
  bool run(const BatchNormMemory& memory) const { return run_batch_norm(kernels_.context(), pass_, problem_, memory); }

  CudaKernels& kernels_;
  BatchNormPass pass_;
  double epsilon_;
  Tensor x_;
  BatchNormProblem problem_;
  bool possible_ = false;
};

/// By our own kernel, in x's dtype.
void normalise(Context& context, const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gamma,
               const Tensor& beta, double epsilon, Tensor& y) {
  visit_floating(x.dtype(), "batch_norm_inference", [&](auto type) {
    using T = typename decltype(type)::type;
    launch(context.stream(), x.size(),
           BatchNormElement<T>{elements<T>(x), elements<T>(mean), elements<T>(variance), elements<T>(gamma),
                               elements<T>(beta), epsilon, x.shape()[1], elements<T>(y)});
  });
}

}  // namespace

void CudaKernels::batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y,
                                   Tensor& mean, Tensor& variance) {
  BatchNormByLibrary library(*this, BatchNormPass::training, epsilon, {x, y}, {gamma, beta, mean, variance});
  if (library.train(gamma, beta, y, mean, variance)) return;
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
  normalise(context_, in, of_mean, of_variance, wide.in(gamma), wide.in(beta), epsilon, out);
  wide.finish();
}

void CudaKernels::batch_norm_activation_train(Unary activation, const Tensor& x, const Tensor& gamma,
                                              const Tensor& beta, const Tensor& residual, double epsilon, Tensor& y,
                                              Tensor& mean, Tensor& variance) {
  if (activation == Unary::relu) {
    BatchNormByLibrary library(*this, BatchNormPass::training, epsilon, {x, y, residual}, {gamma, beta, mean, variance},
                               true, residual.defined());
    if (library.train(gamma, beta, y, mean, variance, residual)) return;
  }
  Kernels::batch_norm_activation_train(activation, x, gamma, beta, residual, epsilon, y, mean, variance);
}

void CudaKernels::batch_norm_inference(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gamma,
                                       const Tensor& beta, double epsilon, Tensor& y) {
  BatchNormByLibrary library(*this, BatchNormPass::inference, epsilon, {x, y}, {mean, variance, gamma, beta});
  if (library.infer(mean, variance, gamma, beta, y)) return;
  Widened wide(*this);
  normalise(context_, wide.in(x), wide.in(mean), wide.in(variance), wide.in(gamma), wide.in(beta), epsilon,
            wide.out(y));
  wide.finish();
}

void CudaKernels::batch_norm_backward(const Tensor& x, const Tensor& gradient, const Tensor& gamma, const Tensor& mean,
                                      const Tensor& variance, double epsilon, Tensor& dx, Tensor& dgamma,
                                      Tensor& dbeta) {
  BatchNormByLibrary library(*this, BatchNormPass::backward, epsilon, {x, gradient, dx},
                             {gamma, mean, variance, dgamma, dbeta});
  if (library.backward(gradient, gamma, mean, variance, dx, dgamma, dbeta)) return;
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
