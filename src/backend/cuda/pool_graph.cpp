#include "backend/cuda/pool_graph.hpp"

#include <array>
#include <span>
#include <vector>

#include <nyala/backend.hpp>

#include "backend/common/dispatch.hpp"
#include "backend/cuda/cudnn/graph_builder.hpp"
#include "backend/cuda/cudnn/padding.hpp"
#include "backend/cuda/lru_cache.hpp"

namespace nyala::backend::cuda {
namespace {

enum PoolTensor : std::int64_t { pool_x = 1, pool_y };

using Axes = std::array<std::int64_t, 3>;

Plan make_plan(Context& context, const PoolProblem& p, std::int64_t alignment, const EngineRules& rules) {
  const WindowGeometry& g = p.geometry;
  GraphBuilder graph(alignment);
  const auto spatial = [&](const Axes& all) { return std::span(all).last(p.spatial); };
  const auto tensor = [&](std::int64_t id, const Axes& sizes) {
    const auto [dimensions, strides] = ChannelsLast(g.batch, g.in_channels, spatial(sizes));
    return graph.stored(id, dnn_type(p.dtype), dimensions, strides);
  };
  const auto x = tensor(pool_x, g.in), y = tensor(pool_y, g.out);
  const bool maximum = p.pass == PoolPass::max;
  Descriptor window(CUDNN_BACKEND_RESAMPLE_DESCRIPTOR);
  window
      .set(CUDNN_ATTR_RESAMPLE_MODE, CUDNN_TYPE_RESAMPLE_MODE,
           maximum ? CUDNN_RESAMPLE_MAXPOOL : CUDNN_RESAMPLE_AVGPOOL_EXCLUDE_PADDING)
      .set(CUDNN_ATTR_RESAMPLE_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_RESAMPLE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION, CUDNN_PROPAGATE_NAN)
      .set(CUDNN_ATTR_RESAMPLE_PADDING_MODE, CUDNN_TYPE_PADDING_MODE, maximum ? CUDNN_NEG_INF_PAD : CUDNN_ZERO_PAD)
      .set(CUDNN_ATTR_RESAMPLE_SPATIAL_DIMS, CUDNN_TYPE_INT64, static_cast<std::int64_t>(p.spatial));
  const auto fractions = [&](cudnnBackendAttributeName_t name, const Axes& all) {
    std::vector<cudnnFraction_t> values;
    for (const std::int64_t value : spatial(all)) values.push_back({value, 1});
    window.set(name, CUDNN_TYPE_FRACTION, std::span<const cudnnFraction_t>(values));
  };
  fractions(CUDNN_ATTR_RESAMPLE_WINDOW_DIMS, g.size);
  fractions(CUDNN_ATTR_RESAMPLE_PRE_PADDINGS, g.pad);
  fractions(CUDNN_ATTR_RESAMPLE_POST_PADDINGS, p.pad_after);
  fractions(CUDNN_ATTR_RESAMPLE_STRIDES, g.stride);
  const auto by = graph.keep(std::move(window));
  if (p.pass == PoolPass::average_backward) {
    Descriptor made(CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR);
    made.set(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC, graph.at(by))
        .set(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC, graph.at(y))
        .set(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC, graph.at(x));
    graph.operation(std::move(made));
  } else {
    Descriptor made(CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR);
    made.set(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC, graph.at(by))
        .set(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_XDESC, graph.at(x))
        .set(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_YDESC, graph.at(y));
    graph.operation(std::move(made));
  }
  return std::move(graph).plan(context, rules);
}

}  // namespace

std::optional<PoolProblem> pool_problem(PoolPass pass, const WindowGeometry& geometry, const Shape& x, DType dtype) {
  if ((dtype != DType::float32 && !is_half(dtype)) || x.size() == 0) return std::nullopt;
  const auto after = padding_after(geometry);
  if (!after) return std::nullopt;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t size = geometry.size[axis];
    if (geometry.dilation[axis] != 1 || geometry.pad[axis] >= size || (*after)[axis] >= size) return std::nullopt;
  }
  if (geometry.batch == 0 || geometry.in_positions() == 0 || geometry.out_positions() == 0 || geometry.in_channels == 0)
    return std::nullopt;
  return PoolProblem{.pass = pass,
                     .dtype = dtype,
                     .geometry = geometry,
                     .pad_after = *after,
                     .spatial = x.size() == 5 ? std::size_t{3} : std::size_t{2}};
}

bool run_pool(Context& context, const PoolProblem& p, void* x, void* y) {
  static_cast<void>(context.dnn());  // before the plans, so that it goes after them
  thread_local LruCache<Plan> plans(128);
  const std::array<std::int64_t, 2> ids{pool_x, pool_y};
  const std::array<void*, 2> pointers{x, y};
  const std::int64_t alignment = common_alignment(pointers);
  const EngineRules rules{.no_rounded_inputs = p.dtype == DType::float32, .deterministic = op_determinism_enabled()};
  const WindowGeometry& g = p.geometry;
  PlanKey key{context.index(),
              static_cast<std::int64_t>(p.pass),
              static_cast<std::int64_t>(p.dtype),
              static_cast<std::int64_t>(p.spatial),
              alignment,
              rules.deterministic,
              g.batch,
              g.in_channels};
  for (const auto* numbers : {&g.in, &g.out, &g.size, &g.stride, &g.pad, &p.pad_after})
    key.insert(key.end(), numbers->begin(), numbers->end());
  return plans.get(key, [&] { return make_plan(context, p, alignment, rules); }).run(context, ids, pointers);
}

}  // namespace nyala::backend::cuda
