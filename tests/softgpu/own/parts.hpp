#pragma once

#include <cudnn.h>
#include <doctest/doctest.h>

#include <vector>

#include "core/half.hpp"
#include "own/device.hpp"

// cuDNN's backend descriptors, made for a test.

namespace own {

using Numbers = std::vector<std::int64_t>;

/// Descriptors that are destroyed together.
class Parts {
 public:
  Parts() = default;
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    for (cudnnBackendDescriptor_t each : all_) cudnnBackendDestroyDescriptor(each);
  }

  cudnnBackendDescriptor_t make(cudnnBackendDescriptorType_t type) {
    cudnnBackendDescriptor_t handle = nullptr;
    REQUIRE(cudnnBackendCreateDescriptor(type, &handle) == CUDNN_STATUS_SUCCESS);
    all_.push_back(handle);
    return handle;
  }

  enum Kind { stored, passing, by_value };
  cudnnBackendDescriptor_t tensor(std::int64_t id, const Numbers& dimensions, cudnnDataType_t type, Kind kind,
                                  Numbers strides = {}) {
    if (strides.empty()) {
      strides.assign(4, 1);
      for (std::size_t axis = 3; axis > 0; --axis) strides[axis - 1] = strides[axis] * dimensions[axis];
    }
    cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set(made, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, id);
    set(made, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type);
    set(made, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, std::int64_t{16});
    list(made, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, dimensions);
    list(made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, strides);
    if (kind == passing) set(made, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, true);
    if (kind == by_value) set(made, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, true);
    REQUIRE(cudnnBackendFinalize(made) == CUDNN_STATUS_SUCCESS);
    return made;
  }
  cudnnBackendDescriptor_t scores(std::int64_t id, cudnnDataType_t type = CUDNN_DATA_FLOAT) {
    return tensor(id, {1, 1, 2, 3}, type, passing);
  }
  cudnnBackendDescriptor_t per_row(std::int64_t id) { return tensor(id, {1, 1, 2, 1}, CUDNN_DATA_FLOAT, passing); }

  template <class T>
  static cudnnStatus_t set(cudnnBackendDescriptor_t to, cudnnBackendAttributeName_t name,
                           cudnnBackendAttributeType_t type, T value) {
    return cudnnBackendSetAttribute(to, name, type, 1, &value);
  }
  template <class T>
  static cudnnStatus_t list(cudnnBackendDescriptor_t to, cudnnBackendAttributeName_t name,
                            cudnnBackendAttributeType_t type, const std::vector<T>& values) {
    return cudnnBackendSetAttribute(to, name, type, static_cast<std::int64_t>(values.size()), values.data());
  }
  static void part(cudnnBackendDescriptor_t to, cudnnBackendAttributeName_t name, cudnnBackendDescriptor_t what) {
    set(to, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, what);
  }

  /// What finalizing said; the operation, in its order, is in `operations` if it was made.
  cudnnStatus_t pointwise(cudnnPointwiseMode_t mode, cudnnBackendDescriptor_t x, cudnnBackendDescriptor_t b,
                          cudnnBackendDescriptor_t y) {
    cudnnBackendDescriptor_t how = make(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    set(how, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, mode);
    set(how, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    REQUIRE(cudnnBackendFinalize(how) == CUDNN_STATUS_SUCCESS);
    cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    part(made, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how);
    part(made, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    part(made, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    if (b != nullptr) part(made, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b);
    return keep(made);
  }
  cudnnStatus_t reduction(cudnnReduceTensorOp_t by, cudnnBackendDescriptor_t x, cudnnBackendDescriptor_t y) {
    cudnnBackendDescriptor_t how = make(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
    set(how, CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, by);
    set(how, CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    REQUIRE(cudnnBackendFinalize(how) == CUDNN_STATUS_SUCCESS);
    cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
    part(made, CUDNN_ATTR_OPERATION_REDUCTION_DESC, how);
    part(made, CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x);
    part(made, CUDNN_ATTR_OPERATION_REDUCTION_YDESC, y);
    return keep(made);
  }
  cudnnStatus_t matmul(cudnnBackendDescriptor_t a, cudnnBackendDescriptor_t b, cudnnBackendDescriptor_t c) {
    cudnnBackendDescriptor_t how = make(CUDNN_BACKEND_MATMUL_DESCRIPTOR);
    set(how, CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    REQUIRE(cudnnBackendFinalize(how) == CUDNN_STATUS_SUCCESS);
    cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
    part(made, CUDNN_ATTR_OPERATION_MATMUL_DESC, how);
    part(made, CUDNN_ATTR_OPERATION_MATMUL_ADESC, a);
    part(made, CUDNN_ATTR_OPERATION_MATMUL_BDESC, b);
    part(made, CUDNN_ATTR_OPERATION_MATMUL_CDESC, c);
    return keep(made);
  }

  /// Finalizes an operation; what that said.
  cudnnStatus_t keep(cudnnBackendDescriptor_t made) {
    const cudnnStatus_t status = cudnnBackendFinalize(made);
    if (status == CUDNN_STATUS_SUCCESS) operations.push_back(made);
    return status;
  }

  std::vector<cudnnBackendDescriptor_t> operations;

 private:
  std::vector<cudnnBackendDescriptor_t> all_;
};

struct Handle {
  explicit Handle(const Stream& stream) {
    REQUIRE(cudnnCreate(&handle) == CUDNN_STATUS_SUCCESS);
    cudnnSetStream(handle, stream.handle);
  }
  ~Handle() { cudnnDestroy(handle); }
  cudnnHandle_t handle = nullptr;
};

inline cudnnStatus_t finalize_graph(Parts& p, const Handle& handle, cudnnBackendDescriptor_t graph) {
  Parts::set(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle.handle);
  Parts::list(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, p.operations);
  return cudnnBackendFinalize(graph);
}

/// The plan of the last engine that the heuristics name, and what finalizing it said.
inline cudnnStatus_t finalize_plan(Parts& p, const Handle& handle, cudnnBackendDescriptor_t graph,
                                   cudnnBackendDescriptor_t plan) {
  cudnnBackendDescriptor_t heuristics = p.make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  Parts::part(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  Parts::set(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, CUDNN_HEUR_MODE_A);
  REQUIRE(cudnnBackendFinalize(heuristics) == CUDNN_STATUS_SUCCESS);
  std::vector<cudnnBackendDescriptor_t> found{p.make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR),
                                              p.make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR)};
  std::int64_t count = 0;
  REQUIRE(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 2, &count,
                                   found.data()) == CUDNN_STATUS_SUCCESS);
  REQUIRE(count == 2);
  Parts::set(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, handle.handle);
  Parts::part(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, found.back());
  return cudnnBackendFinalize(plan);
}

/// Numbers as float16, in device memory.
inline Block halves(const Stream& stream, const std::vector<float>& values) {
  std::vector<float> packed((values.size() + 1) / 2);
  auto* const out = reinterpret_cast<nyala::float16*>(packed.data());
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = nyala::float16(values[i]);
  return Block(stream, packed);
}

}  // namespace own
