#include <algorithm>
#include <cmath>

#include "dnn/graph.hpp"
#include "runtime/product.hpp"

// Operations that are no convolutions: what they must fulfil to be finalized, and what they compute, one after the
// other on whole tensors, rounding to the type of each.

namespace softgpu::dnn {
namespace {

const TensorSpec& tensor_of(const Descriptor& d, cudnnBackendAttributeName_t name) { return d.part(name).tensor; }

/// Whether the parts of an operation are a descriptor of how it computes, and tensors.
cudnnStatus_t check_parts(const Descriptor& d, cudnnBackendDescriptorType_t how) {
  int functions = 0;
  for (const auto& [part, serial] : d.parts) {
    if (part->type == how && how != CUDNN_BACKEND_TENSOR_DESCRIPTOR)
      ++functions;
    else if (part->type != CUDNN_BACKEND_TENSOR_DESCRIPTOR)
      return bad("operation: a tensor is another descriptor", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  }
  if (functions != (how == CUDNN_BACKEND_TENSOR_DESCRIPTOR ? 0 : 1))
    return bad("operation: what says how to compute is another descriptor", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t mismatch(const std::string& why) { return bad(why, CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH); }

int operands_of(cudnnPointwiseMode_t mode) {
  switch (mode) {
    case CUDNN_POINTWISE_ADD:
    case CUDNN_POINTWISE_MUL:
    case CUDNN_POINTWISE_DIV:
    case CUDNN_POINTWISE_SUB:
    case CUDNN_POINTWISE_CMP_GE: return 2;
    case CUDNN_POINTWISE_BINARY_SELECT: return 3;
    default: return 1;
  }
}

cudnnStatus_t finalize_pointwise(Descriptor& d) {
  if (const auto status = require(d, {CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR,
                                      CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_ATTR_OPERATION_POINTWISE_YDESC});
      status != CUDNN_STATUS_SUCCESS)
    return status;
  if (const auto status = check_parts(d, CUDNN_BACKEND_POINTWISE_DESCRIPTOR); status != CUDNN_STATUS_SUCCESS)
    return status;
  const Descriptor& function = d.part(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
  Node& node = d.node;
  node.mode = function.one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
  node.x = tensor_of(d, CUDNN_ATTR_OPERATION_POINTWISE_XDESC);
  node.y = tensor_of(d, CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
  const int operands = operands_of(node.mode);
  if (d.has(CUDNN_ATTR_OPERATION_POINTWISE_BDESC) != (operands >= 2))
    return bad("pointwise: a second operand is there that the mode has not, or the other way round");
  if (d.has(CUDNN_ATTR_OPERATION_POINTWISE_TDESC) != (operands == 3))
    return bad("pointwise: a condition is there that the mode has not, or the other way round");
  if (operands >= 2) node.b = tensor_of(d, CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
  if (operands == 3) node.condition = tensor_of(d, CUDNN_ATTR_OPERATION_POINTWISE_TDESC);
  for (const TensorSpec& input : node.inputs()) {
    if (input.dimensions.size() != node.x.dimensions.size()) return mismatch("pointwise: operands of different ranks");
    for (std::size_t i = 0; i < input.dimensions.size(); ++i)
      if (input.dimensions[i] != 1 && input.dimensions[i] != node.x.dimensions[i])
        return mismatch("pointwise: operands that do not broadcast");
  }
  if (node.x.dimensions != node.y.dimensions) return mismatch("pointwise: x and y of different shapes");
  const bool index = node.mode == CUDNN_POINTWISE_GEN_INDEX;
  if (function.has(CUDNN_ATTR_POINTWISE_AXIS) != index)
    return bad("pointwise: an axis belongs to GEN_INDEX, and only there");
  if (index) {
    const std::int64_t axis = function.one<std::int64_t>(CUDNN_ATTR_POINTWISE_AXIS);
    if (axis < 0 || axis >= static_cast<std::int64_t>(node.x.dimensions.size()))
      return bad("pointwise: an axis that the tensor has not");
    node.axis = static_cast<std::size_t>(axis);
  }
  const bool compares = node.mode == CUDNN_POINTWISE_CMP_GE;
  if (compares != (node.y.type == CUDNN_DATA_BOOLEAN) || index != (node.y.type == CUDNN_DATA_INT32) ||
      (node.condition && node.condition->type != CUDNN_DATA_BOOLEAN))
    return bad("pointwise: truth values and indices are of BOOLEAN and INT32, and nothing else is");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_reduction(Descriptor& d) {
  if (const auto status = require(d, {CUDNN_ATTR_OPERATION_REDUCTION_DESC, CUDNN_ATTR_OPERATION_REDUCTION_XDESC,
                                      CUDNN_ATTR_OPERATION_REDUCTION_YDESC});
      status != CUDNN_STATUS_SUCCESS)
    return status;
  if (const auto status = check_parts(d, CUDNN_BACKEND_REDUCTION_DESCRIPTOR); status != CUDNN_STATUS_SUCCESS)
    return status;
  Node& node = d.node;
  node.kind = Node::Kind::reduction;
  node.reduction =
      d.part(CUDNN_ATTR_OPERATION_REDUCTION_DESC).one<cudnnReduceTensorOp_t>(CUDNN_ATTR_REDUCTION_OPERATOR);
  node.x = tensor_of(d, CUDNN_ATTR_OPERATION_REDUCTION_XDESC);
  node.y = tensor_of(d, CUDNN_ATTR_OPERATION_REDUCTION_YDESC);
  if (node.x.dimensions.size() != node.y.dimensions.size()) return mismatch("reduction: x and y of different ranks");
  for (std::size_t i = 0; i < node.x.dimensions.size(); ++i)
    if (node.x.dimensions[i] % node.y.dimensions[i] != 0)
      return mismatch("reduction: a dimension of x is no multiple of y's");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_matmul(Descriptor& d) {
  if (const auto status = require(d, {CUDNN_ATTR_OPERATION_MATMUL_DESC, CUDNN_ATTR_OPERATION_MATMUL_ADESC,
                                      CUDNN_ATTR_OPERATION_MATMUL_BDESC, CUDNN_ATTR_OPERATION_MATMUL_CDESC});
      status != CUDNN_STATUS_SUCCESS)
    return status;
  if (const auto status = check_parts(d, CUDNN_BACKEND_MATMUL_DESCRIPTOR); status != CUDNN_STATUS_SUCCESS)
    return status;
  Node& node = d.node;
  node.kind = Node::Kind::matmul;
  node.x = tensor_of(d, CUDNN_ATTR_OPERATION_MATMUL_ADESC);
  node.b = tensor_of(d, CUDNN_ATTR_OPERATION_MATMUL_BDESC);
  node.y = tensor_of(d, CUDNN_ATTR_OPERATION_MATMUL_CDESC);
  const auto &a = node.x.dimensions, &b = node.b->dimensions, &c = node.y.dimensions;
  const std::size_t rank = a.size();
  if (b.size() != rank || c.size() != rank) return mismatch("matmul: operands of different ranks");
  if (a[rank - 1] != b[rank - 2] || c[rank - 2] != a[rank - 2] || c[rank - 1] != b[rank - 1])
    return mismatch("matmul: shapes that do not multiply");
  for (std::size_t i = 0; i + 2 < rank; ++i)
    if (c[i] != std::max(a[i], b[i]) || c[i] % a[i] != 0 || c[i] % b[i] != 0)
      return mismatch("matmul: batches that do not fit");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finalize_reshape(Descriptor& d) {
  if (const auto status = require(d, {CUDNN_ATTR_OPERATION_RESHAPE_XDESC, CUDNN_ATTR_OPERATION_RESHAPE_YDESC});
      status != CUDNN_STATUS_SUCCESS)
    return status;
  if (const auto status = check_parts(d, CUDNN_BACKEND_TENSOR_DESCRIPTOR); status != CUDNN_STATUS_SUCCESS)
    return status;
  Node& node = d.node;
  node.kind = Node::Kind::reshape;
  node.x = tensor_of(d, CUDNN_ATTR_OPERATION_RESHAPE_XDESC);
  node.y = tensor_of(d, CUDNN_ATTR_OPERATION_RESHAPE_YDESC);
  if (extent(node.x) / size_of(node.x.type) != extent(node.y) / size_of(node.y.type))
    return mismatch("reshape: x and y cover other stretches of memory");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t float_only(const Descriptor& d, cudnnBackendAttributeName_t precision) {
  if (d.one<cudnnDataType_t>(precision) == CUDNN_DATA_FLOAT) return CUDNN_STATUS_SUCCESS;
  return bad("operation: another compute type than FLOAT", CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
}

using Floats = std::vector<float>;

std::int64_t count_of(const std::vector<std::int64_t>& dimensions) {
  std::int64_t count = 1;
  for (const std::int64_t size : dimensions) count *= size;
  return count;
}

/// Places in a tensor's memory, for the elements of (a multiple of) its shape in row-major order. Where the shape has
/// more, neighbours share one.
std::vector<std::int64_t> places(const TensorSpec& tensor, const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(count_of(shape)));
  for (std::size_t i = 0; i < out.size(); ++i) {
    auto rest = static_cast<std::int64_t>(i);
    for (std::size_t axis = shape.size(); axis-- > 0; rest /= shape[axis])
      out[i] += rest % shape[axis] * tensor.dimensions[axis] / shape[axis] * tensor.strides[axis];
  }
  return out;
}

/// All tensors while a graph runs, each in its own memory's order.
class Values {
 public:
  explicit Values(const Operands& operands) : operands_(operands) {}

  const Floats& of(const TensorSpec& tensor) {
    if (const auto found = values_.find(tensor.id); found != values_.end()) return found->second;
    if (tensor.is_by_value) return values_[tensor.id] = {operands_.numbers.at(tensor.id)};
    Floats read(elements(tensor));
    const void* memory = operands_.memory.at(tensor.id);
    for (const std::int64_t place : places(tensor, tensor.dimensions))
      read[static_cast<std::size_t>(place)] = load<float>(cuda_type(tensor.type), memory, place);
    return values_[tensor.id] = std::move(read);
  }
  /// For the elements of (a multiple of) its shape, row-major.
  Floats spread(const TensorSpec& tensor, const std::vector<std::int64_t>& shape) {
    const Floats& from = of(tensor);
    Floats out;
    for (const std::int64_t place : places(tensor, shape)) out.push_back(from[static_cast<std::size_t>(place)]);
    return out;
  }
  /// From row-major order, rounded.
  void put(const TensorSpec& tensor, const Floats& values) {
    Floats kept(elements(tensor));
    const std::vector<std::int64_t> at = places(tensor, tensor.dimensions);
    for (std::size_t i = 0; i < values.size(); ++i) kept[static_cast<std::size_t>(at[i])] = rounded(tensor, values[i]);
    if (!tensor.is_virtual) {
      for (const std::int64_t place : at)
        store(cuda_type(tensor.type), operands_.memory.at(tensor.id), place, kept[static_cast<std::size_t>(place)]);
    }
    values_[tensor.id] = std::move(kept);
  }
  /// The same memory, seen otherwise.
  void put_memory(const TensorSpec& tensor, Floats memory) {
    for (float& value : memory) value = rounded(tensor, value);
    values_[tensor.id] = std::move(memory);
  }

 private:
  static std::size_t elements(const TensorSpec& tensor) { return extent(tensor) / size_of(tensor.type); }
  static float rounded(const TensorSpec& tensor, float value) {
    if (tensor.type != CUDNN_DATA_HALF && tensor.type != CUDNN_DATA_BFLOAT16) return value;
    float room = 0.0F;
    store(cuda_type(tensor.type), &room, 0, value);
    return load<float>(cuda_type(tensor.type), &room, 0);
  }

  const Operands& operands_;
  std::map<std::int64_t, Floats> values_;
};

float applied(cudnnPointwiseMode_t mode, float x, float b) {
  switch (mode) {
    case CUDNN_POINTWISE_ADD: return x + b;
    case CUDNN_POINTWISE_MUL: return x * b;
    case CUDNN_POINTWISE_DIV: return x / b;
    case CUDNN_POINTWISE_SUB: return x - b;
    case CUDNN_POINTWISE_EXP: return std::exp(x);
    case CUDNN_POINTWISE_LOG: return std::log(x);
    case CUDNN_POINTWISE_CMP_GE: return x >= b ? 1.0F : 0.0F;
    default: return x;
  }
}

void run_pointwise(const Node& node, Values& values) {
  const auto& shape = node.y.dimensions;
  Floats out = values.spread(node.x, shape);
  if (node.mode == CUDNN_POINTWISE_GEN_INDEX) {
    std::int64_t inner = 1;
    for (std::size_t axis = node.axis + 1; axis < shape.size(); ++axis) inner *= shape[axis];
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<float>(static_cast<std::int64_t>(i) / inner % shape[node.axis]);
    return values.put(node.y, out);
  }
  const Floats b = node.b ? values.spread(*node.b, shape) : Floats(out.size());
  if (node.condition) {
    const Floats condition = values.spread(*node.condition, shape);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = condition[i] != 0.0F ? out[i] : b[i];
  } else {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = applied(node.mode, out[i], b[i]);
  }
  values.put(node.y, out);
}

void run_reduction(const Node& node, Values& values) {
  const Floats x = values.spread(node.x, node.x.dimensions);
  TensorSpec packed = node.y;
  std::int64_t stride = 1;
  for (std::size_t axis = packed.strides.size(); axis-- > 0; stride *= packed.dimensions[axis])
    packed.strides[axis] = stride;
  const std::vector<std::int64_t> to = places(packed, node.x.dimensions);
  Floats out(static_cast<std::size_t>(count_of(node.y.dimensions)),
             node.reduction == CUDNN_REDUCE_TENSOR_MAX ? -INFINITY : 0.0F);
  for (std::size_t i = 0; i < x.size(); ++i) {
    float& term = out[static_cast<std::size_t>(to[i])];
    term = node.reduction == CUDNN_REDUCE_TENSOR_MAX ? std::max(term, x[i]) : term + x[i];
  }
  values.put(node.y, out);
}

void run_matmul(const Node& node, Values& values) {
  const auto& shape = node.y.dimensions;
  const std::size_t rank = shape.size();
  std::vector<std::int64_t> a_shape = shape, b_shape = shape;
  const std::int64_t inner = node.x.dimensions[rank - 1];
  a_shape[rank - 1] = b_shape[rank - 2] = inner;
  const Floats a = values.spread(node.x, a_shape), b = values.spread(*node.b, b_shape);
  const std::int64_t rows = shape[rank - 2], columns = shape[rank - 1];
  Floats out(static_cast<std::size_t>(count_of(shape)));
  for (std::int64_t i = 0; i < count_of(shape) / (rows * columns); ++i)
    product(columns, rows, inner, b.data() + i * inner * columns, a.data() + i * rows * inner,
            out.data() + i * rows * columns);
  values.put(node.y, out);
}

}  // namespace

cudnnStatus_t finalize_node(Descriptor& d) {
  switch (d.type) {
    case CUDNN_BACKEND_POINTWISE_DESCRIPTOR:
      return require(d, {CUDNN_ATTR_POINTWISE_MODE, CUDNN_ATTR_POINTWISE_MATH_PREC});
    case CUDNN_BACKEND_REDUCTION_DESCRIPTOR: {
      const auto status = require(d, {CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_ATTR_REDUCTION_COMP_TYPE});
      return status == CUDNN_STATUS_SUCCESS ? float_only(d, CUDNN_ATTR_REDUCTION_COMP_TYPE) : status;
    }
    case CUDNN_BACKEND_MATMUL_DESCRIPTOR: {
      const auto status = require(d, {CUDNN_ATTR_MATMUL_COMP_TYPE});
      return status == CUDNN_STATUS_SUCCESS ? float_only(d, CUDNN_ATTR_MATMUL_COMP_TYPE) : status;
    }
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR: return finalize_pointwise(d);
    case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR: return finalize_reduction(d);
    case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR: return finalize_matmul(d);
    default: return finalize_reshape(d);
  }
}

void execute_nodes(const std::vector<Node>& nodes, const Operands& operands) {
  Values values(operands);
  for (const Node& node : nodes) {
    switch (node.kind) {
      case Node::Kind::pointwise: run_pointwise(node, values); break;
      case Node::Kind::reduction: run_reduction(node, values); break;
      case Node::Kind::matmul: run_matmul(node, values); break;
      case Node::Kind::reshape: values.put_memory(node.y, values.of(node.x)); break;
    }
  }
}

}  // namespace softgpu::dnn
