#include "model/graph.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include <nyala/error.hpp>

#include "core/tensor_impl.hpp"
#include "model/layer_state.hpp"
#include "model/operation.hpp"
#include "ops/follow_up.hpp"

namespace nyala {

const Shape& KerasTensor::shape() const {
  if (node_ == nullptr) throw Error("KerasTensor: this is no place in a graph (default-made)");
  return node_->shapes[static_cast<std::size_t>(index_)];
}

DType KerasTensor::dtype() const {
  if (node_ == nullptr) throw Error("KerasTensor: this is no place in a graph (default-made)");
  return node_->dtypes[static_cast<std::size_t>(index_)];
}

LayerRef::LayerRef(const KerasTensor& input) {
  if (!input.defined() || !detail::state_of(*input.node()->layer).is_input) {
    throw Error("LayerRef: of the places in a graph only an Input can stand among layers");
  }
  layer_ = input.node()->layer.pointer();
}

KerasTensor LayerRef::operator()(const KerasTensor& x) const { return (*this)(std::vector<KerasTensor>{x}); }

KerasTensor LayerRef::operator()(const std::vector<KerasTensor>& inputs) const {
  const std::vector<KerasTensor> results = outputs(inputs);
  if (results.size() != 1) {
    throw Error("layer \"" + layer_->name() + "\" has " + std::to_string(results.size()) +
                " outputs; call it by outputs(…)");
  }
  return results.front();
}

std::vector<KerasTensor> LayerRef::outputs(const std::vector<KerasTensor>& inputs, const CallContext& context) const {
  return detail::connect(*this, inputs, context);
}

namespace detail {

GraphNode::~GraphNode() {
  std::vector<std::shared_ptr<GraphNode>> below;
  const auto take = [&](GraphNode& node) {
    for (const KerasTensor& input : node.inputs) below.push_back(input.node());
    for (const auto& [name, tensor] : node.keywords) below.push_back(tensor.node());
    node.inputs.clear();
    node.keywords.clear();
  };
  take(*this);
  while (!below.empty()) {
    const std::shared_ptr<GraphNode> node = std::move(below.back());
    below.pop_back();
    if (node.use_count() == 1) take(*node);
  }
}

std::vector<KerasTensor> connect(const LayerRef& layer, const std::vector<KerasTensor>& inputs,
                                 const CallContext& context,
                                 const std::vector<std::pair<std::string, KerasTensor>>& keywords) {
  if (!layer.defined()) throw Error("LayerRef: this holds no layer");
  auto node = std::make_shared<GraphNode>();
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
  for (const KerasTensor& input : inputs) {
    shapes.push_back(input.shape());
    dtypes.push_back(input.dtype());
  }
  const std::string& name = layer->name();
  node->layer = layer;
  node->inputs = inputs;
  node->keywords = keywords;
  node->context = context;
  try {
    if (state_of(*layer).is_operation) {
      infer_operation(*node, shapes, dtypes);
    } else {
      layer->build_now(shapes);
      node->shapes = layer->compute_output_shapes_with(shapes, context);
      node->dtypes.assign(node->shapes.size(), layer->compute_output_dtype(dtypes));
    }
  } catch (const LayerError&) {
    throw;
  } catch (const Error& error) {
    throw LayerError(name, layer->class_name(), error.what());
  }
  node->call = state_of(*layer).calls++;
  std::vector<KerasTensor> outputs;
  for (std::size_t i = 0; i < node->shapes.size(); ++i) outputs.emplace_back(node, static_cast<int>(i));
  return outputs;
}

namespace {

using NodePointer = std::shared_ptr<GraphNode>;

std::vector<KerasTensor> all_inputs(const GraphNode& node) {
  std::vector<KerasTensor> inputs = node.inputs;
  for (const auto& [name, tensor] : node.keywords) inputs.push_back(tensor);
  return inputs;
}

/// The same as Keras comes across them: arguments by place, then those by keyword in the order of the alphabet.
std::vector<KerasTensor> walked_inputs(const GraphNode& node) {
  const std::vector<KerasTensor> all = all_inputs(node);
  const Config& call = state_of(*node.layer).is_operation ? node.context.arguments : node.structure;
  if (!call.is_object() || !call.contains("args") || !call.contains("kwargs")) return all;
  std::vector<std::size_t> places;
  const auto walk = [&](const auto& self, const Config& value) -> void {
    if (const auto place = input_place(value)) {
      if (std::find(places.begin(), places.end(), *place) == places.end()) places.push_back(*place);
    } else if (value.is_array()) {
      for (const Config& item : value.items()) self(self, item);
    } else if (value.is_object()) {
      std::map<std::string, const Config*> sorted;
      for (const auto& [key, entry] : value.entries()) sorted[key] = &entry;
      for (const auto& [key, entry] : sorted) self(self, *entry);
    }
  };
  walk(walk, call.at("args"));
  walk(walk, call.at("kwargs"));
  std::vector<KerasTensor> inputs;
  for (const std::size_t place : places) {
    if (place < all.size()) inputs.push_back(all[place]);
  }
  return inputs.size() == all.size() ? inputs : all;
}

/// Nodes in an order in which inputs come first, found without recursion (graphs may be thousands deep).
std::vector<NodePointer> ordered(const std::vector<KerasTensor>& inputs, const std::vector<KerasTensor>& outputs) {
  std::unordered_set<const GraphNode*> entries, done, open;
  for (const KerasTensor& input : inputs) entries.insert(input.node().get());
  std::vector<NodePointer> order;
  struct Frame {
    NodePointer node;
    std::vector<KerasTensor> inputs;
    std::size_t next = 0;
  };
  std::vector<Frame> stack;
  const auto enter = [&](const NodePointer& node) {
    if (done.count(node.get()) != 0) return;
    if (entries.count(node.get()) == 0 && all_inputs(*node).empty()) {
      throw Error("Model: the graph is not connected: the output depends on \"" + node->layer->name() +
                  "\", which is not among the inputs");
    }
    open.insert(node.get());
    stack.push_back({node, entries.count(node.get()) != 0 ? std::vector<KerasTensor>() : all_inputs(*node), 0});
  };
  for (const KerasTensor& output : outputs) {
    if (!output.defined()) throw Error("Model: an output is no place in a graph");
    enter(output.node());
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next < top.inputs.size()) {
        const NodePointer next = top.inputs[top.next++].node();
        if (done.count(next.get()) == 0) enter(next);
        continue;
      }
      if (done.insert(top.node.get()).second) order.push_back(top.node);
      stack.pop_back();
    }
  }
  return order;
}

/// Keras' `model.operations`: decreasing depth (longest way to an output), then order of a depth-first walk from the
/// outputs that numbers an operation before it goes down into its inputs.
std::vector<LayerRef> operations_by_depth(const std::vector<NodePointer>& order, const std::vector<KerasTensor>& inputs,
                                          const std::vector<KerasTensor>& outputs) {
  std::unordered_map<const GraphNode*, int> node_depth;
  std::unordered_map<const Layer*, int> layer_depth, layer_index;
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Layer* layer = (*it)->layer.pointer().get();
    int& depth = node_depth[it->get()];
    depth = std::max(depth, layer_depth.count(layer) != 0 ? layer_depth[layer] : 0);
    layer_depth[layer] = std::max(layer_depth[layer], depth);
    for (const KerasTensor& input : all_inputs(**it)) {
      node_depth[input.node().get()] = std::max(node_depth[input.node().get()], depth + 1);
    }
  }
  std::unordered_set<const GraphNode*> seen, entries;
  for (const KerasTensor& input : inputs) entries.insert(input.node().get());
  std::vector<NodePointer> stack;
  for (const KerasTensor& output : outputs) {
    stack.push_back(output.node());
    while (!stack.empty()) {
      const NodePointer node = stack.back();
      stack.pop_back();
      if (!seen.insert(node.get()).second) continue;
      layer_index.emplace(node->layer.pointer().get(), static_cast<int>(layer_index.size()));
      if (entries.count(node.get()) != 0) continue;
      const std::vector<KerasTensor> below = walked_inputs(*node);
      for (auto it = below.rbegin(); it != below.rend(); ++it) stack.push_back(it->node());
    }
  }
  std::vector<LayerRef> layers;
  std::unordered_set<const Layer*> listed;
  for (const KerasTensor& input : inputs) {
    const Layer* layer = input.node()->layer.pointer().get();
    if (layer_index.emplace(layer, -1).second) layer_depth[layer] = 0;
    if (listed.insert(layer).second) layers.push_back(input.node()->layer);
  }
  for (const NodePointer& node : order) {
    if (listed.insert(node->layer.pointer().get()).second) layers.push_back(node->layer);
  }
  std::stable_sort(layers.begin(), layers.end(), [&](const LayerRef& a, const LayerRef& b) {
    const Layer *left = a.pointer().get(), *right = b.pointer().get();
    if (layer_depth[left] != layer_depth[right]) return layer_depth[left] > layer_depth[right];
    return layer_index[left] < layer_index[right];
  });
  return layers;
}

}  // namespace

