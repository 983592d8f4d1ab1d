#include <cmath>

#include "own/parts.hpp"

// cuDNN's normalizations: which descriptors and graphs are refused, and what they compute.

namespace {

using own::Handle, own::Parts;

constexpr std::int64_t norm_rows = 3, norm_channels = 4;

struct NormTensors {
  cudnnBackendDescriptor_t x, y, scale, bias, mean, inverse, epsilon, gradient, dscale, dbias;
};

/// Channels last; ids 1 to 10 in the order of the struct.
NormTensors norm_tensors(Parts& p, std::int64_t channels = norm_channels, cudnnDataType_t type = CUDNN_DATA_FLOAT) {
  const own::Numbers strides{channels, 1, channels, channels};
  const auto whole = [&](std::int64_t id) {
    return p.tensor(id, {norm_rows, channels, 1, 1}, type, Parts::stored, strides);
  };
  const auto each = [&](std::int64_t id) {
    return p.tensor(id, {1, channels, 1, 1}, CUDNN_DATA_FLOAT, Parts::stored, strides);
  };
  return {whole(1),
          whole(2),
          each(3),
          each(4),
          each(5),
          each(6),
          p.tensor(7, {1, 1, 1, 1}, CUDNN_DATA_FLOAT, Parts::by_value),
          whole(8),
          each(9),
          each(10)};
}

cudnnStatus_t norm_forward(Parts& p, const NormTensors& t, cudnnBackendNormFwdPhase_t phase = CUDNN_NORM_FWD_TRAINING) {
  cudnnBackendDescriptor_t made = p.make(CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR);
  Parts::set(made, CUDNN_ATTR_OPERATION_NORM_FWD_MODE, CUDNN_TYPE_NORM_MODE, CUDNN_BATCH_NORM);
  Parts::set(made, CUDNN_ATTR_OPERATION_NORM_FWD_PHASE, CUDNN_TYPE_NORM_FWD_PHASE, phase);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, t.x);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_FWD_YDESC, t.y);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC, t.scale);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC, t.bias);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC, t.mean);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC, t.inverse);
  if (t.epsilon != nullptr) Parts::part(made, CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC, t.epsilon);
  return p.keep(made);
}

cudnnStatus_t norm_backward(Parts& p, const NormTensors& t) {
  cudnnBackendDescriptor_t made = p.make(CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR);
  Parts::set(made, CUDNN_ATTR_OPERATION_NORM_BWD_MODE, CUDNN_TYPE_NORM_MODE, CUDNN_BATCH_NORM);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_BWD_XDESC, t.x);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_BWD_DYDESC, t.gradient);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_BWD_DXDESC, t.y);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_BWD_SCALE_DESC, t.scale);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_BWD_MEAN_DESC, t.mean);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_BWD_INV_VARIANCE_DESC, t.inverse);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_BWD_DSCALE_DESC, t.dscale);
  Parts::part(made, CUDNN_ATTR_OPERATION_NORM_BWD_DBIAS_DESC, t.dbias);
  return p.keep(made);
}

}  // namespace

