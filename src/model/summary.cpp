#include <algorithm>
#include <cstdio>
#include <iostream>
#include <unordered_map>
#include <unordered_set>

#include <nyala/error.hpp>
#include <nyala/model.hpp>

#include "core/printable.hpp"
#include "model/console.hpp"
#include "model/graph.hpp"
#include "model/layer_state.hpp"
#include "model/model_state.hpp"
#include "model/text_table.hpp"

namespace nyala {

using detail::GraphNode;
using detail::ModelKind;
using detail::ModelState;

namespace {

/// "1,234,567"
std::string grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string memory_size(double bytes) {
  static constexpr const char* units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; unit + 1 < std::size(units) && bytes >= 1024.0; ++unit) bytes /= 1024.0;
  char text[64];
  std::snprintf(text, sizeof text, "%.2f %s", bytes, units[unit]);
  return text;
}

struct Totals {
  std::int64_t count = 0;
  double bytes = 0.0;

  void add(const std::vector<Variable>& variables) {
    std::unordered_set<const void*> seen;
    for (const Variable& variable : variables) {
      if (!seen.insert(variable.impl().get()).second) continue;
      const std::int64_t elements = variable.shape().elements();
      count += elements;
      bytes += static_cast<double>(elements) * static_cast<double>(size_of(variable.dtype()));
    }
  }
  std::string line(const char* what) const {
    return std::string(" ") + what + " params: " + grouped(count) + " (" + memory_size(bytes) + ")\n";
  }
};

using Nodes = std::unordered_map<const Layer*, std::vector<std::shared_ptr<GraphNode>>>;

void collect(const std::shared_ptr<GraphNode>& node, std::unordered_set<const GraphNode*>& seen, Nodes& nodes) {
  if (node == nullptr || !seen.insert(node.get()).second) return;
  for (const KerasTensor& input : node->inputs) collect(input.node(), seen, nodes);
  for (const auto& [name, input] : node->keywords) collect(input.node(), seen, nodes);
  nodes[node->layer.pointer().get()].push_back(node);
}

/// Where each layer is called in the model's graph, in the order of calls.
Nodes nodes_of(const ModelState& state) {
  Nodes nodes;
  std::unordered_set<const GraphNode*> seen;
  // The model's inputs may be places within a larger graph; what lies before them is not its own.
  for (const KerasTensor& input : state.inputs) {
    if (seen.insert(input.node().get()).second) nodes[input.node()->layer.pointer().get()].push_back(input.node());
  }
  for (const KerasTensor& output : state.outputs) collect(output.node(), seen, nodes);
  for (auto& [layer, calls] : nodes) {
    std::sort(calls.begin(), calls.end(), [](const auto& a, const auto& b) { return a->call < b->call; });
  }
  return nodes;
}

/// What a call takes, from within the model: none for the model's inputs.
std::vector<KerasTensor> arguments_of(const ModelState& state, const GraphNode& node) {
  for (const KerasTensor& input : state.inputs) {
    if (input.node().get() == &node) return {};
  }
  std::vector<KerasTensor> arguments = node.inputs;
  for (const auto& [name, input] : node.keywords) arguments.push_back(input);
  return arguments;
}

/// Whether a graph is a plain chain, which needs no column of connections.
bool is_chain(const ModelState& state, const Nodes& nodes) {
  std::unordered_set<const GraphNode*> used;
  for (const auto& [layer, calls] : nodes) {
    if (calls.size() > 1) return false;
    const std::vector<KerasTensor> arguments = arguments_of(state, *calls.front());
    if (arguments.size() > 1) return false;
    for (const KerasTensor& argument : arguments) {
      if (!used.insert(argument.node().get()).second) return false;
    }
  }
  // Every call is used at most once: it is one chain if it has one beginning.
  return state.inputs.size() == 1;
}

std::string shapes_text(const std::vector<Shape>& shapes) {
  if (shapes.size() == 1) return shapes.front().str();
  std::string text;
  for (const Shape& shape : shapes) text += (text.empty() ? "" : ", ") + shape.str();
  return "[" + text + "]";
}

class Summary {
 public:
  Summary(const Model& model, const SummaryOptions& options, bool utf8)
      : state_(*model.model_state()), options_(options), utf8_(utf8), nodes_(nodes_of(state_)) {
    connections_ = state_.kind == ModelKind::graph && !is_chain(state_, nodes_);
    const std::vector<LayerRef> layers = state_.kind == ModelKind::graph ? state_.plan.operations() : model.layers();
    for (const LayerRef& layer : layers) add(layer, nodes_, 0);
  }

