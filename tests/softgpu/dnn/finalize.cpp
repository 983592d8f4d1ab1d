#include <algorithm>
#include <set>

#include "dnn/graph.hpp"
#include "runtime/product.hpp"

// What a descriptor must fulfil to be finalized.

namespace softgpu::dnn {
namespace {

constexpr const char* finalize_name = "cudnnBackendFinalize";

cudnnStatus_t finalize_tensor(Descriptor& d) {
  if (const auto status =
          require(d, {CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT,
                      CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_ATTR_TENSOR_STRIDES});
      status != CUDNN_STATUS_SUCCESS)
    return status;
  TensorSpec& t = d.tensor;
  t.id = d.one<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
  t.alignment = d.one<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
  t.type = d.one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
  t.dimensions = d.all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  t.strides = d.all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  t.is_virtual = d.has(CUDNN_ATTR_TENSOR_IS_VIRTUAL) && d.one<std::uint8_t>(CUDNN_ATTR_TENSOR_IS_VIRTUAL) != 0;
  t.is_by_value = d.has(CUDNN_ATTR_TENSOR_IS_BY_VALUE) && d.one<std::uint8_t>(CUDNN_ATTR_TENSOR_IS_BY_VALUE) != 0;
  if (t.is_virtual && t.is_by_value) return bad("tensor: virtual, and given by value");
  if (t.is_by_value && t.type != CUDNN_DATA_FLOAT)
    return bad("tensor: by value, of another type than float", CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
  if (t.is_by_value && std::any_of(t.dimensions.begin(), t.dimensions.end(), [](auto size) { return size != 1; }))
    return bad("tensor: by value, of more than one element");
  const bool index = t.is_virtual && (t.type == CUDNN_DATA_INT32 || t.type == CUDNN_DATA_BOOLEAN);
  if (!index && t.type != CUDNN_DATA_FLOAT && t.type != CUDNN_DATA_HALF && t.type != CUDNN_DATA_BFLOAT16)
    return bad("tensor: a type that the software GPU does not know", CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
  if (t.dimensions.size() != t.strides.size()) return bad("tensor: other numbers of dimensions and of strides");
  if (t.dimensions.size() < 3) return bad("tensor: fewer than three dimensions", CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
  for (std::size_t i = 0; i < t.dimensions.size(); ++i)
    if (t.dimensions[i] <= 0 || t.strides[i] <= 0) return bad("tensor: a dimension or stride that is not positive");
  const auto element = static_cast<std::int64_t>(size_of(t.type));
  if (t.alignment <= 0 || t.alignment % element != 0 || (t.alignment & (t.alignment - 1)) != 0)
    return bad("tensor: an alignment that is no power of two, or below the size of an element");
  // Two places of one tensor must not be one place in memory.
  std::vector<std::size_t> order(t.dimensions.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return t.strides[a] < t.strides[b]; });
  std::int64_t reach = 1;
  for (const std::size_t axis : order) {
    if (t.dimensions[axis] == 1) continue;
    if (t.strides[axis] < reach) return bad("tensor: strides that overlap");
    reach = t.strides[axis] * t.dimensions[axis];
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_window(Descriptor& d) {
  if (const auto status = require(
          d, {CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS,
              CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS,
              CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES});
      status != CUDNN_STATUS_SUCCESS)
    return status;
  if (d.one<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) != CUDNN_DATA_FLOAT)
    return bad("convolution: another compute type than FLOAT", CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
  if (d.one<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) != CUDNN_CROSS_CORRELATION)
    return bad("convolution: another mode than cross correlation", CUDNN_STATUS_NOT_SUPPORTED);
  const std::int64_t spatial = d.one<std::int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS);
  if (spatial < 2 || spatial > 3) return bad("convolution: spatial dimensions other than 2 or 3");
  Convolution& c = d.convolution;
  const auto place = static_cast<std::size_t>(3 - spatial);
  const auto take = [&](cudnnBackendAttributeName_t name, std::int64_t least, std::array<std::int64_t, 3>& out) {
    const std::vector<std::int64_t> values = d.all<std::int64_t>(name);
    if (static_cast<std::int64_t>(values.size()) != spatial) return false;
    std::copy(values.begin(), values.end(), out.begin() + static_cast<std::ptrdiff_t>(place));
    return *std::min_element(values.begin(), values.end()) >= least;
  };
  std::array<std::int64_t, 3> after{};
  if (!take(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, 0, c.pad) || !take(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, 0, after) ||
      !take(CUDNN_ATTR_CONVOLUTION_DILATIONS, 1, c.dilation) ||
      !take(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, 1, c.stride))
    return bad("convolution: paddings, dilations or strides out of range, or not one per spatial dimension");
  c.asymmetric = after != c.pad;
  // Kept for the check of shapes.
  d.tensor.dimensions.assign(after.begin(), after.end());
  d.workspace = spatial;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_convolution(Descriptor& d) {
  using Names = std::array<cudnnBackendAttributeName_t, 6>;  // alpha, beta, window, x, w, y
  const bool forward = d.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
  const bool data = d.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
  const Names names =
      forward ? Names{CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y}
      : data
          ? Names{CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY}
          : Names{
                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY};
  if (const auto status = require(d, {names[0], names[1], names[2], names[3], names[4], names[5]});
      status != CUDNN_STATUS_SUCCESS)
    return status;
  const Descriptor& window = d.part(names[2]);
  if (window.type != CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR)
    return bad("convolution: the window is another descriptor", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  d.convolution = window.convolution;
  Convolution& c = d.convolution;
  c.kind = forward ? Convolution::Kind::forward
           : data  ? Convolution::Kind::backward_data
                   : Convolution::Kind::backward_filter;
  for (std::size_t i = 0; i < 3; ++i) {
    const Descriptor& part = d.part(names[3 + i]);
    if (part.type != CUDNN_BACKEND_TENSOR_DESCRIPTOR)
      return bad("convolution: a tensor is another descriptor", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
    (i == 0 ? c.x : i == 1 ? c.w : c.y) = part.tensor;
  }
  if (d.one<float>(names[0]) != 1.0F || d.one<float>(names[1]) != 0.0F)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, finalize_name, "alpha other than 1 or beta other than 0");
  const auto rank = static_cast<std::size_t>(window.workspace) + 2;
  for (const TensorSpec* t : {&c.x, &c.w, &c.y})
    if (t->dimensions.size() != rank) return bad("convolution: tensors of another rank than the window's");
  const auto shape = [](const std::string& why) {
    return bad("convolution: " + why, CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  };
  if (c.x.dimensions[0] != c.y.dimensions[0]) return shape("batches of x and y differ");
  if (c.w.dimensions[0] != c.y.dimensions[1]) return shape("channels of y are not w's outputs");
  if (c.x.dimensions[1] % c.w.dimensions[1] != 0) return shape("channels of x are no multiple of w's");
  c.groups = c.x.dimensions[1] / c.w.dimensions[1];
  if (c.w.dimensions[0] % c.groups != 0) return shape("w's outputs are no multiple of the groups");
  for (std::size_t axis = 2; axis < rank; ++axis) {
    const std::size_t place = axis - 2 + (5 - rank);
    const std::int64_t reach = (c.w.dimensions[axis] - 1) * c.dilation[place] + 1;
    const std::int64_t room = c.x.dimensions[axis] + c.pad[place] + window.tensor.dimensions[place] - reach;
    if (room < 0 || room / c.stride[place] + 1 != c.y.dimensions[axis])
      return shape("y's size along a spatial axis does not follow from x, w and the window");
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t unknown_graph(const std::string& why) {
  return refuse(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, finalize_name, why);
}

bool is_convolution(const Descriptor& operation) {
  return operation.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR ||
         operation.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ||
         operation.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR;
}

/// A chain: each operation takes what the one before made, the first one what a convolution or normalization made.
cudnnStatus_t check_chain(const Graph& graph, const TensorSpec& first, bool forward) {
  const TensorSpec* last = &first;
  for (const Node& node : graph.nodes) {
    if (!forward || node.kind != Node::Kind::pointwise)
      return unknown_graph("pointwise operations come after a forward convolution or normalization only");
    if (node.x != *last) return bad("graph: an operation does not take what the one before made");
    if (!last->is_virtual) return unknown_graph("what lies between two operations must be virtual");
    if (last->type != CUDNN_DATA_FLOAT) return unknown_graph("a virtual tensor of another type than float");
    last = &node.y;
  }
  if (graph.output().is_virtual) return bad("graph: the result is virtual");
  return CUDNN_STATUS_SUCCESS;
}

/// NormAddRelu: after a normalization at most an addition, then at most a relu.
cudnnStatus_t check_norm(const Graph& graph) {
  std::vector<cudnnPointwiseMode_t> modes;
  for (const Node& node : graph.nodes) modes.push_back(node.mode);
  for (const cudnnPointwiseMode_t next : {CUDNN_POINTWISE_ADD, CUDNN_POINTWISE_RELU_FWD})
    if (!modes.empty() && modes.front() == next) modes.erase(modes.begin());
  if (!modes.empty()) return unknown_graph("after a normalization, other operations than an addition and a relu");
  return check_chain(graph, graph.norm->y, !graph.norm->backward);
}

/// Operations in an order in which they can run.
cudnnStatus_t check_nodes(const Graph& graph) {
  std::set<std::int64_t> made, taken;
  for (const Node& node : graph.nodes) {
    for (const TensorSpec& input : node.inputs()) {
      taken.insert(input.id);
      if (input.is_virtual && !made.contains(input.id))
        return bad("graph: an operation takes a virtual tensor that none before it made");
    }
    if (node.y.is_by_value) return bad("graph: a result that is given by value");
    if (!made.insert(node.y.id).second) return bad("graph: a tensor that two operations make");
  }
  for (const Node& node : graph.nodes)
    if (node.y.is_virtual && !taken.contains(node.y.id)) return bad("graph: a virtual result that nothing takes");
  if (!attention_of(graph.nodes) && !graph.pointwise())
    return unknown_graph("neither a convolution nor attention nor pointwise operations");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_graph(Descriptor& d) {
  if (const auto status = require(d, {CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_ATTR_OPERATIONGRAPH_OPS});
      status != CUDNN_STATUS_SUCCESS)
    return status;
  auto graph = std::make_shared<Graph>();
  std::set<const Descriptor*> tensors;
  for (const auto& [operation, serial] : d.parts) {
    for (const auto& [part, its_serial] : operation->parts)
      if (part->type == CUDNN_BACKEND_TENSOR_DESCRIPTOR) tensors.insert(part);
    const bool begun = graph->convolution || graph->norm || graph->resample || !graph->nodes.empty();
    if (is_convolution(*operation)) {
      if (begun) return unknown_graph("a convolution comes first, and alone");
      graph->convolution = operation->convolution;
    } else if (operation->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR ||
               operation->type == CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR ||
               operation->type == CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR ||
               operation->type == CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR) {
      if (graph->resample) return unknown_graph("a pooling stands alone");
      graph->nodes.push_back(operation->node);
    } else if (operation->type == CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR ||
               operation->type == CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR) {
      if (begun) return unknown_graph("a normalization comes first, and alone");
      graph->norm = operation->norm;
    } else if (operation->type == CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR ||
               operation->type == CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR) {
      if (begun) return unknown_graph("a pooling stands alone");
      graph->resample = operation->resample;
    } else {
      return bad("graph: a descriptor that is no operation", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
    }
  }
  std::set<std::int64_t> ids;
  for (const Descriptor* tensor : tensors)
    if (!ids.insert(tensor->tensor.id).second)
      return bad("graph: two tensors of one unique id", CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES);
  const auto check = [&] {
    if (graph->convolution)
      return check_chain(*graph, graph->convolution->y, graph->convolution->kind == Convolution::Kind::forward);
    if (graph->norm) return check_norm(*graph);
    return graph->resample ? CUDNN_STATUS_SUCCESS : check_nodes(*graph);
  };
  if (const auto status = check(); status != CUDNN_STATUS_SUCCESS) return status;
  d.graph = std::move(graph);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_plan(Descriptor& d) {
  if (const auto status = require(d, {CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG});
      status != CUDNN_STATUS_SUCCESS)
    return status;
  const Descriptor& configuration = d.part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
  if (configuration.type != CUDNN_BACKEND_ENGINECFG_DESCRIPTOR)
    return bad("plan: the configuration is another descriptor", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  count("plans");
  if (fault("plan")) return refuse(CUDNN_STATUS_NOT_SUPPORTED, finalize_name, "this engine refuses, on demand");
  const std::optional<std::int64_t> workspace = plan(configuration.engine, *configuration.graph);
  if (!workspace) return refuse(CUDNN_STATUS_NOT_SUPPORTED_SHAPE, finalize_name, "this engine refuses the graph");
  d.graph = configuration.graph;
  d.engine = configuration.engine;
  d.workspace = *workspace;
  d.device = d.one<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE)->device;
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

cudnnStatus_t bad(const std::string& why, cudnnStatus_t status) { return wrong(status, finalize_name, why); }

cudnnStatus_t require(const Descriptor& d, std::initializer_list<cudnnBackendAttributeName_t> names) {
  for (const auto name : names) {
    if (!d.has(name)) {
      return bad("attribute " + std::to_string(name) + " of a descriptor of type " + std::to_string(d.type) +
                 " is not set");
    }
  }
  return CUDNN_STATUS_SUCCESS;
}

std::size_t size_of(cudnnDataType_t type) { return type == CUDNN_DATA_BOOLEAN ? 1 : softgpu::size_of(cuda_type(type)); }

cudaDataType_t cuda_type(cudnnDataType_t type) {
  return type == CUDNN_DATA_HALF       ? CUDA_R_16F
         : type == CUDNN_DATA_BFLOAT16 ? CUDA_R_16BF
         : type == CUDNN_DATA_DOUBLE   ? CUDA_R_64F
                                       : CUDA_R_32F;
}

std::size_t extent(const TensorSpec& tensor) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < tensor.dimensions.size(); ++i) last += (tensor.dimensions[i] - 1) * tensor.strides[i];
  return static_cast<std::size_t>(last + 1) * size_of(tensor.type);
}

std::vector<TensorSpec> Node::inputs() const {
  std::vector<TensorSpec> all{x};
  if (b) all.push_back(*b);
  if (condition) all.push_back(*condition);
  return all;
}

const TensorSpec& Graph::output() const {
  if (!nodes.empty()) return nodes.back().y;
  if (norm) return norm->y;
  const Convolution& c = *convolution;
  return c.kind == Convolution::Kind::forward ? c.y : c.kind == Convolution::Kind::backward_data ? c.x : c.w;
}

bool Graph::writes(std::int64_t id) const {
  if (convolution) return id == output().id;
  if (resample) return id == (resample->backward ? resample->x : resample->y).id;
  if (norm) {
    const std::vector<TensorSpec> outputs = norm->outputs();
    return id == output().id ||
           std::any_of(outputs.begin(), outputs.end(), [&](const TensorSpec& each) { return each.id == id; });
  }
  return std::any_of(nodes.begin(), nodes.end(), [&](const Node& node) { return node.y.id == id; });
}

std::vector<TensorSpec> Graph::stored() const {
  std::map<std::int64_t, TensorSpec> all;
  const auto add = [&](const TensorSpec& tensor) {
    if (!tensor.is_virtual) all.emplace(tensor.id, tensor);
  };
  if (convolution)
    for (const TensorSpec* tensor : {&convolution->x, &convolution->w, &convolution->y}) add(*tensor);
  for (const Node& node : nodes) {
    for (const TensorSpec& input : node.inputs()) add(input);
    add(node.y);
  }
  if (resample)
    for (const TensorSpec* tensor : {&resample->x, &resample->y}) add(*tensor);
  if (norm) {
    for (const TensorSpec& each : norm->inputs()) add(each);
    for (const TensorSpec& each : norm->outputs()) add(each);
  }
  std::vector<TensorSpec> out;
  for (const auto& [id, tensor] : all) out.push_back(tensor);
  return out;
}

cudnnStatus_t finalize(Descriptor& d) {
  switch (d.type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR: return finalize_tensor(d);
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR: return finalize_window(d);
    case CUDNN_BACKEND_POINTWISE_DESCRIPTOR:
    case CUDNN_BACKEND_REDUCTION_DESCRIPTOR:
    case CUDNN_BACKEND_MATMUL_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR: return finalize_node(d);
    case CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR: return finalize_norm(d);
    case CUDNN_BACKEND_RESAMPLE_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR: return finalize_resample(d);
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR: return finalize_convolution(d);
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR: return finalize_graph(d);
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR: {
      if (const auto status = require(d, {CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_ATTR_ENGINEHEUR_MODE});
          status != CUDNN_STATUS_SUCCESS)
        return status;
      d.graph = d.part(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH).graph;
      if (d.graph == nullptr) return bad("heuristics: not an operation graph", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
      return fault("engines") ? refuse(CUDNN_STATUS_NOT_SUPPORTED, finalize_name, "no engine, on demand")
                              : CUDNN_STATUS_SUCCESS;
    }
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR: return finalize_plan(d);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR: {
      if (const auto status = require(d, {CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
                                          CUDNN_ATTR_VARIANT_PACK_WORKSPACE});
          status != CUDNN_STATUS_SUCCESS)
        return status;
      const auto ids = d.all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
      if (ids.size() != d.all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).size())
        return bad("variant pack: other numbers of ids and of pointers");
      if (std::set<std::int64_t>(ids.begin(), ids.end()).size() != ids.size())
        return bad("variant pack: a unique id twice", CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES);
      return CUDNN_STATUS_SUCCESS;
    }
    default: return bad("a descriptor that only cudnnBackendGetAttribute fills");
  }
}

}  // namespace softgpu::dnn
