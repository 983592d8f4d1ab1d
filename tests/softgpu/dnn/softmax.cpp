#include <algorithm>
#include <cmath>
#include <limits>

#include "dnn/graph.hpp"
#include "dnn/rnn.hpp"
#include "runtime/product.hpp"

// Softmax over the channels of packed tensors with one place per sample, as it is called here; computed in float, or in
// double for doubles.

namespace softgpu::dnn {
namespace {

/// Checks what both directions have in common.
class SoftmaxCall {
 public:
  SoftmaxCall(const char* name, cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm, cudnnSoftmaxMode_t mode,
              const void* alpha, const void* beta, std::vector<cudnnTensorDescriptor_t> tensors)
      : log(algorithm == CUDNN_SOFTMAX_LOG), what_(name), handle_(handle) {
    status_ = check_handle(handle, what_);
    if (status_ == CUDNN_STATUS_SUCCESS) status_ = check_tensors(mode, algorithm, tensors);
    if (status_ == CUDNN_STATUS_SUCCESS) status_ = check_factors(alpha, beta);
  }

  void uses(const void* pointer, bool written) {
    if (status_ != CUDNN_STATUS_SUCCESS) return;
    if (pointer == nullptr)
      status_ = wrong(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, what_, "a null pointer where memory is needed");
    uses_.push_back(written ? softgpu::writes(pointer, bytes_) : softgpu::reads(pointer, bytes_));
  }
  template <class Compute>
  cudnnStatus_t run(Compute compute) {
    if (status_ != CUDNN_STATUS_SUCCESS) return status_;
    if (fault("softmax")) return refuse(CUDNN_STATUS_NOT_SUPPORTED, what_, "on demand");
    count("softmaxes");
    const cudaError_t error = softgpu::enqueue(handle_->stream, what_, uses_, [call = *this, compute] {
      if (call.type == CUDA_R_64F)
        compute(call, 0.0);
      else
        compute(call, 0.0F);
    });
    if (error == cudaSuccess) return CUDNN_STATUS_SUCCESS;
    cudaGetLastError();
    return CUDNN_STATUS_EXECUTION_FAILED;
  }

  bool log;
  cudaDataType_t type = CUDA_R_32F;
  std::int64_t rows = 0, columns = 0;

 private:
  cudnnStatus_t check_tensors(cudnnSoftmaxMode_t mode, cudnnSoftmaxAlgorithm_t algorithm,
                              const std::vector<cudnnTensorDescriptor_t>& tensors) {
    if (mode != CUDNN_SOFTMAX_MODE_CHANNEL || (algorithm != CUDNN_SOFTMAX_ACCURATE && !log))
      return wrong(CUDNN_STATUS_NOT_SUPPORTED, what_, "a mode or algorithm that the software GPU does not know");
    for (cudnnTensorDescriptor_t each : tensors) {
      if (!is_live(each) || each->dimensions.empty())
        return wrong(CUDNN_STATUS_BAD_PARAM, what_, "a tensor that is not described");
      if (each->type != tensors[0]->type || each->dimensions != tensors[0]->dimensions ||
          each->strides != tensors[0]->strides)
        return wrong(CUDNN_STATUS_BAD_PARAM, what_, "tensors of different types, sizes or strides");
    }
    const cudnnTensorStruct& x = *tensors[0];
    if (x.dimensions.size() != 4 || x.dimensions[2] != 1 || x.dimensions[3] != 1 || x.strides[1] != 1 ||
        x.strides[0] != x.dimensions[1])
      return wrong(CUDNN_STATUS_NOT_SUPPORTED, what_, "other than four dimensions, one place per sample, packed");
    type = cuda_type(x.type);
    rows = x.dimensions[0];
    columns = x.dimensions[1];
    bytes_ = softgpu::size_of(type) * static_cast<std::size_t>(rows * columns);
    return CUDNN_STATUS_SUCCESS;
  }
  /// In float, but for doubles.
  cudnnStatus_t check_factors(const void* alpha, const void* beta) const {
    if (alpha == nullptr || beta == nullptr) return wrong(CUDNN_STATUS_BAD_PARAM, what_, "no factors of blending");
    const auto value = [&](const void* factor) {
      return type == CUDA_R_64F ? *static_cast<const double*>(factor)
                                : static_cast<double>(*static_cast<const float*>(factor));
    };
    if (value(alpha) == 1.0 && value(beta) == 0.0) return CUDNN_STATUS_SUCCESS;
    return wrong(CUDNN_STATUS_NOT_SUPPORTED, what_, "alpha other than 1 or beta other than 0");
  }

  const char* what_;
  cudnnHandle_t handle_;
  cudnnStatus_t status_ = CUDNN_STATUS_SUCCESS;
  std::size_t bytes_ = 0;
  std::vector<softgpu::Use> uses_;
};

}  // namespace
}  // namespace softgpu::dnn

extern "C" {

cudnnStatus_t cudnnSoftmaxForward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm, cudnnSoftmaxMode_t mode,
                                  const void* alpha, cudnnTensorDescriptor_t x_descriptor, const void* x,
                                  const void* beta, cudnnTensorDescriptor_t y_descriptor, void* y) {
  softgpu::dnn::SoftmaxCall call("cudnnSoftmaxForward", handle, algorithm, mode, alpha, beta,
                                 {x_descriptor, y_descriptor});
  call.uses(x, false);
  call.uses(y, true);
  return call.run([x, y]<class T>(const softgpu::dnn::SoftmaxCall& c, T) {
    for (std::int64_t row = 0; row < c.rows; ++row) {
      const std::int64_t first = row * c.columns, last = first + c.columns;
      T largest = -std::numeric_limits<T>::infinity(), sum = 0;
      for (std::int64_t i = first; i < last; ++i) largest = std::max(largest, softgpu::load<T>(c.type, x, i));
      for (std::int64_t i = first; i < last; ++i) sum += std::exp(softgpu::load<T>(c.type, x, i) - largest);
      for (std::int64_t i = first; i < last; ++i) {
        const T below = softgpu::load<T>(c.type, x, i) - largest;
        softgpu::store(c.type, y, i, c.log ? below - std::log(sum) : std::exp(below) / sum);
      }
    }
  });
}

cudnnStatus_t cudnnSoftmaxBackward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm, cudnnSoftmaxMode_t mode,
                                   const void* alpha, cudnnTensorDescriptor_t y_descriptor, const void* y,
                                   cudnnTensorDescriptor_t dy_descriptor, const void* dy, const void* beta,
                                   cudnnTensorDescriptor_t dx_descriptor, void* dx) {
  softgpu::dnn::SoftmaxCall call("cudnnSoftmaxBackward", handle, algorithm, mode, alpha, beta,
                                 {y_descriptor, dy_descriptor, dx_descriptor});
  call.uses(y, false);
  call.uses(dy, false);
  call.uses(dx, true);
  return call.run([y, dy, dx]<class T>(const softgpu::dnn::SoftmaxCall& c, T) {
    for (std::int64_t row = 0; row < c.rows; ++row) {
      const std::int64_t first = row * c.columns, last = first + c.columns;
      T sum = 0;
      for (std::int64_t i = first; i < last; ++i)
        sum += softgpu::load<T>(c.type, dy, i) * (c.log ? T(1) : softgpu::load<T>(c.type, y, i));
      for (std::int64_t i = first; i < last; ++i) {
        const T own = softgpu::load<T>(c.type, y, i), gradient = softgpu::load<T>(c.type, dy, i);
        softgpu::store(c.type, dx, i, c.log ? gradient - std::exp(own) * sum : own * (gradient - sum));
      }
    }
  });
}
}
