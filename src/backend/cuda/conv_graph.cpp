#include "backend/cuda/conv_graph.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include <nyala/backend.hpp>

#include "backend/common/dispatch.hpp"
#include "backend/cuda/cudnn/plan.hpp"
#include "backend/cuda/lru_cache.hpp"

namespace nyala::backend::cuda {
namespace {

enum TensorId : std::int64_t { id_x = 1, id_filter, id_y, id_bias, id_sum, id_biased };

using Numbers = std::vector<std::int64_t>;

cudnnDataType_t dnn_type(DType dtype) {
  return dtype == DType::float16 ? CUDNN_DATA_HALF : dtype == DType::bfloat16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

cudnnPointwiseMode_t mode_of(FusedActivation activation) {
  switch (activation) {
    case FusedActivation::sigmoid: return CUDNN_POINTWISE_SIGMOID_FWD;
    case FusedActivation::tanh: return CUDNN_POINTWISE_TANH_FWD;
    case FusedActivation::gelu: return CUDNN_POINTWISE_GELU_FWD;
    case FusedActivation::silu: return CUDNN_POINTWISE_SWISH_FWD;
    case FusedActivation::none:
    case FusedActivation::relu: break;
  }
  return CUDNN_POINTWISE_RELU_FWD;
}

/// The parts of a graph as they come.
class Graph {
 public:
  Graph(const ConvProblem& problem, std::int64_t alignment) : p_(problem), alignment_(alignment) {}

  std::vector<Descriptor> parts, operations;

  void build() {
    const WindowGeometry& g = p_.geometry;
    const std::size_t x = tensor(id_x, g.batch, g.in_channels, g.in);
    const std::size_t filter = tensor(id_filter, g.out_channels, g.in_channels / g.groups, g.size);
    const bool plain = !p_.bias && p_.activation == FusedActivation::none;
    const std::size_t y = p_.direction == ConvDirection::forward && !plain
                              ? virtual_tensor(id_sum)
                              : tensor(id_y, g.batch, g.out_channels, g.out);
    convolution(x, filter, y);
    if (plain || p_.direction != ConvDirection::forward) return;
    std::size_t last = y;
    const bool activated = p_.activation != FusedActivation::none;
    if (p_.bias) {
      const std::size_t bias = tensor(id_bias, 1, g.out_channels, {1, 1, 1});
      const std::size_t sum = activated ? virtual_tensor(id_biased) : tensor(id_y, g.batch, g.out_channels, g.out);
      pointwise(CUDNN_POINTWISE_ADD, last, &bias, sum);
      last = sum;
    }
    if (activated) pointwise(mode_of(p_.activation), last, nullptr, tensor(id_y, g.batch, g.out_channels, g.out));
  }

 private:
  std::span<const std::int64_t> spatial(const std::array<std::int64_t, 3>& all) const {
    return std::span(all).last(p_.spatial);
  }
  std::size_t keep(Descriptor&& part) {
    parts.push_back(std::move(part).finalized());
    return parts.size() - 1;
  }

  Descriptor described(std::int64_t id, cudnnDataType_t type, std::int64_t first, std::int64_t channels,
                       const std::array<std::int64_t, 3>& sizes) const {
    Numbers dimensions{first, channels}, strides{0, 1};
    for (const std::int64_t size : spatial(sizes)) dimensions.push_back(size);
    strides.resize(dimensions.size(), channels);
    for (std::size_t axis = dimensions.size() - 1; axis > 2; --axis)
      strides[axis - 1] = strides[axis] * dimensions[axis];
    strides[0] = strides[2] * dimensions[2];
    Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, id)
        .set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type)
        .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, alignment_)
        .set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, std::span<const std::int64_t>(dimensions))
        .set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, std::span<const std::int64_t>(strides));
    return tensor;
  }
  std::size_t tensor(std::int64_t id, std::int64_t first, std::int64_t channels,
                     const std::array<std::int64_t, 3>& sizes) {
    return keep(described(id, dnn_type(p_.dtype), first, channels, sizes));
  }
  /// Of the output's shape; never stored, in float32.
  std::size_t virtual_tensor(std::int64_t id) {
    const WindowGeometry& g = p_.geometry;
    Descriptor tensor = described(id, CUDNN_DATA_FLOAT, g.batch, g.out_channels, g.out);
    tensor.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, true);
    return keep(std::move(tensor));
  }

  void convolution(std::size_t x, std::size_t filter, std::size_t y) {
    const WindowGeometry& g = p_.geometry;
    Descriptor window(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    window.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT)
        .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, CUDNN_CROSS_CORRELATION)
        .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, static_cast<std::int64_t>(p_.spatial))
        .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, spatial(g.pad))
        .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, spatial(p_.pad_after))
        .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, spatial(g.dilation))
        .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, spatial(g.stride));
    const std::size_t described_window = keep(std::move(window));
    const Descriptor &data = parts[x], &weights = parts[filter], &result = parts[y], &by = parts[described_window];
    constexpr float one = 1.0F, zero = 0.0F;
    if (p_.direction == ConvDirection::forward) {
      Descriptor conv(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
      conv.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, by)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, data)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, weights)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, result)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, one)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, zero);
      operations.push_back(std::move(conv).finalized());
    } else if (p_.direction == ConvDirection::backward_data) {
      Descriptor conv(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR);
      conv.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, by)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, weights)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, result)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, data)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_TYPE_FLOAT, one)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, CUDNN_TYPE_FLOAT, zero);
      operations.push_back(std::move(conv).finalized());
    } else {
      Descriptor conv(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR);
      conv.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, by)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, data)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, result)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, weights)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_TYPE_FLOAT, one)
          .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, CUDNN_TYPE_FLOAT, zero);
      operations.push_back(std::move(conv).finalized());
    }
  }

  void pointwise(cudnnPointwiseMode_t mode, std::size_t x, const std::size_t* b, std::size_t y) {
    Descriptor function(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    function.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, mode)
        .set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    const std::size_t described_function = keep(std::move(function));
    Descriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, parts[described_function])
        .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, parts[x])
        .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, parts[y]);
    if (b != nullptr) operation.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, parts[*b]);
    operations.push_back(std::move(operation).finalized());
  }

  const ConvProblem& p_;
  std::int64_t alignment_;
};

