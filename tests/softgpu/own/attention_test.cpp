#include <cudnn.h>
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "control.h"
#include "core/half.hpp"
#include "own/device.hpp"

// cuDNN's graphs of products, reductions and pointwise operations: which descriptors are refused, which graphs are
// known, and what attention computes.

namespace {

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
    return kept(made);
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
    return kept(made);
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
    return kept(made);
  }

  std::vector<cudnnBackendDescriptor_t> operations;

 private:
  cudnnStatus_t kept(cudnnBackendDescriptor_t made) {
    const cudnnStatus_t status = cudnnBackendFinalize(made);
    if (status == CUDNN_STATUS_SUCCESS) operations.push_back(made);
    return status;
  }
  std::vector<cudnnBackendDescriptor_t> all_;
};

/// softmax(scale · query keyᵀ) value for one head of two rows, three columns and eight numbers.
void attention(Parts& p, std::int64_t dim = 8) {
  cudnnBackendDescriptor_t query = p.tensor(1, {1, 1, 2, dim}, CUDNN_DATA_HALF, Parts::stored),
                           key =
                               p.tensor(2, {1, 1, dim, 3}, CUDNN_DATA_HALF, Parts::stored, {3 * dim, 3 * dim, 1, dim}),
                           value = p.tensor(3, {1, 1, 3, 8}, CUDNN_DATA_HALF, Parts::stored),
                           out = p.tensor(4, {1, 1, 2, 8}, CUDNN_DATA_HALF, Parts::stored),
                           scale = p.tensor(5, {1, 1, 1, 1}, CUDNN_DATA_FLOAT, Parts::by_value);
  cudnnBackendDescriptor_t product = p.scores(100), scaled = p.scores(101), largest = p.per_row(102),
                           less = p.scores(103), powers = p.scores(104), sum = p.per_row(105),
                           weights = p.scores(106, CUDNN_DATA_HALF);
  REQUIRE(p.matmul(query, key, product) == CUDNN_STATUS_SUCCESS);
  REQUIRE(p.pointwise(CUDNN_POINTWISE_MUL, product, scale, scaled) == CUDNN_STATUS_SUCCESS);
  REQUIRE(p.reduction(CUDNN_REDUCE_TENSOR_MAX, scaled, largest) == CUDNN_STATUS_SUCCESS);
  REQUIRE(p.pointwise(CUDNN_POINTWISE_SUB, scaled, largest, less) == CUDNN_STATUS_SUCCESS);
  REQUIRE(p.pointwise(CUDNN_POINTWISE_EXP, less, nullptr, powers) == CUDNN_STATUS_SUCCESS);
  REQUIRE(p.reduction(CUDNN_REDUCE_TENSOR_ADD, powers, sum) == CUDNN_STATUS_SUCCESS);
  REQUIRE(p.pointwise(CUDNN_POINTWISE_DIV, powers, sum, weights) == CUDNN_STATUS_SUCCESS);
  REQUIRE(p.matmul(weights, value, out) == CUDNN_STATUS_SUCCESS);
}

struct Handle {
  explicit Handle(const own::Stream& stream) {
    REQUIRE(cudnnCreate(&handle) == CUDNN_STATUS_SUCCESS);
    cudnnSetStream(handle, stream.handle);
  }
  ~Handle() { cudnnDestroy(handle); }
  cudnnHandle_t handle = nullptr;
};

cudnnStatus_t finalize_graph(Parts& p, const Handle& handle, cudnnBackendDescriptor_t graph) {
  Parts::set(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle.handle);
  Parts::list(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, p.operations);
  return cudnnBackendFinalize(graph);
}

/// The plan of the last engine that the heuristics name, and what finalizing it said.
cudnnStatus_t finalize_plan(Parts& p, const Handle& handle, cudnnBackendDescriptor_t graph,
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
own::Block halves(const own::Stream& stream, const std::vector<float>& values) {
  std::vector<float> packed((values.size() + 1) / 2);
  auto* const out = reinterpret_cast<nyala::float16*>(packed.data());
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = nyala::float16(values[i]);
  return own::Block(stream, packed);
}

}  // namespace

