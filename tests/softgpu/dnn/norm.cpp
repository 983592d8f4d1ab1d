#include <algorithm>
#include <cmath>
#include <set>

#include "dnn/graph.hpp"
#include "runtime/product.hpp"

// Batch normalization in training, with an addition and a relu after it, and its gradient, as the documentation of
// NormAddRelu and DReluForkDNorm limits them (without masks); and what pointwise operations alone need.

namespace softgpu::dnn {
namespace {

using Names = std::vector<std::pair<cudnnBackendAttributeName_t, TensorSpec*>>;

Names names_of(Norm& n) {
  if (n.backward) {
    return {{CUDNN_ATTR_OPERATION_NORM_BWD_XDESC, &n.x},
            {CUDNN_ATTR_OPERATION_NORM_BWD_DYDESC, &n.gradient},
            {CUDNN_ATTR_OPERATION_NORM_BWD_DXDESC, &n.y},
            {CUDNN_ATTR_OPERATION_NORM_BWD_MEAN_DESC, &n.mean},
            {CUDNN_ATTR_OPERATION_NORM_BWD_INV_VARIANCE_DESC, &n.inverse},
            {CUDNN_ATTR_OPERATION_NORM_BWD_SCALE_DESC, &n.scale},
            {CUDNN_ATTR_OPERATION_NORM_BWD_DSCALE_DESC, &n.dscale},
            {CUDNN_ATTR_OPERATION_NORM_BWD_DBIAS_DESC, &n.dbias}};
  }
  return {{CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, &n.x},
          {CUDNN_ATTR_OPERATION_NORM_FWD_YDESC, &n.y},
          {CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC, &n.mean},
          {CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC, &n.inverse},
          {CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC, &n.scale},
          {CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC, &n.bias},
          {CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC, &n.epsilon}};
}

cudnnStatus_t check_shapes(const Norm& n) {
  const auto mismatch = [](const char* why) {
    return bad(std::string("normalization: ") + why, CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  };
  for (const TensorSpec* whole : {&n.y, &n.gradient})
    if (!whole->dimensions.empty() && whole->dimensions != n.x.dimensions)
      return mismatch("x and what is like it are of different shapes");
  std::vector<std::int64_t> channels(n.x.dimensions.size(), 1);
  channels[1] = n.x.dimensions[1];
  for (const TensorSpec* each : {&n.mean, &n.inverse, &n.scale, &n.bias, &n.dscale, &n.dbias})
    if (!each->dimensions.empty() && each->dimensions != channels)
      return mismatch("a tensor of one number per channel has another shape");
  if (!n.backward && !n.epsilon.is_by_value) return bad("normalization: epsilon is not given by value");
  for (const auto& all : {n.inputs(), n.outputs()})
    for (const TensorSpec& each : all)
      if ((each.is_virtual && (n.backward || each.id != n.y.id)) || (each.is_by_value && each.id != n.epsilon.id))
        return bad("normalization: a tensor that is not in the device's memory");
  return CUDNN_STATUS_SUCCESS;
}

/// Sums over the rows for each channel, of what term(row, channel) gives, in float as threads would add.
template <class Term>
std::vector<float> summed(std::int64_t rows, std::int64_t channels, Term term) {
  std::vector<float> all(static_cast<std::size_t>(channels)), block(all.size());
  for (std::int64_t first = 0; first < rows; first += 64) {
    std::fill(block.begin(), block.end(), 0.0F);
    for (std::int64_t row = first; row < std::min(rows, first + 64); ++row)
      for (std::int64_t c = 0; c < channels; ++c) block[static_cast<std::size_t>(c)] += term(row, c);
    for (std::size_t c = 0; c < all.size(); ++c) all[c] += block[c];
  }
  return all;
}

}  // namespace

std::vector<TensorSpec> Norm::inputs() const {
  if (backward) return {x, gradient, mean, inverse, scale};
  return {x, scale, bias, epsilon};
}

std::vector<TensorSpec> Norm::outputs() const {
  if (backward) return {y, dscale, dbias};
  return {y, mean, inverse};
}

bool Graph::pointwise() const {
  return !convolution && !norm && !resample && std::all_of(nodes.begin(), nodes.end(), [](const Node& node) {
    return node.kind == Node::Kind::pointwise && node.mode != CUDNN_POINTWISE_GEN_INDEX;
  });
}

cudnnStatus_t finalize_norm(Descriptor& d) {
  Norm& n = d.norm;
  n.backward = d.type == CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR;
  const auto mode = n.backward ? CUDNN_ATTR_OPERATION_NORM_BWD_MODE : CUDNN_ATTR_OPERATION_NORM_FWD_MODE;
  if (const auto status = require(d, {mode}); status != CUDNN_STATUS_SUCCESS) return status;
  for (const auto& [name, place] : names_of(n)) {
    if (const auto status = require(d, {name}); status != CUDNN_STATUS_SUCCESS) return status;
    if (d.part(name).type != CUDNN_BACKEND_TENSOR_DESCRIPTOR)
      return bad("normalization: a tensor is another descriptor", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
    *place = d.part(name).tensor;
  }
  if (d.one<cudnnBackendNormMode_t>(mode) != CUDNN_BATCH_NORM)
    return bad("normalization: a mode that the software GPU does not know", CUDNN_STATUS_NOT_SUPPORTED);
  if (n.x.dimensions.size() < 4 || n.x.dimensions.size() > 5)
    return bad("normalization: neither four nor five dimensions", CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
  if (!n.backward) {
    if (const auto status = require(d, {CUDNN_ATTR_OPERATION_NORM_FWD_PHASE}); status != CUDNN_STATUS_SUCCESS)
      return status;
    if (d.one<cudnnBackendNormFwdPhase_t>(CUDNN_ATTR_OPERATION_NORM_FWD_PHASE) != CUDNN_NORM_FWD_TRAINING)
      return bad("normalization: over a batch, in another phase than training", CUDNN_STATUS_NOT_SUPPORTED);
  }
  return check_shapes(n);
}

std::optional<std::int64_t> plan_norm(Engine engine, const Graph& graph) {
  const Norm& n = *graph.norm;
  const std::int64_t multiple = n.x.type == CUDNN_DATA_FLOAT ? 4 : 8;
  if (setting("capability") < 80 || n.x.dimensions[1] % multiple != 0) return std::nullopt;
  std::set<std::int64_t> whole{n.x.id, graph.output().id};
  if (n.backward) whole.insert(n.gradient.id);
  for (const Node& node : graph.nodes)
    if (node.b) whole.insert(node.b->id);
  for (const TensorSpec& each : graph.stored()) {
    const bool like_x = whole.contains(each.id);
    if (like_x && each.dimensions != n.x.dimensions) return std::nullopt;
    if (each.type != (like_x ? n.x.type : CUDNN_DATA_FLOAT)) return std::nullopt;
    if (!each.is_by_value && (!channels_last(each) || each.alignment < 16)) return std::nullopt;
  }
  if (engine == Engine::norm) return 4096 + 16;
  // Fast, many rows at a time, for which sums of atoms are added up.
  if (n.x.dimensions[0] < 64) return std::nullopt;
  return 512;
}

std::optional<std::int64_t> plan_pointwise(Engine engine, const Graph& graph) {
  for (const Node& node : graph.nodes)
    if (node.y.is_virtual && node.y.type != CUDNN_DATA_FLOAT) return std::nullopt;
  if (engine == Engine::pointwise) return 0;
  for (const TensorSpec& each : graph.stored())
    if (each.alignment < 16 || each.dimensions[1] % 8 != 0) return std::nullopt;
  return 128;
}

void execute_norm(const Graph& graph, const Operands& operands) {
  const Norm& n = *graph.norm;
  const std::int64_t channels = n.x.dimensions[1];
  std::int64_t rows = 1;
  for (std::size_t axis = 0; axis < n.x.dimensions.size(); ++axis) rows *= axis == 1 ? 1 : n.x.dimensions[axis];
  const auto get = [&](const TensorSpec& from, std::int64_t i) {
    return load<float>(cuda_type(from.type), operands.memory.at(from.id), i);
  };
  const auto put = [&](const TensorSpec& to, std::int64_t i, float value) {
    store(cuda_type(to.type), operands.memory.at(to.id), i, value);
  };
  const auto followed = [&](float value, std::int64_t i) {
    for (const Node& node : graph.nodes) {
      if (node.b)
        value += get(*node.b, i);
      else if (value < 0.0F)
        value = 0.0F;
    }
    return value;
  };
  const auto count = static_cast<float>(rows);
  if (!n.backward) {
    std::vector<float> mean =
        summed(rows, channels, [&](std::int64_t row, std::int64_t c) { return get(n.x, row * channels + c); });
    for (float& each : mean) each /= count;
    const std::vector<float> squares = summed(rows, channels, [&](std::int64_t row, std::int64_t c) {
      const float off = get(n.x, row * channels + c) - mean[static_cast<std::size_t>(c)];
      return off * off;
    });
    for (std::int64_t c = 0; c < channels; ++c) {
      const float middle = mean[static_cast<std::size_t>(c)];
      const float inverse =
          1.0F / std::sqrt(squares[static_cast<std::size_t>(c)] / count + operands.numbers.at(n.epsilon.id));
      put(n.mean, c, middle);
      put(n.inverse, c, inverse);
      const float scale = get(n.scale, c), bias = get(n.bias, c);
      for (std::int64_t i = c; i < rows * channels; i += channels)
        put(graph.output(), i, followed((get(n.x, i) - middle) * inverse * scale + bias, i));
    }
    return;
  }
  const auto normal = [&](std::int64_t i, std::int64_t c) {
    return (get(n.x, i) - get(n.mean, c)) * get(n.inverse, c);
  };
  const std::vector<float> of_bias =
      summed(rows, channels, [&](std::int64_t row, std::int64_t c) { return get(n.gradient, row * channels + c); });
  const std::vector<float> of_scale = summed(rows, channels, [&](std::int64_t row, std::int64_t c) {
    return get(n.gradient, row * channels + c) * normal(row * channels + c, c);
  });
  for (std::int64_t c = 0; c < channels; ++c) {
    const float all = of_bias[static_cast<std::size_t>(c)], scaled = of_scale[static_cast<std::size_t>(c)];
    const float outer = get(n.scale, c) * get(n.inverse, c);
    for (std::int64_t i = c; i < rows * channels; i += channels)
      put(n.y, i, outer * (get(n.gradient, i) - all / count - normal(i, c) * (scaled / count)));
    put(n.dscale, c, scaled);
    put(n.dbias, c, all);
  }
}

}  // namespace softgpu::dnn