Plan::Plan(const std::vector<KerasTensor>& inputs, const std::vector<KerasTensor>& outputs) {
  if (inputs.empty()) throw Error("Model: a graph needs at least one input");
  if (outputs.empty()) throw Error("Model: a graph needs at least one output");
  for (const KerasTensor& input : inputs) {
    if (!input.defined()) throw Error("Model: an input is no place in a graph");
  }
  const std::vector<NodePointer> order = ordered(inputs, outputs);
  std::unordered_map<const GraphNode*, std::size_t> first_place;
  const auto reserve = [&](const GraphNode* node) {
    if (first_place.emplace(node, places_).second) places_ += node->shapes.size();
  };
  std::unordered_set<const GraphNode*> entries;
  for (const KerasTensor& input : inputs) {
    entries.insert(input.node().get());
    reserve(input.node().get());
  }
  const auto place = [&](const KerasTensor& tensor) {
    return first_place.at(tensor.node().get()) + static_cast<std::size_t>(tensor.index());
  };
  for (const NodePointer& node : order) {
    if (entries.count(node.get()) != 0) continue;
    reserve(node.get());
    Step step{node, {}, first_place.at(node.get()), {}};
    for (const KerasTensor& input : all_inputs(*node)) step.inputs.push_back(place(input));
    steps_.push_back(std::move(step));
  }
  for (const KerasTensor& input : inputs) input_places_.push_back(place(input));
  for (const KerasTensor& output : outputs) output_places_.push_back(place(output));
  std::vector<bool> needed(places_, false);
  for (const std::size_t output : output_places_) needed[output] = true;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    for (const std::size_t input : step->inputs) {
      if (!needed[input]) step->last_uses.push_back(input);
      needed[input] = true;
    }
  }
  for (const std::size_t input : input_places_) {
    ends_mask_.push_back(std::any_of(steps_.begin(), steps_.end(), [&](const Step& step) {
      for (std::size_t i = 0; i < step.node->inputs.size(); ++i) {
        if (step.inputs[i] == input && step.node->layer->ends_mask(i)) return true;
      }
      return false;
    }));
  }
  find_fusions();
  operations_ = operations_by_depth(order, inputs, outputs);
  layers_ = operations_;
  std::erase_if(layers_, [](const LayerRef& layer) { return state_of(*layer).is_operation; });
  std::map<std::string, const Layer*> names;
  for (const LayerRef& layer : layers_) {
    const auto [found, added] = names.emplace(layer->name(), layer.pointer().get());
    if (!added && found->second != layer.pointer().get()) {
      throw Error("Model: two layers have the name \"" + layer->name() + "\"; names must differ within a model");
    }
  }
}

