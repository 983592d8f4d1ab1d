#include <cudnn.h>
#include <doctest/doctest.h>

#include <vector>

#include "control.h"
#include "own/device.hpp"

// cuDNN's graph API: what the documentation forbids is refused, and what it allows is computed.

namespace {

using Numbers = std::vector<std::int64_t>;

cudnnBackendDescriptor_t make(cudnnBackendDescriptorType_t type) {
  cudnnBackendDescriptor_t handle = nullptr;
  REQUIRE(cudnnBackendCreateDescriptor(type, &handle) == CUDNN_STATUS_SUCCESS);
  return handle;
}

template <class T>
cudnnStatus_t set(cudnnBackendDescriptor_t to, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                  const std::vector<T>& values) {
  return cudnnBackendSetAttribute(to, name, type, static_cast<std::int64_t>(values.size()), values.data());
}
template <class T>
cudnnStatus_t set(cudnnBackendDescriptor_t to, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                  T value) {
  return cudnnBackendSetAttribute(to, name, type, 1, &value);
}

cudnnBackendDescriptor_t tensor(std::int64_t id, const Numbers& dimensions, bool finalize = true) {
  Numbers strides{0, 1, 0, dimensions[1]};
  strides[2] = strides[3] * dimensions[3];
  strides[0] = strides[2] * dimensions[2];
  cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  set(made, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, id);
  set(made, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
  set(made, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, std::int64_t{16});
  set(made, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, dimensions);
  set(made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, strides);
  if (finalize) REQUIRE(cudnnBackendFinalize(made) == CUDNN_STATUS_SUCCESS);
  return made;
}

cudnnBackendDescriptor_t window(std::int64_t pad) {
  cudnnBackendDescriptor_t made = make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  set(made, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
  set(made, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, CUDNN_CROSS_CORRELATION);
  set(made, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, std::int64_t{2});
  set(made, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, Numbers{pad, pad});
  set(made, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, Numbers{pad, pad});
  set(made, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, Numbers{1, 1});
  set(made, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, Numbers{1, 1});
  REQUIRE(cudnnBackendFinalize(made) == CUDNN_STATUS_SUCCESS);
  return made;
}

cudnnStatus_t convolution(cudnnBackendDescriptor_t made, cudnnBackendDescriptor_t by, cudnnBackendDescriptor_t x,
                          cudnnBackendDescriptor_t w, cudnnBackendDescriptor_t y) {
  set(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, by);
  set(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_TYPE_BACKEND_DESCRIPTOR, x);
  set(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_TYPE_BACKEND_DESCRIPTOR, w);
  set(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_TYPE_BACKEND_DESCRIPTOR, y);
  set(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1.0F);
  set(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 0.0F);
  return cudnnBackendFinalize(made);
}

void destroy(std::initializer_list<cudnnBackendDescriptor_t> all) {
  for (cudnnBackendDescriptor_t each : all) CHECK(cudnnBackendDestroyDescriptor(each) == CUDNN_STATUS_SUCCESS);
}

}  // namespace

TEST_CASE("descriptors hold their rules") {
  cudnnBackendDescriptor_t t = tensor(1, {1, 2, 3, 3}, false);
  CHECK(set(t, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_FLOAT, 1.0F) == CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
  CHECK(own::taken("another type of value"));
  CHECK(set(t, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, Numbers{1, 2}) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("2 values"));
  CHECK(set(t, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT) == CUDNN_STATUS_NOT_SUPPORTED);
  CHECK(own::taken("cannot be set"));
  set(t, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, Numbers{18, 1, 6});
  CHECK(cudnnBackendFinalize(t) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("numbers of dimensions and of strides"));
  set(t, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, Numbers{18, 1, 6, 1});
  CHECK(cudnnBackendFinalize(t) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("overlap"));
  set(t, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, Numbers{18, 1, 6, 2});
  set(t, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, std::int64_t{2});
  CHECK(cudnnBackendFinalize(t) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("alignment"));
  cudnnBackendDescriptor_t operation = make(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  CHECK(set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_TYPE_BACKEND_DESCRIPTOR, t) ==
        CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
  CHECK(own::taken("not finalized"));
  CHECK(cudnnBackendFinalize(operation) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("is not set"));
  set(t, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, std::int64_t{16});
  CHECK(cudnnBackendFinalize(t) == CUDNN_STATUS_SUCCESS);
  CHECK(set(t, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, std::int64_t{2}) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("is finalized"));
  destroy({t, operation});
  CHECK(cudnnBackendDestroyDescriptor(t) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("destroyed"));
}

TEST_CASE("a convolution, from descriptors to numbers") {
  const own::Stream stream;
  cudnnHandle_t handle = nullptr;
  REQUIRE(cudnnCreate(&handle) == CUDNN_STATUS_SUCCESS);
  cudnnSetStream(handle, stream.handle);
  cudnnBackendDescriptor_t x = tensor(1, {1, 1, 3, 3}), w = tensor(2, {1, 1, 3, 3}), y = tensor(3, {1, 1, 3, 3});
  cudnnBackendDescriptor_t by = window(1), narrow = window(0);
  cudnnBackendDescriptor_t wrong = make(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  CHECK(convolution(wrong, narrow, x, w, y) == CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  CHECK(own::taken("spatial axis"));
  cudnnBackendDescriptor_t operation = make(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  CHECK(convolution(operation, by, x, w, y) == CUDNN_STATUS_SUCCESS);
  cudnnBackendDescriptor_t graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  set(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle);
  set(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, operation);
  CHECK(cudnnBackendFinalize(graph) == CUDNN_STATUS_SUCCESS);
  cudnnBackendDescriptor_t heuristics = make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  set(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, graph);
  set(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, CUDNN_HEUR_MODE_A);
  CHECK(cudnnBackendFinalize(heuristics) == CUDNN_STATUS_SUCCESS);
  std::vector<cudnnBackendDescriptor_t> configurations(3);
  for (auto& each : configurations) each = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
  std::int64_t count = 0;
  CHECK(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 3, &count,
                                 configurations.data()) == CUDNN_STATUS_SUCCESS);
  REQUIRE(count == 3);
  cudnnBackendDescriptor_t plan = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  set(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, handle);
  set(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, configurations[2]);
  CHECK(cudnnBackendFinalize(plan) == CUDNN_STATUS_SUCCESS);
  std::int64_t workspace_bytes = 0;
  cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count,
                           &workspace_bytes);
  CHECK(workspace_bytes > 0);

  const own::Block in(stream, {1, 2, 3, 4, 5, 6, 7, 8, 9}), filter(stream, {0, 0, 0, 0, 1, 1, 0, 0, 0}),
      out(stream, std::vector<float>(9)), space(stream, std::vector<float>(static_cast<std::size_t>(workspace_bytes)));
  const auto run = [&](const std::vector<std::int64_t>& ids, const std::vector<void*>& pointers, void* workspace) {
    cudnnBackendDescriptor_t pack = make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    set(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, ids);
    set(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, pointers);
    set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace);
    cudnnStatus_t status = cudnnBackendFinalize(pack);
    if (status == CUDNN_STATUS_SUCCESS) status = cudnnBackendExecute(handle, plan, pack);
    destroy({pack});
    return status;
  };
  CHECK(run({1, 2, 3}, {in.data(), filter.data(), out.data()}, nullptr) == CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  CHECK(own::taken("needs workspace"));
  CHECK(run({1, 2, 2}, {in.data(), filter.data(), out.data()}, space.data()) ==
        CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES);
  CHECK(own::taken("twice"));
  CHECK(run({1, 2, 4}, {in.data(), filter.data(), out.data()}, space.data()) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("without memory"));
  CHECK(run({1, 2, 3}, {static_cast<float*>(in.data()) + 1, filter.data(), out.data()}, space.data()) ==
        CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
  CHECK(own::taken("aligned to less"));
  CHECK(run({1, 2, 3}, {in.data(), filter.data(), out.data()}, space.data()) == CUDNN_STATUS_SUCCESS);
  CHECK(out.floats() == std::vector<float>{3, 5, 3, 9, 11, 6, 15, 17, 9});
  softgpu_fail("execute", 1);
  CHECK(run({1, 2, 3}, {in.data(), filter.data(), out.data()}, space.data()) == CUDNN_STATUS_NOT_SUPPORTED);
  destroy({operation});
  CHECK(run({1, 2, 3}, {in.data(), filter.data(), out.data()}, space.data()) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("was destroyed"));
  destroy({x, w, y, by, narrow, wrong, graph, heuristics, plan});
  for (cudnnBackendDescriptor_t each : configurations) destroy({each});
  cudnnDestroy(handle);
  CHECK(softgpu_violations() == 0);
}
