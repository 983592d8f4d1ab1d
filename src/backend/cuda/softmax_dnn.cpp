#include "backend/cuda/softmax_dnn.hpp"

#include <array>
#include <initializer_list>
#include <limits>
#include <optional>

#include "backend/cuda/cudnn/graph_builder.hpp"
#include "backend/cuda/cudnn/owned.hpp"

namespace nyala::backend::cuda {
namespace {

/// The matrix as samples of one place each, whose channels the softmax is over; null where it has none, or more
/// elements than cuDNN counts.
std::optional<DnnTensor> matrix(const Tensor& x) {
  constexpr std::int64_t most = std::numeric_limits<int>::max();
  if (x.size() == 0 || x.size() > most) return std::nullopt;
  const int rows = static_cast<int>(x.shape()[0]), columns = static_cast<int>(x.shape()[1]);
  const std::array<int, 4> sizes{rows, columns, 1, 1}, strides{columns, 1, 1, 1};
  const cudnnDataType_t type = x.dtype() == DType::float64 ? CUDNN_DATA_DOUBLE : dnn_type(x.dtype());
  DnnTensor made;
  check(cudnnSetTensorNdDescriptor(made.get(), type, 4, sizes.data(), strides.data()),
        "softmax: cudnnSetTensorNdDescriptor");
  return made;
}

/// alpha = 1 and beta = 0 of cuDNN, in the type in which it scales results.
struct ScalingFactors {
  explicit ScalingFactors(const Tensor& x) : wide(x.dtype() == DType::float64) {}
  const void* one() const { return wide ? static_cast<const void*>(&double_one) : &float_one; }
  const void* zero() const { return wide ? static_cast<const void*>(&double_zero) : &float_zero; }

  bool wide;
  float float_one = 1.0F, float_zero = 0.0F;
  double double_one = 1.0, double_zero = 0.0;
};

cudnnSoftmaxAlgorithm_t algorithm(bool log) { return log ? CUDNN_SOFTMAX_LOG : CUDNN_SOFTMAX_ACCURATE; }

bool done(cudnnStatus_t status, const char* what) {
  if (refused(status)) return false;
  check(status, what);
  return true;
}

bool alike(const Tensor& x, std::initializer_list<Tensor> others) {
  for (const Tensor& other : others)
    if (other.dtype() != x.dtype()) return false;
  return true;
}

}  // namespace

bool softmax_by_library(Context& context, bool log, const Tensor& x, const Tensor& y) {
  const auto described = matrix(x);
  if (!described || !alike(x, {y})) return false;
  const ScalingFactors factors(x);
  return done(cudnnSoftmaxForward(context.dnn(), algorithm(log), CUDNN_SOFTMAX_MODE_CHANNEL, factors.one(),
                                  described->get(), x.raw_data(), factors.zero(), described->get(), y.raw_data()),
              "softmax: cudnnSoftmaxForward");
}

bool softmax_backward_by_library(Context& context, bool log, const Tensor& y, const Tensor& gradient,
                                 const Tensor& dx) {
  const auto described = matrix(y);
  if (!described || !alike(y, {gradient, dx})) return false;
  const ScalingFactors factors(y);
  return done(cudnnSoftmaxBackward(context.dnn(), algorithm(log), CUDNN_SOFTMAX_MODE_CHANNEL, factors.one(),
                                   described->get(), y.raw_data(), described->get(), gradient.raw_data(),
                                   factors.zero(), described->get(), dx.raw_data()),
              "softmax: cudnnSoftmaxBackward");
}

}  // namespace nyala::backend::cuda
