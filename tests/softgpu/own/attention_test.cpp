#include <cudnn.h>
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "control.h"
#include "own/parts.hpp"

// cuDNN's graphs of products, reductions and pointwise operations: which descriptors are refused, which graphs are
// known, and what attention computes.

namespace {

using own::Handle, own::Numbers, own::Parts;

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
    CHECK(own::finalize_graph(p, handle, p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)) == CUDNN_STATUS_BAD_PARAM);
    CHECK(own::taken("none before it made"));
  }
  {
    Parts p;
    attention(p);
    p.operations.pop_back();
    CHECK(own::finalize_graph(p, handle, p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)) == CUDNN_STATUS_BAD_PARAM);
    CHECK(own::taken("nothing takes"));
  }
  {
    Parts p;
    cudnnBackendDescriptor_t x = p.tensor(1, {1, 1, 2, 3}, CUDNN_DATA_HALF, Parts::stored),
                             y = p.tensor(2, {1, 1, 2, 3}, CUDNN_DATA_HALF, Parts::stored);
    REQUIRE(p.reduction(CUDNN_REDUCE_TENSOR_ADD, x, y) == CUDNN_STATUS_SUCCESS);
    CHECK(own::finalize_graph(p, handle, p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)) ==
          CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
  }
  Parts p;
  attention(p, 12);
  cudnnBackendDescriptor_t graph = p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  REQUIRE(own::finalize_graph(p, handle, graph) == CUDNN_STATUS_SUCCESS);
  CHECK(own::finalize_plan(p, handle, graph, p.make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR)) ==
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
  REQUIRE(own::finalize_graph(p, handle, graph) == CUDNN_STATUS_SUCCESS);
  REQUIRE(own::finalize_plan(p, handle, graph, plan) == CUDNN_STATUS_SUCCESS);

  std::vector<float> in(16), key(24), values(24);
  in[0] = 1.0F;  // the second row is 0: it weighs all alike
  key[0] = 2.0F;
  for (std::size_t i = 0; i < 24; ++i) values[i] = static_cast<float>(i / 8);
  const own::Block query = own::halves(stream, in), keys = own::halves(stream, key),
                   value = own::halves(stream, values), out = own::halves(stream, std::vector<float>(16));
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