TEST_CASE("operations hold their rules") {
  Parts p;
  cudnnBackendDescriptor_t x = p.scores(1), y = p.scores(2), row = p.per_row(3),
                           truth = p.scores(4, CUDNN_DATA_BOOLEAN),
                           other = p.tensor(5, {1, 1, 2, 4}, CUDNN_DATA_FLOAT, Parts::passing);
  CHECK(p.pointwise(CUDNN_POINTWISE_EXP, x, row, y) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("second operand"));
  CHECK(p.pointwise(CUDNN_POINTWISE_SUB, x, nullptr, y) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("second operand"));
  CHECK(p.pointwise(CUDNN_POINTWISE_SUB, x, other, y) == CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  CHECK(own::taken("broadcast"));
  CHECK(p.pointwise(CUDNN_POINTWISE_EXP, x, nullptr, other) == CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  CHECK(own::taken("different shapes"));
  CHECK(p.pointwise(CUDNN_POINTWISE_CMP_GE, x, y, other) == CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  CHECK(own::taken("different shapes"));
  CHECK(p.pointwise(CUDNN_POINTWISE_EXP, x, nullptr, truth) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("truth values"));
  CHECK(p.pointwise(CUDNN_POINTWISE_GEN_INDEX, x, nullptr, y) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("axis belongs"));
  CHECK(p.pointwise(CUDNN_POINTWISE_BINARY_SELECT, x, y, y) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("condition"));
  CHECK(p.reduction(CUDNN_REDUCE_TENSOR_ADD, x, other) == CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  CHECK(own::taken("no multiple"));
  CHECK(p.matmul(x, y, other) == CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  CHECK(own::taken("do not multiply"));
  CHECK(p.operations.empty());
  CHECK(softgpu_violations() == 0);
}

TEST_CASE("graphs that are not attention, or cannot run, are refused") {
  const own::Stream stream;
  const Handle handle(stream);
  {
    Parts p;
    attention(p);
    std::swap(p.operations[2], p.operations[3]);
    CHECK(finalize_graph(p, handle, p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)) == CUDNN_STATUS_BAD_PARAM);
    CHECK(own::taken("none before it made"));
  }
  {
    Parts p;
    attention(p);
    p.operations.pop_back();
    CHECK(finalize_graph(p, handle, p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)) == CUDNN_STATUS_BAD_PARAM);
    CHECK(own::taken("nothing takes"));
  }
  {
    Parts p;
    cudnnBackendDescriptor_t x = p.tensor(1, {1, 1, 2, 3}, CUDNN_DATA_HALF, Parts::stored),
                             y = p.tensor(2, {1, 1, 2, 3}, CUDNN_DATA_HALF, Parts::stored);
    REQUIRE(p.pointwise(CUDNN_POINTWISE_EXP, x, nullptr, y) == CUDNN_STATUS_SUCCESS);
    CHECK(finalize_graph(p, handle, p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)) ==
          CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
  }
  Parts p;
  attention(p, 12);
  cudnnBackendDescriptor_t graph = p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  REQUIRE(finalize_graph(p, handle, graph) == CUDNN_STATUS_SUCCESS);
  CHECK(finalize_plan(p, handle, graph, p.make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR)) ==
        CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
  CHECK(softgpu_violations() == 0);
}

TEST_CASE("attention, from descriptors to numbers") {
  const own::Stream stream;
  const Handle handle(stream);
  Parts p;
  attention(p);
  cudnnBackendDescriptor_t graph = p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR),
                           plan = p.make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  REQUIRE(finalize_graph(p, handle, graph) == CUDNN_STATUS_SUCCESS);
  REQUIRE(finalize_plan(p, handle, graph, plan) == CUDNN_STATUS_SUCCESS);

  std::vector<float> in(16), key(24), values(24);
  in[0] = 1.0F;  // the second row is 0: it weighs all alike
  key[0] = 2.0F;
  for (std::size_t i = 0; i < 24; ++i) values[i] = static_cast<float>(i / 8);
  const own::Block query = halves(stream, in), keys = halves(stream, key), value = halves(stream, values),
                   out = halves(stream, std::vector<float>(16));
  float scale = 0.5F;
  const auto run = [&](void* number) {
    cudnnBackendDescriptor_t pack = p.make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    Parts::list(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, Numbers{1, 2, 3, 4, 5});
    Parts::list(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                std::vector<void*>{query.data(), keys.data(), value.data(), out.data(), number});
    Parts::set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, static_cast<void*>(nullptr));
    REQUIRE(cudnnBackendFinalize(pack) == CUDNN_STATUS_SUCCESS);
    return cudnnBackendExecute(handle.handle, plan, pack);
  };
  CHECK(run(query.data()) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("host's memory"));
  REQUIRE(run(&scale) == CUDNN_STATUS_SUCCESS);
  scale = 1e30F;  // read when it was called, not when it runs
  const std::vector<float> packed = out.floats();
  const auto* const found = reinterpret_cast<const nyala::float16*>(packed.data());
  const float e = std::exp(1.0F);
  CHECK(static_cast<float>(found[0]) == doctest::Approx(3.0F / (e + 2.0F)).epsilon(0.002));
  CHECK(static_cast<float>(found[8]) == doctest::Approx(1.0F).epsilon(0.002));
  CHECK(softgpu_violations() == 0);
}