  std::string table() const {
    std::vector<double> positions =
        connections_ ? std::vector<double>{0.3, 0.56, 0.74, 1.0} : std::vector<double>{0.45, 0.80, 1.0};
    int length = connections_ ? 108 : 88;
    if (options_.show_trainable) {
      length += 12;
      for (double& position : positions) position *= 0.90;
      positions.push_back(1.0);
    }
    length = options_.line_length > 0 ? options_.line_length : std::min(length, detail::terminal_columns() - 4);
    std::vector<detail::TextColumn> columns{
        {"Layer (type)", 0}, {"Output Shape", 0}, {"Param #", 0, detail::Align::right}};
    if (connections_) columns.push_back({"Connected to", 0});
    if (options_.show_trainable) columns.push_back({"Trainable", 0, detail::Align::center});
    int used = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const int width = static_cast<int>(positions[i] * length) - used;
      if (width < 4) throw Error("summary: " + std::to_string(length) + " columns are too few for the table");
      columns[i].width = static_cast<std::size_t>(width);
      used += width;
    }
    return detail::text_table(columns, rows_, static_cast<std::size_t>(length), utf8_);
  }

 private:
  void add(const LayerRef& layer, const Nodes& nodes, int level) {
    const detail::LayerState& state = detail::state_of(*layer);
    const std::string indent =
        level == 0 ? "" : std::string(static_cast<std::size_t>(level) * 3, ' ') + (utf8_ ? "└ " : "` ");
    std::vector<std::string> row{indent + layer->name() + " (" + layer->class_name() + ")", shape(layer, nodes)};
    const bool built = state.built || state.is_operation || state.is_input;
    row.push_back(built ? grouped(layer->count_params()) : "0 (unbuilt)");
    if (connections_) row.push_back(connections(*layer));
    if (options_.show_trainable) row.push_back(layer->weights().empty() ? "-" : layer->trainable() ? "Y" : "N");
    rows_.push_back(std::move(row));
    const auto* nested = dynamic_cast<const Model*>(layer.pointer().get());
    if (!options_.expand_nested || nested == nullptr) return;
    const Nodes inner = nodes_of(*nested->model_state());
    for (const LayerRef& child : nested->layers()) add(child, inner, level + 1);
  }

  static std::string shape(const LayerRef& layer, const Nodes& nodes) {
    const auto found = nodes.find(layer.pointer().get());
    if (found != nodes.end()) return shapes_text(found->second.back()->shapes);
    const detail::LayerState& state = detail::state_of(*layer);
    if (!state.built || state.build_shapes.empty()) return "?";
    try {
      return shapes_text(layer->compute_output_shapes(state.build_shapes));
    } catch (const Error&) {  // a layer of the user's that runs on other shapes only
      return "?";
    }
  }

  std::string connections(const Layer& layer) const {
    std::string text;
    const auto found = nodes_.find(&layer);
    if (found == nodes_.end()) return "-";
    for (const auto& node : found->second) {
      for (const KerasTensor& input : arguments_of(state_, *node)) {
        text += (text.empty() ? "" : ", ") + input.node()->layer->name() + "[" + std::to_string(input.node()->call) +
                "][" + std::to_string(input.index()) + "]";
      }
    }
    return text.empty() ? "-" : text;
  }

  const ModelState& state_;
  const SummaryOptions& options_;
  bool utf8_, connections_;
  Nodes nodes_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace

std::string Model::summary_text(const SummaryOptions& options) const {
  if (options.line_length < 0) {
    throw Error("summary: line_length must not be negative, got " + std::to_string(options.line_length));
  }
  Totals trainable, others, optimizer_slots;
  trainable.add(trainable_variables());
  others.add(non_trainable_variables());
  const bool optimizer_built = compiled() && optimizer().built();
  if (optimizer_built) optimizer_slots.add(optimizer().variables());
  const Totals all{trainable.count + others.count + optimizer_slots.count,
                   trainable.bytes + others.bytes + optimizer_slots.bytes};
  std::string text = "Model: \"" + name() + "\"\n" + Summary(*this, options, detail::utf8_locale()).table();
  text += all.line("Total") + trainable.line("Trainable") + others.line("Non-trainable");
  if (optimizer_built) text += optimizer_slots.line("Optimizer");
  return detail::printable(text);
}

void Model::summary(const SummaryOptions& options) const { std::cout << summary_text(options) << std::endl; }

}  // namespace nyala
