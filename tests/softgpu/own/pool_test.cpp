#include <cmath>

#include "own/parts.hpp"

// cuDNN's poolings: which descriptors are refused, and what they compute.

namespace {

using own::Handle, own::Parts;

using Fractions = std::vector<cudnnFraction_t>;

/// A window of 2 × 2 with steps of two.
struct PoolWindow {
  cudnnResampleMode_t mode = CUDNN_RESAMPLE_AVGPOOL_EXCLUDE_PADDING;
  cudnnPaddingMode_t padding = CUDNN_ZERO_PAD;
  Fractions before{{0, 1}, {0, 1}}, after{{1, 1}, {0, 1}};
  bool nan = true;
};

cudnnStatus_t pool_window(cudnnBackendDescriptor_t made, const PoolWindow& w) {
  Parts::set(made, CUDNN_ATTR_RESAMPLE_MODE, CUDNN_TYPE_RESAMPLE_MODE, w.mode);
  Parts::set(made, CUDNN_ATTR_RESAMPLE_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
  Parts::set(made, CUDNN_ATTR_RESAMPLE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION,
             w.nan ? CUDNN_PROPAGATE_NAN : CUDNN_NOT_PROPAGATE_NAN);
  Parts::set(made, CUDNN_ATTR_RESAMPLE_PADDING_MODE, CUDNN_TYPE_PADDING_MODE, w.padding);
  Parts::set(made, CUDNN_ATTR_RESAMPLE_SPATIAL_DIMS, CUDNN_TYPE_INT64, std::int64_t{2});
  Parts::list(made, CUDNN_ATTR_RESAMPLE_WINDOW_DIMS, CUDNN_TYPE_FRACTION, Fractions{{2, 1}, {2, 1}});
  Parts::list(made, CUDNN_ATTR_RESAMPLE_STRIDES, CUDNN_TYPE_FRACTION, Fractions{{2, 1}, {2, 1}});
  Parts::list(made, CUDNN_ATTR_RESAMPLE_PRE_PADDINGS, CUDNN_TYPE_FRACTION, w.before);
  Parts::list(made, CUDNN_ATTR_RESAMPLE_POST_PADDINGS, CUDNN_TYPE_FRACTION, w.after);
  return cudnnBackendFinalize(made);
}

/// Four channels over `rows` × `columns`.
cudnnBackendDescriptor_t pooled(Parts& p, std::int64_t id, std::int64_t rows, std::int64_t columns) {
  return p.tensor(id, {1, 4, rows, columns}, CUDNN_DATA_FLOAT, Parts::stored, {rows * columns * 4, 1, columns * 4, 4});
}

cudnnStatus_t pool_operation(Parts& p, bool backward, cudnnBackendDescriptor_t window, cudnnBackendDescriptor_t x,
                             cudnnBackendDescriptor_t y) {
  cudnnBackendDescriptor_t made = p.make(backward ? CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR
                                                  : CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR);
  Parts::part(made, backward ? CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC : CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC, window);
  Parts::part(made, backward ? CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC : CUDNN_ATTR_OPERATION_RESAMPLE_FWD_XDESC, x);
  Parts::part(made, backward ? CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC : CUDNN_ATTR_OPERATION_RESAMPLE_FWD_YDESC, y);
  return p.keep(made);
}

}  // namespace

TEST_CASE("poolings hold their rules") {
  const own::Stream stream;
  const Handle handle(stream);
  Parts p;
  const auto window = [&](const PoolWindow& w) { return pool_window(p.make(CUDNN_BACKEND_RESAMPLE_DESCRIPTOR), w); };
  CHECK(window({.padding = CUDNN_NEG_INF_PAD}) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("goes with a padding"));
  CHECK(window({.after = {{1, 2}, {0, 1}}}) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("fractions"));
  CHECK(window({.before = {{0, 1}}}) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("not one per dimension"));
  cudnnBackendDescriptor_t by = p.make(CUDNN_BACKEND_RESAMPLE_DESCRIPTOR),
                           wide = p.make(CUDNN_BACKEND_RESAMPLE_DESCRIPTOR),
                           maximum = p.make(CUDNN_BACKEND_RESAMPLE_DESCRIPTOR);
  REQUIRE(pool_window(by, {}) == CUDNN_STATUS_SUCCESS);
  REQUIRE(pool_window(wide, {.after = {{2, 1}, {0, 1}}}) == CUDNN_STATUS_SUCCESS);
  REQUIRE(pool_window(maximum, {.mode = CUDNN_RESAMPLE_MAXPOOL, .padding = CUDNN_NEG_INF_PAD}) == CUDNN_STATUS_SUCCESS);
  cudnnBackendDescriptor_t x = pooled(p, 1, 3, 2), y = pooled(p, 2, 2, 1), small = pooled(p, 3, 1, 1);
  CHECK(pool_operation(p, false, by, x, small) == CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  CHECK(own::taken("does not follow"));
  CHECK(pool_operation(p, false, wide, x, y) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("no smaller than the window"));
  CHECK(pool_operation(p, true, maximum, x, y) == CUDNN_STATUS_BAD_PARAM);
  CHECK(own::taken("without its index"));
  CHECK(pool_operation(p, false, x, x, y) == CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  CHECK(own::taken("another descriptor"));
  REQUIRE(pool_operation(p, false, by, x, y) == CUDNN_STATUS_SUCCESS);
  REQUIRE(pool_operation(p, true, by, x, y) == CUDNN_STATUS_SUCCESS);
  CHECK(own::finalize_graph(p, handle, p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)) ==
        CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
  CHECK(softgpu_violations() == 0);
}

TEST_CASE("poolings, from descriptors to numbers") {
  const own::Stream stream;
  const Handle handle(stream);
  // Three rows and two columns; the last window holds one row only.
  const float nan = std::nanf("");
  const own::Block x(stream, {1, 0, 0, nan, 3, 0, 0, 1, 5, 0, 8, 1, 7, 0, 0, 1, 2, 0, 0, 1, 4, 2, 0, 1}),
      y(stream, std::vector<float>(8)), dx(stream, std::vector<float>(24)), space(stream, std::vector<float>(16));
  const auto run = [&](bool backward, const PoolWindow& w, const own::Block& in) {
    Parts p;
    cudnnBackendDescriptor_t by = p.make(CUDNN_BACKEND_RESAMPLE_DESCRIPTOR);
    REQUIRE(pool_window(by, w) == CUDNN_STATUS_SUCCESS);
    REQUIRE(pool_operation(p, backward, by, pooled(p, 1, 3, 2), pooled(p, 2, 2, 1)) == CUDNN_STATUS_SUCCESS);
    cudnnBackendDescriptor_t graph = p.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR),
                             plan = p.make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR),
                             pack = p.make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    REQUIRE(own::finalize_graph(p, handle, graph) == CUDNN_STATUS_SUCCESS);
    REQUIRE(own::finalize_plan(p, handle, graph, plan) == CUDNN_STATUS_SUCCESS);
    Parts::list(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, own::Numbers{1, 2});
    Parts::list(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                std::vector<void*>{in.data(), y.data()});
    Parts::set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, space.data());
    REQUIRE(cudnnBackendFinalize(pack) == CUDNN_STATUS_SUCCESS);
    REQUIRE(cudnnBackendExecute(handle.handle, plan, pack) == CUDNN_STATUS_SUCCESS);
  };
  const PoolWindow largest{.mode = CUDNN_RESAMPLE_MAXPOOL, .padding = CUDNN_NEG_INF_PAD};
  run(false, largest, x);
  CHECK(std::isnan(y.floats()[3]));
  PoolWindow numbers_only = largest;
  numbers_only.nan = false;
  run(false, numbers_only, x);
  CHECK(y.floats() == std::vector<float>{7, 0, 8, 1, 4, 2, 0, 1});
  run(false, {}, x);
  const std::vector<float> means = y.floats();
  CHECK(std::isnan(means[3]));
  CHECK(means[0] == 4.0F);
  CHECK(means[2] == 2.0F);
  CHECK(means[4] == 3.0F);
  CHECK(means[5] == 1.0F);
  run(false, numbers_only, x);
  run(true, {}, dx);
  const std::vector<float> found = dx.floats();
  CHECK(found[0] == 7.0F / 4);
  CHECK(found[12] == 7.0F / 4);
  CHECK(found[16] == 2.0F);
  CHECK(found[20] == 2.0F);
  CHECK(softgpu_violations() == 0);
}
