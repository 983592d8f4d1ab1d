#include "backend/cuda/conv_graph.hpp"

#include <span>
#include <vector>

#include <nyala/backend.hpp>

#include "backend/common/dispatch.hpp"
#include "backend/cuda/cudnn/graph_builder.hpp"
#include "backend/cuda/cudnn/padding.hpp"
#include "backend/cuda/lru_cache.hpp"

namespace nyala::backend::cuda {
namespace {

enum ConvTensor : std::int64_t { conv_x = 1, conv_filter, conv_y, conv_bias };

cudnnPointwiseMode_t mode_of(FusedActivation activation) {
  switch (activation) {
    case FusedActivation::sigmoid: return CUDNN_POINTWISE_SIGMOID_FWD;
    case FusedActivation::tanh: return CUDNN_POINTWISE_TANH_FWD;
    case FusedActivation::gelu: return CUDNN_POINTWISE_GELU_FWD;
    case FusedActivation::gelu_tanh: return CUDNN_POINTWISE_GELU_APPROX_TANH_FWD;
    case FusedActivation::silu: return CUDNN_POINTWISE_SWISH_FWD;
    case FusedActivation::none:
    case FusedActivation::relu: break;
  }
  return CUDNN_POINTWISE_RELU_FWD;
}

/// What cuDNN calls the operation of a direction, and its attributes.
struct ConvNames {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t window, x, filter, y, alpha, beta;
};

const ConvNames& names_of(ConvDirection direction) {
  static constexpr ConvNames forward{CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
  static constexpr ConvNames data{CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
  static constexpr ConvNames filter{CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  return direction == ConvDirection::forward ? forward : direction == ConvDirection::backward_data ? data : filter;
}

class ConvGraph {
 public:
  using Place = GraphBuilder::Place;

  ConvGraph(const ConvProblem& problem, std::int64_t alignment) : p_(problem), graph_(alignment) {}

  void build() {
    const WindowGeometry& g = p_.geometry;
    const Place x = tensor(conv_x, g.batch, g.in_channels, g.in);
    const Place filter = tensor(conv_filter, g.out_channels, g.in_channels / g.groups, g.size);
    const bool plain = !p_.bias && p_.activation == FusedActivation::none;
    const bool alone = plain || p_.direction != ConvDirection::forward;
    const Place y = alone ? output() : passing();
    convolution(x, filter, y);
    if (alone) return;
    Place last = y;
    const bool activated = p_.activation != FusedActivation::none;
    if (p_.bias) {
      const Place bias = tensor(conv_bias, 1, g.out_channels, {1, 1, 1}), sum = activated ? passing() : output();
      graph_.pointwise({CUDNN_POINTWISE_ADD}, {last, bias}, sum);
      last = sum;
    }
    if (activated) graph_.pointwise({mode_of(p_.activation)}, {last}, output());
  }

  Plan plan(Context& context, const EngineRules& rules) && { return std::move(graph_).plan(context, rules); }

 private:
  std::span<const std::int64_t> spatial(const std::array<std::int64_t, 3>& all) const {
    return std::span(all).last(p_.spatial);
  }
  Place tensor(std::int64_t id, std::int64_t first, std::int64_t channels, const std::array<std::int64_t, 3>& sizes) {
    const auto [dimensions, strides] = ChannelsLast(first, channels, spatial(sizes));
    return graph_.stored(id, dnn_type(p_.dtype), dimensions, strides);
  }
  Place output() {
    const WindowGeometry& g = p_.geometry;
    return tensor(conv_y, g.batch, g.out_channels, g.out);
  }
  /// Of the output's shape, in float32.
  Place passing() {
    const WindowGeometry& g = p_.geometry;
    const auto [dimensions, strides] = ChannelsLast(g.batch, g.out_channels, spatial(g.out));
    return graph_.passing(CUDNN_DATA_FLOAT, dimensions, strides);
  }

  void convolution(Place x, Place filter, Place y) {
    const WindowGeometry& g = p_.geometry;
    Descriptor window(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    window.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT)
        .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, CUDNN_CROSS_CORRELATION)
        .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, static_cast<std::int64_t>(p_.spatial))
        .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, spatial(g.pad))
        .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, spatial(p_.pad_after))
        .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, spatial(g.dilation))
        .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, spatial(g.stride));
    const Place described_window = graph_.keep(std::move(window));
    const Descriptor &data = graph_.at(x), &weights = graph_.at(filter), &result = graph_.at(y),
                     &by = graph_.at(described_window);
    constexpr float one = 1.0F, zero = 0.0F;
    const ConvNames& names = names_of(p_.direction);
    Descriptor conv(names.operation);
    conv.set(names.window, by)
        .set(names.x, data)
        .set(names.filter, weights)
        .set(names.y, result)
        .set(names.alpha, CUDNN_TYPE_FLOAT, one)
        .set(names.beta, CUDNN_TYPE_FLOAT, zero);
    graph_.operation(std::move(conv));
  }

  const ConvProblem& p_;
  GraphBuilder graph_;
};

PlanKey key_of(Context& context, const ConvProblem& p, std::int64_t alignment, const EngineRules& rules) {
  const WindowGeometry& g = p.geometry;
  PlanKey key{context.index(),
              static_cast<std::int64_t>(p.direction),
              static_cast<std::int64_t>(p.dtype),
              static_cast<std::int64_t>(p.spatial),
              p.bias,
              static_cast<std::int64_t>(p.activation),
              alignment,
              rules.no_rounded_inputs,
              rules.deterministic,
              g.batch,
              g.in_channels,
              g.out_channels,
              g.groups};
  for (const auto* numbers : {&g.in, &g.out, &g.size, &g.stride, &g.dilation, &g.pad, &p.pad_after})
    key.insert(key.end(), numbers->begin(), numbers->end());
  return key;
}

}  // namespace

std::optional<ConvProblem> conv_problem(ConvDirection direction, const WindowGeometry& geometry, const Shape& x,
                                        DType dtype) {
  if (dtype != DType::float32 && !is_half(dtype)) return std::nullopt;
  const auto after = padding_after(geometry);
  if (!after) return std::nullopt;
  return ConvProblem{.direction = direction,
                     .dtype = dtype,
                     .geometry = geometry,
                     .pad_after = *after,
                     .spatial = x.size() == 5 ? std::size_t{3} : std::size_t{2}};
}

bool run_conv(Context& context, const ConvProblem& problem, void* x, void* filter, void* y, void* bias) {
  // One per thread, as the handles are that plans are bound to; made after the handle, so that it goes before it.
  static_cast<void>(context.dnn());
  thread_local LruCache<Plan> plans(1024);  // of networks whose blocks grow layer by layer all, as they come in turn
  std::vector<std::int64_t> ids{conv_x, conv_filter, conv_y};
  std::vector<void*> pointers{x, filter, y};
  if (problem.bias) {
    ids.push_back(conv_bias);
    pointers.push_back(bias);
  }
  const std::int64_t alignment = common_alignment(pointers);
  const EngineRules rules{.no_rounded_inputs = problem.dtype == DType::float32 && !tensor_float_32_execution_enabled(),
                          .deterministic = op_determinism_enabled()};
  Plan& plan = plans.get(key_of(context, problem, alignment, rules), [&] {
    ConvGraph graph(problem, alignment);
    graph.build();
    return std::move(graph).plan(context, rules);
  });
  return plan.run(context, ids, pointers);
}

}  // namespace nyala::backend::cuda
