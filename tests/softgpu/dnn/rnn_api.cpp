#include <cstring>

#include "dnn/rnn.hpp"

// The entry points of recurrent networks (v8) and of the descriptors that they take.

namespace {

using softgpu::dnn::is_live;
using softgpu::dnn::RnnCall;
using softgpu::dnn::WeightSpace;
using softgpu::dnn::wrong;

template <class T>
cudnnStatus_t create(T** descriptor) {
  *descriptor = new T{};
  softgpu::dnn::add_live(*descriptor);
  return CUDNN_STATUS_SUCCESS;
}

template <class T>
cudnnStatus_t destroy(T* descriptor, const char* what) {
  if (!softgpu::dnn::remove_live(descriptor, what)) return CUDNN_STATUS_BAD_PARAM;
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}

/// Empty, or what is wrong with a network, its data and its handle.
cudnnStatus_t usable(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const char* what) {
  if (const cudnnStatus_t status = softgpu::dnn::check_handle(handle, what); status != CUDNN_STATUS_SUCCESS)
    return status;
  if (!is_live(rnn) || !rnn->set) return wrong(CUDNN_STATUS_BAD_PARAM, what, "a network that is not described");
  return CUDNN_STATUS_SUCCESS;
}

/// Checks what the three passes have in common, and gathers it.
class Pass {
 public:
  Pass(const char* name, cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnRNNDataDescriptor_t x,
       cudnnRNNDataDescriptor_t y, const std::int32_t* lengths, cudnnTensorDescriptor_t h)
      : what_(name), handle_(handle) {
    status_ = usable(handle, rnn, what_);
    if (status_ != CUDNN_STATUS_SUCCESS) return;
    if (!is_live(x) || !is_live(y) || !x->set || !y->set) {
      bad("data that is not described");
      return;
    }
    if (lengths != nullptr) {
      bad("lengths on the device, which must be null since version 8.9.1");
      return;
    }
    if (x->width != rnn->in || y->width != rnn->units) {
      bad("vectors of other sizes than the network's");
      return;
    }
    if (x->batch != y->batch || x->longest != y->longest || x->lengths != y->lengths) {
      bad("x and y of different lengths");
      return;
    }
    if (!is_live(h) || h->dimensions != std::vector<int>{1, x->batch, rnn->units} ||
        h->strides != std::vector<int>{x->batch * rnn->units, rnn->units, 1} || h->type != CUDNN_DATA_FLOAT) {
      bad("a state that is not described as (1, batch, units), packed");
      return;
    }
    call.rnn = *rnn;
    call.sequences = *x;
    call.padding = y->padding;
    steps_ = static_cast<std::size_t>(x->longest) * static_cast<std::size_t>(x->batch);
    x_bytes = 4 * steps_ * static_cast<std::size_t>(rnn->in);
    y_bytes = 4 * steps_ * static_cast<std::size_t>(rnn->units);
    state_bytes = 4 * static_cast<std::size_t>(x->batch) * static_cast<std::size_t>(rnn->units);
  }

  void reads(const void* pointer, std::size_t bytes, bool needed = true) {
    if (pointer != nullptr)
      uses_.push_back(softgpu::reads(pointer, bytes));
    else if (needed)
      bad("a null pointer where memory is needed");
  }
  void writes(const void* pointer, std::size_t bytes, bool needed = true) {
    if (pointer != nullptr)
      uses_.push_back(softgpu::writes(pointer, bytes));
    else if (needed)
      bad("a null pointer where memory is needed");
  }
  void weights(const void* pointer, std::size_t bytes, bool written) {
    if (status_ != CUDNN_STATUS_SUCCESS) return;
    const std::size_t needed = WeightSpace(call.rnn).bytes();
    if (bytes < needed) bad("a weight space that is too small");
    written ? writes(pointer, needed) : reads(pointer, needed);
  }
  void spaces(void* workspace, std::size_t work_bytes, void* reserve, std::size_t reserve_bytes, bool training) {
    if (status_ != CUDNN_STATUS_SUCCESS) return;
    if (work_bytes < workspace_bytes) bad("a workspace that is too small");
    writes(workspace, workspace_bytes);
    workspace_ = workspace;
    if (!training) return;
    const std::size_t needed = 4 * reserve_floats(call);
    if (reserve_bytes < needed) bad("a reserve space that is too small");
    writes(reserve, needed);
    call.reserve = static_cast<float*>(reserve);
    call.training = true;
  }