namespace {

/// A layer that casts its input has a mask of its own to end.
bool takes_mask_off(const Layer& layer, std::size_t input, const Tensor& x) {
  return layer.ends_mask(input) && (state_of(layer).is_model || x.dtype() == layer.compute_dtype());
}

}  // namespace

Tensors Plan::run(const Tensors& inputs, const CallContext& context) const {
  Values values(places_);
  for (std::size_t i = 0; i < input_places_.size(); ++i) values[input_places_[i]] = inputs[i];
  std::vector<bool, PoolAllocator<bool>> done;  // steps whose work a step before has done
  for (std::size_t at = 0; at < steps_.size(); ++at) {
    const Step& step = steps_[at];
    const GraphNode& node = *step.node;
    if (!done.empty() && done[at]) {
      Tensor value = values[step.inputs[step.fused_input]];
      for (const std::size_t last : step.last_uses) values[last] = Tensor();
      values[step.first_output] = std::move(value);
      continue;
    }
    Tensors arguments;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) arguments.push_back(values[step.inputs[i]]);
    const bool plain = node.context.arguments.is_null() && node.context.tensors.empty() && node.keywords.empty();
    Tensors results;
    std::optional<ops::FollowUp> next;
    if (plain && step.fusion && step.fusion->training == context.training)
      next = follow_up(*step.fusion, arguments, values);
    if (next) {
      const ops::OfferFollowUp offer(&*next);
      results = Tensors(node.layer->outputs(arguments, CallContext{.training = context.training}));
      if (next->taken) {
        done.resize(steps_.size());
        const Fusion& fusion = *step.fusion;
        for (const std::size_t other : {fusion.normalization, fusion.sum, fusion.activation}) {
          if (other != none) done[other] = true;
        }
      }
    } else if (plain) {
      results = Tensors(node.layer->outputs(arguments, CallContext{.training = context.training}));
    } else {
      CallContext own = node.context;
      own.training = context.training;
      for (std::size_t i = 0; i < node.keywords.size(); ++i) {
        const Tensor& value = values[step.inputs[node.inputs.size() + i]];
        const std::string& name = node.keywords[i].first;
        if (name.rfind("mask", 0) == 0) {
          const std::size_t place = name == "mask" ? 0 : std::stoul(name.substr(5));
          if (own.masks.size() <= place) own.masks.resize(place + 1);
          own.masks[place] = value;
          if (place == 0) own.tensors["mask"] = value;
        } else {
          own.tensors[name] = value;
        }
      }
      results = node.layer->outputs(arguments, own);
    }
    if (results.size() != node.shapes.size()) {
      throw Error("Model: layer \"" + node.layer->name() + "\" gave " + std::to_string(results.size()) +
                  " outputs where the graph has " + std::to_string(node.shapes.size()));
    }
    arguments = Tensors();
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      Tensor& value = values[step.inputs[i]];
      if (has_mask(value) && takes_mask_off(*node.layer, i, value)) value = value.with_mask({});
    }
    for (const std::size_t last : step.last_uses) values[last] = Tensor();
    for (std::size_t i = 0; i < results.size(); ++i) values[step.first_output + i] = results[i];
  }
  Tensors outputs;
  for (const std::size_t place : output_places_) outputs.push_back(values[place]);
  return outputs;
}

std::vector<Shape> Plan::shapes(const std::vector<Shape>& inputs) const {
  std::vector<Shape> values(places_);
  for (std::size_t i = 0; i < input_places_.size(); ++i) values[input_places_[i]] = inputs[i];
  for (const Step& step : steps_) {
    std::vector<Shape> arguments;
    for (std::size_t i = 0; i < step.node->inputs.size(); ++i) arguments.push_back(values[step.inputs[i]]);
    const bool operation = state_of(*step.node->layer).is_operation;
    const std::vector<Shape> results =
        operation ? operation_shapes(*step.node, arguments)
                  : step.node->layer->compute_output_shapes_with(arguments, step.node->context);
    for (std::size_t i = 0; i < results.size(); ++i) values[step.first_output + i] = results[i];
  }
  std::vector<Shape> outputs;
  for (const std::size_t place : output_places_) outputs.push_back(values[place]);
  return outputs;
}

std::vector<std::shared_ptr<GraphNode>> Plan::nodes() const {
  std::vector<std::shared_ptr<GraphNode>> nodes;
  for (const Step& step : steps_) nodes.push_back(step.node);
  return nodes;
}

}  // namespace detail

}  // namespace nyala
