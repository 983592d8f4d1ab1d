#include <regex>

#include "dnn/graph.hpp"

// Which graphs are attention, and which of them the engines take: heads of up to 128 numbers, a multiple of 8, in half
// precision, by compute capability and version of the library.

namespace softgpu::dnn {
namespace {

std::string name_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::reduction: return node.reduction == CUDNN_REDUCE_TENSOR_MAX ? "max " : "sum ";
    case Node::Kind::matmul: return "matmul ";
    case Node::Kind::reshape: return "reshape ";
    case Node::Kind::pointwise: break;
  }
  switch (node.mode) {
    case CUDNN_POINTWISE_ADD: return "add ";
    case CUDNN_POINTWISE_MUL: return "mul ";
    case CUDNN_POINTWISE_DIV: return "div ";
    case CUDNN_POINTWISE_SUB: return "sub ";
    case CUDNN_POINTWISE_EXP: return "exp ";
    case CUDNN_POINTWISE_LOG: return "log ";
    case CUDNN_POINTWISE_IDENTITY: return "identity ";
    case CUDNN_POINTWISE_CMP_GE: return "ge ";
    case CUDNN_POINTWISE_GEN_INDEX: return "index ";
    case CUDNN_POINTWISE_BINARY_SELECT: return "select ";
    default: return "other ";
  }
}

bool is_half(const TensorSpec& tensor) { return tensor.type == CUDNN_DATA_HALF || tensor.type == CUDNN_DATA_BFLOAT16; }

bool sized(const TensorSpec& tensor, const std::vector<std::int64_t>& dimensions) {
  return tensor.dimensions == dimensions;
}

/// Whether an engine knows these types, shapes and strides.
bool known(const AttentionGraph& g) {
  const auto& query = g.query.dimensions;
  const std::int64_t batch = query[0], heads = query[1], rows = query[2], dim = query[3];
  const std::int64_t columns = g.key.dimensions[3], width = g.out.dimensions[3];
  const std::int64_t groups = g.key.dimensions[1];
  const std::vector<std::int64_t> value = g.backward ? std::vector<std::int64_t>{batch, groups, width, columns}
                                                     : std::vector<std::int64_t>{batch, groups, columns, width};
  if (!sized(g.key, {batch, groups, dim, columns}) || !sized(g.value, value) ||
      !sized(g.out, {batch, heads, rows, width}) || heads % groups != 0)
    return false;
  for (const TensorSpec* tensor : {&g.query, &g.key, &g.value, &g.out})
    if (!is_half(*tensor) || tensor->type != g.query.type || tensor->alignment < 16) return false;
  if (g.query.strides[3] != 1 || g.key.strides[2] != 1 || g.value.strides[g.backward ? 2 : 3] != 1 ||
      g.out.strides[3] != 1)
    return false;
  if (g.bias) {
    const auto& bias = g.bias->dimensions;
    if (g.bias->type != g.query.type || (bias[0] != 1 && bias[0] != batch) || (bias[1] != 1 && bias[1] != heads) ||
        bias[2] != rows || bias[3] != columns)
      return false;
  }
  for (const TensorSpec& tensor : g.floats)
    if (tensor.type != CUDNN_DATA_FLOAT || tensor.dimensions[0] != batch || tensor.dimensions[2] != rows) return false;
  return dim % 8 == 0 && dim <= 128 && width % 8 == 0 && width <= 128;
}

}  // namespace

std::optional<AttentionGraph> attention_of(const std::vector<Node>& nodes) {
  static const std::regex forward("matmul mul (add )?(index index ge select )?max sub exp sum (log add )?div matmul ");
  static const std::regex backward(
      "mul sum mul matmul mul (add )?sub (index index ge select )?exp reshape matmul (sum )?"
      "matmul sub mul mul reshape matmul (sum )?reshape matmul identity ");
  std::string names;
  for (const Node& node : nodes) names += name_of(node);
  AttentionGraph graph;
  if (std::regex_match(names, forward)) {
    graph.query = nodes[0].x;
    graph.key = *nodes[0].b;
    graph.value = *nodes.back().b;
    graph.out = nodes.back().y;
    if (!is_half(nodes.back().x) || nodes.back().x.type != graph.query.type) return std::nullopt;
  } else if (std::regex_match(names, backward)) {
    graph.backward = true;
    std::vector<const Node*> products;
    for (const Node& node : nodes)
      if (node.kind == Node::Kind::matmul) products.push_back(&node);
    graph.query = products[0]->x;
    graph.key = *products[0]->b;
    graph.value = *products[2]->b;
    graph.out = *nodes[0].b;
  } else {
    return std::nullopt;
  }
  for (const Node& node : nodes) {
    const bool pointwise = node.kind == Node::Kind::pointwise;
    if (pointwise && node.mode == CUDNN_POINTWISE_ADD && node.b && !node.b->is_virtual) graph.bias = node.b;
    for (const TensorSpec& tensor : {node.x, node.y})
      if (!tensor.is_virtual && !tensor.is_by_value && !is_half(tensor)) graph.floats.push_back(tensor);
  }
  return graph;
}

std::optional<std::int64_t> plan_attention(Engine engine, const Graph& graph) {
  const AttentionGraph g = *attention_of(graph.nodes);
  const std::int64_t rows = g.query.dimensions[2], columns = g.key.dimensions[3], dim = g.query.dimensions[3];
  const long version = setting("cudnn");
  if (!known(g) || setting("capability") < 80 || version == 91000 || version == 91001) return std::nullopt;
  if (g.backward && rows == 1 && columns == 1) return std::nullopt;
  // These versions take it all the same, and compute something else.
  if (g.backward && version <= 91500 && columns % 128 != 0)
    wrong(CUDNN_STATUS_BAD_PARAM, "cudnnBackendFinalize", "attention: a backward that this version does wrong");
  if (engine == Engine::wide_attention && (dim % 64 != 0 || g.out.dimensions[3] != dim)) return std::nullopt;
  return g.backward ? 4096 : 0;
}

}  // namespace softgpu::dnn
