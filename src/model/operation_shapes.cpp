// The shapes and dtypes that an operation in a graph gives.
#include <algorithm>

#include <nyala/autograd.hpp>
#include <nyala/error.hpp>

#include "model/operation.hpp"
#include "model/unknown_sizes.hpp"

namespace nyala::detail {

namespace {

struct Inferred {
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
};

Inferred run_on(const GraphNode& node, const std::vector<Shape>& shapes, const std::vector<DType>& dtypes,
                std::int64_t unknown, bool identity) {
  const StopRecording stop;
  Tensors inputs;
  std::int64_t elements = 0;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const Shape shape = with_unknown(shapes[i], unknown);
    elements += shape.elements();
    if (elements > max_probe_elements || elements < 0) {
      throw Error("an input of shape " + shapes[i].str() + " is too large");
    }
    if (identity && shape.rank() >= 2 && i == 0)
      inputs.push_back(broadcast_to(eye(shape.at(-2), shape.at(-1), 0, dtypes[i]), shape));
    else
      inputs.push_back(zeros(shape, dtypes[i]));
  }
  Inferred result;
  for (const Tensor& output : node.layer->call_with(inputs, node.context)) {
    result.shapes.push_back(output.shape());
    result.dtypes.push_back(output.dtype());
  }
  return result;
}

/// Two sizes for what is unknown: what differs in the outputs is unknown there. Small ones first; some operations
/// (an index, a division into parts) need larger ones.
Inferred probe(const GraphNode& node, const std::vector<Shape>& shapes, const std::vector<DType>& dtypes,
               bool identity) {
  const bool known = std::all_of(shapes.begin(), shapes.end(), [](const Shape& shape) { return shape.known(); });
  if (known) return run_on(node, shapes, dtypes, 1, identity);
  const auto with = [&](std::int64_t one, std::int64_t other) {
    Inferred result = run_on(node, shapes, dtypes, one, identity);
    if (!mark_unknown(result.shapes, run_on(node, shapes, dtypes, other, identity).shapes))
      throw Error("the rank of an output is not fixed");
    return result;
  };
  const auto as_one = [&] {
    // The unknown axis meets a known one, and gives way to it; what stays 1 may be anything.
    Inferred result = run_on(node, shapes, dtypes, 1, identity);
    for (Shape& shape : result.shapes) {
      for (std::int64_t& size : shape) size = size == 1 ? None : size;
    }
    return result;
  };
  try {
    return with(2, 3);
  } catch (const Error&) {}
  try {
    return with(120, 240);
  } catch (const Error&) {
    try {
      return as_one();
    } catch (const Error&) {}
    throw;
  }
}

Shape broadcast_shape(const std::vector<Shape>& shapes) {
  std::size_t rank = 0;
  for (const Shape& shape : shapes) rank = std::max(rank, shape.size());
  Shape result;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    std::int64_t size = 1;
    for (const Shape& shape : shapes) {
      if (axis + shape.size() < rank) continue;
      const std::int64_t own = shape[axis + shape.size() - rank];
      if (own == 1 || own == size) continue;
      if (size != 1 && size != None && own != None)
        throw Error("the shapes " + shapes.front().str() + " and " + shape.str() + " do not broadcast");
      if (size == 1 || own != None) size = own;
    }
    result.push_back(size);
  }
  return result;
}

Inferred elementwise(const GraphNode& node, const std::vector<Shape>& shapes, const std::vector<DType>& dtypes) {
  std::vector<Shape> ones, all = shapes;
  for (const Shape& shape : shapes) ones.push_back(Shape(std::vector<std::int64_t>(shape.size(), 1)));
  Inferred result = run_on(node, ones, dtypes, 1, false);
  if (result.shapes.size() == 1) {
    // What is left over from constants.
    all.push_back(result.shapes.front());
    result.shapes.front() = broadcast_shape(all);
  }
  return result;
}

Inferred infer(const GraphNode& node, const std::vector<Shape>& shapes, const std::vector<DType>& dtypes) {
  const OperationEntry& entry = *operation_of(*node.layer);
  if (entry.rule == ShapeRule::newshape && shapes.size() == 1 && !shapes.front().known()) {
    const Shape asked = node.layer->config().get("newshape").as_shape();
    if (std::all_of(asked.begin(), asked.end(), [](std::int64_t size) { return size >= 0; })) return {{asked}, dtypes};
  }
  if (entry.rule == ShapeRule::elementwise) return elementwise(node, shapes, dtypes);
  return probe(node, shapes, dtypes, entry.rule == ShapeRule::probe_identity);
}

}  // namespace

void infer_operation(GraphNode& node, const std::vector<Shape>& shapes, const std::vector<DType>& dtypes) {
  Inferred result = infer(node, shapes, dtypes);
  node.shapes = std::move(result.shapes);
  node.dtypes = std::move(result.dtypes);
}

std::vector<Shape> operation_shapes(const GraphNode& node, const std::vector<Shape>& shapes) {
  std::vector<DType> dtypes;
  for (const KerasTensor& input : node.inputs) dtypes.push_back(input.dtype());
  return infer(node, shapes, dtypes).shapes;
}

}  // namespace nyala::detail