Plan make_plan(Context& context, const ConvProblem& problem, std::int64_t alignment, const EngineRules& rules) {
  Graph graph(problem, alignment);
  graph.build();
  const std::size_t operations = graph.operations.size();
  for (Descriptor& operation : graph.operations) graph.parts.push_back(std::move(operation));
  return Plan(context, std::move(graph.parts), operations, rules);
}

/// What all the addresses are multiples of, at most 16.
std::int64_t common_alignment(std::span<void* const> pointers) {
  std::uintptr_t alignment = 16;
  for (const void* pointer : pointers)
    while (reinterpret_cast<std::uintptr_t>(pointer) % alignment != 0) alignment /= 2;
  return static_cast<std::int64_t>(alignment);
}

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
  ConvProblem problem{.direction = direction,
                      .dtype = dtype,
                      .geometry = geometry,
                      .spatial = x.size() == 5 ? std::size_t{3} : std::size_t{2}};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t reach = (geometry.size[axis] - 1) * geometry.dilation[axis] + 1;
    const std::int64_t covered = (geometry.out[axis] - 1) * geometry.stride[axis] + reach;
    const std::int64_t least = covered - geometry.in[axis] - geometry.pad[axis];
    const std::int64_t most = least + geometry.stride[axis] - 1;
    if (geometry.pad[axis] < 0 || most < 0) return std::nullopt;
    // Any padding in this range gives the same output: the one before, if it lies there.
    problem.pad_after[axis] = std::clamp(geometry.pad[axis], std::max<std::int64_t>(least, 0), most);
  }
  return problem;
}

bool run_conv(Context& context, const ConvProblem& problem, void* x, void* filter, void* y, void* bias) {
  // One per thread, as the handles are that plans are bound to; made after the handle, so that it goes before it.
  static_cast<void>(context.dnn());
  thread_local LruCache<Plan> plans(256);
  std::vector<std::int64_t> ids{id_x, id_filter, id_y};
  std::vector<void*> pointers{x, filter, y};
  if (problem.bias) {
    ids.push_back(id_bias);
    pointers.push_back(bias);
  }
  const std::int64_t alignment = common_alignment(pointers);
  const EngineRules rules{.no_rounded_inputs = problem.dtype == DType::float32 && !tensor_float_32_execution_enabled(),
                          .deterministic = op_determinism_enabled()};
  Plan& plan = plans.get(key_of(context, problem, alignment, rules),
                         [&] { return make_plan(context, problem, alignment, rules); });
  return plan.run(context, ids, pointers);
}

}  // namespace nyala::backend::cuda
