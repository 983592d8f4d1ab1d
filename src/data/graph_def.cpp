#include "data/graph_def.hpp"

#include <unordered_map>
#include <vector>

#include "data/event_writer.hpp"
#include "model/graph.hpp"
#include "model/model_state.hpp"

namespace nyala::detail {
namespace {

/// Writes the calls of one model; those of a nested model stand below its name.
class GraphDefWriter {
 public:
  void add_model(const Model& model, const std::string& prefix) {
    const ModelState& state = *model.model_state();
    if (state.outputs.empty()) {
      // What a model of the user's own does with its layers is not known before it runs.
      for (const LayerRef& layer : model.layers()) add(prefix + layer->name(), layer->class_name(), {}, {});
      return;
    }
    std::unordered_map<const GraphNode*, std::string> names;
    for (const KerasTensor& input : state.inputs) {
      names[input.node().get()] = prefix + input.node()->layer->name();
      add(names[input.node().get()], input.node()->layer->class_name(), {}, input.node()->shapes);
    }
    for (const KerasTensor& output : state.outputs) visit(output.node(), prefix, names);
  }

  std::string str() const {
    // versions { producer }
    return ProtoMessage(graph_).message(4, ProtoMessage().integer(1, 1)).str();
  }

 private:
  using Names = std::unordered_map<const GraphNode*, std::string>;

  std::string visit(const std::shared_ptr<GraphNode>& node, const std::string& prefix, Names& names) {
    if (const auto found = names.find(node.get()); found != names.end()) return found->second;
    std::vector<std::string> inputs;
    const auto follow = [&](const KerasTensor& input) {
      const std::string from = visit(input.node(), prefix, names);
      inputs.push_back(input.index() == 0 ? from : from + ":" + std::to_string(input.index()));
    };
    for (const KerasTensor& input : node->inputs) follow(input);
    for (const auto& [keyword, input] : node->keywords) follow(input);
    std::string name = prefix + node->layer->name();
    if (used_[name]++ > 0) name += "_call_" + std::to_string(used_[name]);
    if (const auto* nested = dynamic_cast<const Model*>(node->layer.pointer().get())) add_model(*nested, name + "/");
    add(name, node->layer->class_name(), inputs, node->shapes);
    return names[node.get()] = name;
  }

  void add(const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
           const std::vector<Shape>& shapes) {
    ProtoMessage node;
    node.bytes(1, name).bytes(2, op);
    for (const std::string& input : inputs) node.bytes(3, input);
    ProtoMessage list;
    for (const Shape& shape : shapes) {
      ProtoMessage sizes;
      for (const std::int64_t size : shape) sizes.message(2, ProtoMessage().integer(1, size));
      list.message(7, sizes);
    }
    if (!shapes.empty()) {
      const ProtoMessage value = ProtoMessage().message(1, list);
      node.message(5, ProtoMessage().bytes(1, "_output_shapes").message(2, value));
    }
    graph_.message(1, node);
  }

  ProtoMessage graph_;
  std::unordered_map<std::string, int> used_;
};

}  // namespace

std::string graph_def(const Model& model) {
  GraphDefWriter writer;
  writer.add_model(model, "");
  return writer.str();
}

}  // namespace nyala::detail