  cudnnStatus_t run(void (*compute)(const RnnCall&)) {
    if (status_ != CUDNN_STATUS_SUCCESS) return status_;
    softgpu::count("executions");
    if (softgpu::fault("rnn")) return softgpu::dnn::refuse(CUDNN_STATUS_EXECUTION_FAILED, what_, "on demand");
    const cudaError_t error =
        softgpu::enqueue(handle_->stream, what_, uses_, [whole = call, compute, workspace = workspace_] {
          std::memset(workspace, 0x5A, workspace_bytes);
          compute(whole);
        });
    if (error == cudaSuccess) return CUDNN_STATUS_SUCCESS;
    cudaGetLastError();
    return CUDNN_STATUS_EXECUTION_FAILED;
  }

  static constexpr std::size_t workspace_bytes = 1024;
  RnnCall call;
  std::size_t x_bytes = 0, y_bytes = 0, state_bytes = 0;

 private:
  void bad(const std::string& why) {
    if (status_ == CUDNN_STATUS_SUCCESS) status_ = wrong(CUDNN_STATUS_BAD_PARAM, what_, why);
  }

  const char* what_;
  cudnnHandle_t handle_;
  cudnnStatus_t status_ = CUDNN_STATUS_SUCCESS;
  std::size_t steps_ = 0;
  void* workspace_ = nullptr;
  std::vector<softgpu::Use> uses_;
};

const float* floats(const void* pointer) { return static_cast<const float*>(pointer); }
float* floats(void* pointer) { return static_cast<float*>(pointer); }

}  // namespace

extern "C" {

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* descriptor) { return create(descriptor); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor) {
  return destroy(descriptor, "cudnnDestroyTensorDescriptor");
}
cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t descriptor, cudnnDataType_t type, int rank,
                                         const int* dimensions, const int* strides) {
  constexpr const char* what = "cudnnSetTensorNdDescriptor";
  if (!is_live(descriptor)) return wrong(CUDNN_STATUS_BAD_PARAM, what, "not a descriptor");
  if (rank < 3 || rank > 8) return wrong(CUDNN_STATUS_NOT_SUPPORTED, what, "a rank other than 3 to 8");
  for (int i = 0; i < rank; ++i)
    if (dimensions[i] <= 0 || strides[i] <= 0)
      return wrong(CUDNN_STATUS_BAD_PARAM, what, "sizes that are not positive");
  descriptor->type = type;
  descriptor->dimensions.assign(dimensions, dimensions + rank);
  descriptor->strides.assign(strides, strides + rank);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t* descriptor) { return create(descriptor); }
cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t descriptor) {
  return destroy(descriptor, "cudnnDestroyDropoutDescriptor");
}
cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t descriptor, cudnnHandle_t handle, float dropout,
                                        void* states, std::size_t bytes, unsigned long long) {
  constexpr const char* what = "cudnnSetDropoutDescriptor";
  if (const cudnnStatus_t status = softgpu::dnn::check_handle(handle, what); status != CUDNN_STATUS_SUCCESS)
    return status;
  if (!is_live(descriptor)) return wrong(CUDNN_STATUS_BAD_PARAM, what, "not a descriptor");
  if (dropout != 0.0F || states != nullptr || bytes != 0)
    return wrong(CUDNN_STATUS_NOT_SUPPORTED, what, "the software GPU has no dropout within networks");
  descriptor->set = true;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t* descriptor) { return create(descriptor); }
cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t descriptor) {
  return destroy(descriptor, "cudnnDestroyRNNDescriptor");
}
cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t descriptor, cudnnRNNAlgo_t, cudnnRNNMode_t cell,
                                       cudnnRNNBiasMode_t bias, cudnnDirectionMode_t, cudnnRNNInputMode_t,
                                       cudnnDataType_t data, cudnnDataType_t precision, cudnnMathType_t math,
                                       std::int32_t input_size, std::int32_t hidden_size, std::int32_t projection_size,
                                       std::int32_t layers, cudnnDropoutDescriptor_t dropout, std::uint32_t flags) {
  constexpr const char* what = "cudnnSetRNNDescriptor_v8";
  if (!is_live(descriptor)) return wrong(CUDNN_STATUS_BAD_PARAM, what, "not a descriptor");
  if (!is_live(dropout) || !dropout->set) return wrong(CUDNN_STATUS_BAD_PARAM, what, "dropout that is not described");
  if (input_size <= 0 || hidden_size <= 0 || projection_size != hidden_size || layers != 1)
    return wrong(CUDNN_STATUS_BAD_PARAM, what, "sizes out of range, or more than one layer");
  if (data != CUDNN_DATA_FLOAT || precision != CUDNN_DATA_FLOAT || bias != CUDNN_RNN_DOUBLE_BIAS)
    return wrong(CUDNN_STATUS_NOT_SUPPORTED, what, "a type or bias that the software GPU does not know");
  if (flags != CUDNN_RNN_PADDED_IO_ENABLED)
    return wrong(CUDNN_STATUS_BAD_PARAM, what, "padded data needs CUDNN_RNN_PADDED_IO_ENABLED");
  *descriptor = {true, cell, math, input_size, hidden_size};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t* descriptor) { return create(descriptor); }
cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t descriptor) {
  return destroy(descriptor, "cudnnDestroyRNNDataDescriptor");
}
cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t descriptor, cudnnDataType_t type, cudnnRNNDataLayout_t,
                                        int longest, int batch, int vector, const int* lengths, void* padding_fill) {
  constexpr const char* what = "cudnnSetRNNDataDescriptor";
  if (!is_live(descriptor)) return wrong(CUDNN_STATUS_BAD_PARAM, what, "not a descriptor");
  if (type != CUDNN_DATA_FLOAT) return wrong(CUDNN_STATUS_NOT_SUPPORTED, what, "another type than FLOAT");
  if (longest <= 0 || batch <= 0 || vector <= 0) return wrong(CUDNN_STATUS_BAD_PARAM, what, "sizes out of range");
  *descriptor = {true, longest, batch, vector, {lengths, lengths + batch}, 0.0F};
  for (const int length : descriptor->lengths)
    if (length < 1 || length > longest) return wrong(CUDNN_STATUS_BAD_PARAM, what, "a length out of range");
  if (padding_fill != nullptr) std::memcpy(&descriptor->padding, padding_fill, sizeof(float));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, std::size_t* bytes) {
  const cudnnStatus_t status = usable(handle, rnn, "cudnnGetRNNWeightSpaceSize");
  if (status == CUDNN_STATUS_SUCCESS) *bytes = WeightSpace(*rnn).bytes();
  return status;
}

cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, std::int32_t layer,
                                      std::size_t weight_bytes, const void* weights, std::int32_t matrix,
                                      cudnnTensorDescriptor_t matrix_descriptor, void** matrix_address,
                                      cudnnTensorDescriptor_t bias_descriptor, void** bias_address) {
  constexpr const char* what = "cudnnGetRNNWeightParams";
  if (const cudnnStatus_t status = usable(handle, rnn, what); status != CUDNN_STATUS_SUCCESS) return status;
  const WeightSpace space(*rnn);
  if (layer != 0 || matrix < 0 || matrix >= 2 * space.gates || weight_bytes < space.bytes())
    return wrong(CUDNN_STATUS_BAD_PARAM, what, "no such layer or matrix, or a weight space that is too small");
  if (!is_live(matrix_descriptor) || !is_live(bias_descriptor))
    return wrong(CUDNN_STATUS_BAD_PARAM, what, "not a descriptor");
  const int columns = matrix < space.gates ? rnn->in : rnn->units;
  *matrix_descriptor = {CUDNN_DATA_FLOAT, {1, rnn->units, columns}, {rnn->units * columns, columns, 1}};
  *bias_descriptor = {CUDNN_DATA_FLOAT, {1, rnn->units, 1}, {rnn->units, 1, 1}};
  auto* start = static_cast<float*>(const_cast<void*>(weights));
  *matrix_address = start + space.matrix(matrix);
  *bias_address = start + space.bias(matrix);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t mode,
                                        cudnnRNNDataDescriptor_t x, std::size_t* workspace, std::size_t* reserve) {
  constexpr const char* what = "cudnnGetRNNTempSpaceSizes";
  if (const cudnnStatus_t status = usable(handle, rnn, what); status != CUDNN_STATUS_SUCCESS) return status;
  if (!is_live(x) || !x->set) return wrong(CUDNN_STATUS_BAD_PARAM, what, "data that is not described");
  RnnCall call;
  call.rnn = *rnn;
  call.sequences = *x;
  *workspace = Pass::workspace_bytes;
  *reserve = mode == CUDNN_FWD_MODE_TRAINING ? 4 * reserve_floats(call) : 0;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnRNNForward(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t mode,
                              const std::int32_t* lengths, cudnnRNNDataDescriptor_t x_descriptor, const void* x,
                              cudnnRNNDataDescriptor_t y_descriptor, void* y, cudnnTensorDescriptor_t h_descriptor,
                              const void* hx, void* hy, cudnnTensorDescriptor_t, const void* cx, void* cy,
                              std::size_t weight_bytes, const void* weights, std::size_t workspace_bytes,
                              void* workspace, std::size_t reserve_bytes, void* reserve) {
  Pass pass("cudnnRNNForward", handle, rnn, x_descriptor, y_descriptor, lengths, h_descriptor);
  pass.reads(x, pass.x_bytes);
  pass.writes(y, pass.y_bytes);
  pass.reads(hx, pass.state_bytes, false);
  pass.writes(hy, pass.state_bytes, false);
  if (pass.call.rnn.cell == CUDNN_LSTM) {
    pass.reads(cx, pass.state_bytes, false);
    pass.writes(cy, pass.state_bytes, false);
    pass.call.cx = floats(cx);
    pass.call.cy = floats(cy);
  }
  pass.weights(weights, weight_bytes, false);
  pass.spaces(workspace, workspace_bytes, reserve, reserve_bytes, mode == CUDNN_FWD_MODE_TRAINING);
  pass.call.x = floats(x);
  pass.call.y = floats(y);
  pass.call.hx = floats(hx);
  pass.call.hy = floats(hy);
  pass.call.weights = floats(weights);
  return pass.run(&softgpu::dnn::rnn_forward);
}

cudnnStatus_t cudnnRNNBackwardData_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const std::int32_t* lengths,
                                      cudnnRNNDataDescriptor_t y_descriptor, const void* y, const void* dy,
                                      cudnnRNNDataDescriptor_t x_descriptor, void* dx,
                                      cudnnTensorDescriptor_t h_descriptor, const void* hx, const void* dhy, void* dhx,
                                      cudnnTensorDescriptor_t, const void* cx, const void* dcy, void* dcx,
                                      std::size_t weight_bytes, const void* weights, std::size_t workspace_bytes,
                                      void* workspace, std::size_t reserve_bytes, void* reserve) {
  Pass pass("cudnnRNNBackwardData_v8", handle, rnn, x_descriptor, y_descriptor, lengths, h_descriptor);
  pass.reads(y, pass.y_bytes);
  pass.reads(dy, pass.y_bytes);
  pass.writes(dx, pass.x_bytes);
  pass.reads(hx, pass.state_bytes, false);
  pass.reads(dhy, pass.state_bytes, false);
  pass.writes(dhx, pass.state_bytes, false);
  if (pass.call.rnn.cell == CUDNN_LSTM) {
    pass.reads(cx, pass.state_bytes, false);
    pass.reads(dcy, pass.state_bytes, false);
    pass.writes(dcx, pass.state_bytes, false);
    pass.call.cx = floats(cx);
    pass.call.dcy = floats(dcy);
    pass.call.dcx = floats(dcx);
  }
  pass.weights(weights, weight_bytes, false);
  pass.spaces(workspace, workspace_bytes, reserve, reserve_bytes, true);
  pass.call.y = const_cast<float*>(floats(y));
  pass.call.dy = floats(dy);
  pass.call.dx = floats(dx);
  pass.call.hx = floats(hx);
  pass.call.dhy = floats(dhy);
  pass.call.dhx = floats(dhx);
  pass.call.weights = floats(weights);
  return pass.run(&softgpu::dnn::rnn_backward_data);
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnWgradMode_t,
                                         const std::int32_t* lengths, cudnnRNNDataDescriptor_t x_descriptor,
                                         const void* x, cudnnTensorDescriptor_t h_descriptor, const void* hx,
                                         cudnnRNNDataDescriptor_t y_descriptor, const void* y, std::size_t weight_bytes,
                                         void* dweights, std::size_t workspace_bytes, void* workspace,
                                         std::size_t reserve_bytes, void* reserve) {
  Pass pass("cudnnRNNBackwardWeights_v8", handle, rnn, x_descriptor, y_descriptor, lengths, h_descriptor);
  pass.reads(x, pass.x_bytes);
  pass.reads(y, pass.y_bytes);
  pass.reads(hx, pass.state_bytes, false);
  pass.weights(dweights, weight_bytes, true);
  pass.spaces(workspace, workspace_bytes, reserve, reserve_bytes, true);
  pass.call.x = floats(x);
  pass.call.y = const_cast<float*>(floats(y));
  pass.call.hx = floats(hx);
  pass.call.dweights = floats(dweights);
  return pass.run(&softgpu::dnn::rnn_backward_weights);
}
}