TEST_CASE("normalizations hold their rules") {
  const own::Stream stream;
  const Handle handle(stream);
  Parts p;
  const NormTensors good = norm_tensors(p);
  NormTensors t = good;
  t.y = good.scale;
  CHECK(norm_forward(p, t) == CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  CHECK(own::taken("x and what is like it"));
  t = good;
  t.mean = good.x;
  CHECK(norm_forward(p, t) == CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  CHECK(own::taken("one number per channel"));
  t = good;
  t.epsilon = p.tensor(20, {1, 1, 1, 1}, CUDNN_DATA_FLOAT, Parts::stored);
  CHECK(norm_forward(p, t) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("by value"));
  t.epsilon = nullptr;
  CHECK(norm_forward(p, t) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("is not set"));
  CHECK(norm_forward(p, good, CUDNN_NORM_FWD_INFERENCE) == CUDNN_STATUS_NOT_SUPPORTED);
  CHECK(own::taken("another phase than training"));
  t = good;
  t.dbias = p.tensor(21, {1, norm_channels, 1, 1}, CUDNN_DATA_FLOAT, Parts::passing);
  CHECK(norm_backward(p, t) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("device's memory"));

  // Two in a graph, and channels that no engine takes.
  REQUIRE(norm_forward(p, good) == CUDNN_STATUS_SUCCESS);
  REQUIRE(norm_backward(p, good) == CUDNN_STATUS_SUCCESS);
  CHECK(own::finalize_graph(p, handle, p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)) ==
        CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
  for (const auto& [channels, type] :
       {std::pair<std::int64_t, cudnnDataType_t>{6, CUDNN_DATA_FLOAT}, {4, CUDNN_DATA_HALF}}) {
    Parts odd;
    REQUIRE(norm_forward(odd, norm_tensors(odd, channels, type)) == CUDNN_STATUS_SUCCESS);
    cudnnBackendDescriptor_t graph = odd.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    REQUIRE(own::finalize_graph(odd, handle, graph) == CUDNN_STATUS_SUCCESS);
    CHECK(own::finalize_plan(odd, handle, graph, odd.make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR)) ==
          CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
  }
  CHECK(softgpu_violations() == 0);
}

TEST_CASE("a batch normalization, from descriptors to numbers") {
  const own::Stream stream;
  const Handle handle(stream);
  const own::Block x(stream, {1, 2, 3, 4, 3, 2, 3, 0, 5, 2, 9, 8}), y(stream, std::vector<float>(12)),
      scale(stream, {1, 1, 2, 1}), bias(stream, {0, 7, 0, 0}), mean(stream, std::vector<float>(4)),
      inverse(stream, std::vector<float>(4)), gradient(stream, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}),
      dscale(stream, std::vector<float>(4)), dbias(stream, std::vector<float>(4)),
      space(stream, std::vector<float>(2048));
  float epsilon = 1.0F;
  const auto run = [&](bool backward, void* number) {
    Parts p;
    const NormTensors t = norm_tensors(p);
    REQUIRE((backward ? norm_backward(p, t) : norm_forward(p, t)) == CUDNN_STATUS_SUCCESS);
    cudnnBackendDescriptor_t graph = p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR),
                             plan = p.make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR),
                             pack = p.make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    REQUIRE(own::finalize_graph(p, handle, graph) == CUDNN_STATUS_SUCCESS);
    REQUIRE(own::finalize_plan(p, handle, graph, plan) == CUDNN_STATUS_SUCCESS);
    own::Numbers ids{1, 2, 3, 5, 6};
    std::vector<void*> pointers{x.data(), y.data(), scale.data(), mean.data(), inverse.data()};
    const own::Numbers more = backward ? own::Numbers{8, 9, 10} : own::Numbers{4, 7};
    ids.insert(ids.end(), more.begin(), more.end());
    for (void* each : backward ? std::vector<void*>{gradient.data(), dscale.data(), dbias.data()}
                               : std::vector<void*>{bias.data(), number})
      pointers.push_back(each);
    Parts::list(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, ids);
    Parts::list(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, pointers);
    Parts::set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, space.data());
    REQUIRE(cudnnBackendFinalize(pack) == CUDNN_STATUS_SUCCESS);
    return cudnnBackendExecute(handle.handle, plan, pack);
  };
  CHECK(run(false, x.data()) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("host's memory"));
  REQUIRE(run(false, &epsilon) == CUDNN_STATUS_SUCCESS);
  CHECK(mean.floats() == std::vector<float>{3, 2, 5, 4});
  const std::vector<float> found = y.floats(), deviations = inverse.floats();
  const double variances[] = {8.0 / 3, 0.0, 8.0, 32.0 / 3};
  for (std::size_t c = 0; c < 4; ++c) CHECK(deviations[c] == doctest::Approx(1 / std::sqrt(variances[c] + 1)));
  CHECK(found[1] == 7.0F);
  CHECK(found[2] == doctest::Approx(-2 * 2 / std::sqrt(9.0)));
  // All outputs alike change nothing but the bias.
  REQUIRE(run(true, nullptr) == CUDNN_STATUS_SUCCESS);
  CHECK(dbias.floats() == std::vector<float>{3, 3, 3, 3});
  for (const float each : y.floats()) CHECK(std::abs(each) < 1e-6);
  for (const float each : dscale.floats()) CHECK(std::abs(each) < 1e-6);
  CHECK(softgpu_violations() == 0);
}

TEST_CASE("what may follow a normalization: an addition, then a relu") {
  const own::Stream stream;
  const Handle handle(stream);
  const own::Numbers strides{norm_channels, 1, norm_channels, norm_channels};
  const own::Numbers sizes{norm_rows, norm_channels, 1, 1};
  struct Built {
    Parts p;
    cudnnBackendDescriptor_t graph = nullptr;
  };
  const auto build = [&](Built& to, Parts::Kind between, cudnnPointwiseMode_t last) {
    NormTensors t = norm_tensors(to.p);
    t.y = to.p.tensor(11, sizes, CUDNN_DATA_FLOAT, between, strides);
    REQUIRE(norm_forward(to.p, t) == CUDNN_STATUS_SUCCESS);
    cudnnBackendDescriptor_t added = to.p.tensor(12, sizes, CUDNN_DATA_FLOAT, Parts::stored, strides),
                             sum = to.p.tensor(13, sizes, CUDNN_DATA_FLOAT, Parts::passing, strides),
                             out = to.p.tensor(2, sizes, CUDNN_DATA_FLOAT, Parts::stored, strides);
    REQUIRE(to.p.pointwise(CUDNN_POINTWISE_ADD, t.y, added, sum) == CUDNN_STATUS_SUCCESS);
    REQUIRE(to.p.pointwise(last, sum, nullptr, out) == CUDNN_STATUS_SUCCESS);
    to.graph = to.p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    return own::finalize_graph(to.p, handle, to.graph);
  };
  Built stored_between, exponential, good;
  CHECK(build(stored_between, Parts::stored, CUDNN_POINTWISE_RELU_FWD) == CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
  CHECK(build(exponential, Parts::passing, CUDNN_POINTWISE_EXP) == CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
  REQUIRE(build(good, Parts::passing, CUDNN_POINTWISE_RELU_FWD) == CUDNN_STATUS_SUCCESS);
  cudnnBackendDescriptor_t plan = good.p.make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR),
                           pack = good.p.make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  REQUIRE(own::finalize_plan(good.p, handle, good.graph, plan) == CUDNN_STATUS_SUCCESS);
  const own::Block x(stream, {1, 2, 3, 4, 3, 2, 3, 0, 5, 2, 9, 8}), y(stream, std::vector<float>(12)),
      ones(stream, {1, 1, 1, 1}), zeros(stream, {0, 0, 0, 0}), mean(stream, std::vector<float>(4)),
      inverse(stream, std::vector<float>(4)), added(stream, {0, 5, 0, 0, 0, -5, 0, 0, 0, 1, 0, 0}),
      space(stream, std::vector<float>(2048));
  float epsilon = 1.0F;
  Parts::list(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, own::Numbers{1, 2, 3, 4, 5, 6, 7, 12});
  Parts::list(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
              std::vector<void*>{x.data(), y.data(), ones.data(), zeros.data(), mean.data(), inverse.data(), &epsilon,
                                 added.data()});
  Parts::set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, space.data());
  REQUIRE(cudnnBackendFinalize(pack) == CUDNN_STATUS_SUCCESS);
  REQUIRE(cudnnBackendExecute(handle.handle, plan, pack) == CUDNN_STATUS_SUCCESS);
  const std::vector<float> found = y.floats();
  CHECK(found[1] == 5.0F);
  CHECK(found[5] == 0.0F);
  CHECK(found[9] == 1.0F);
  CHECK(found[2] == 0.0F);
  CHECK(found[10] == doctest::Approx(4.0 / 3));
  CHECK(softgpu_violations() == 0);
}
