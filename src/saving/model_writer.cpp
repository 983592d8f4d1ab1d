// Models as class objects.
#include <algorithm>
#include <unordered_map>

#include <nyala/error.hpp>

#include "model/graph.hpp"
#include "model/layer_state.hpp"
#include "model/model_state.hpp"
#include "model/operation.hpp"
#include "model/registry.hpp"
#include "saving/application_layers.hpp"
#include "saving/config_values.hpp"
#include "saving/layer_config.hpp"
#include "saving/private_settings.hpp"

namespace nyala::saving {

namespace {

using detail::GraphNode;
using detail::LayerState;
using detail::ModelKind;

Config shapes_config(const std::vector<Shape>& shapes) {
  if (shapes.size() == 1) return Config(shapes.front());
  Config list = Config::array();
  for (const Shape& shape : shapes) list.push_back(Config(shape));
  return list;
}

Config build_config(const Layer& layer) {
  const LayerState& state = detail::state_of(layer);
  const KerasForm form = layer.keras_form();
  if (state.build_shapes.empty() || form.built_when_made) return {};
  const std::vector<std::string> inputs = detail::split_words(form.inputs);
  if (inputs.size() > 1) {
    Config shapes = Config::object();
    for (std::size_t i = 0; i < std::min(state.build_shapes.size(), inputs.size()); ++i)
      shapes[inputs[i] + "_shape"] = state.build_shapes[i];
    return Config::object({{"shapes_dict", shapes}});
  }
  return Config::object({{"input_shape", shapes_config(state.build_shapes)}});
}

Config model_build_config(const Model& model) {
  const detail::ModelState& state = *model.model_state();
  if (state.kind == ModelKind::graph) return Config::object({{"input_shape", nullptr}});
  if (state.kind == ModelKind::sequential) {
    if (state.inputs.empty()) return {};
    return Config::object({{"input_shape", state.inputs.front().shape()}});
  }
  const std::vector<Shape>& shapes = detail::state_of(model).build_shapes;
  return shapes.empty() ? Config() : Config::object({{"input_shape", shapes_config(shapes)}});
}

Config model_object(const Model& model, Form form, bool outermost) {
  const ModelKind kind = model.model_state()->kind;
  const std::string class_name = model.class_name();
  Config config = kind == ModelKind::subclass ? model.config() : inner_config(model, form);
  const std::string registered = detail::registered_layer_name(class_name);
  if (form == Form::legacy) {
    const bool custom = kind == ModelKind::subclass && !registered.empty();
    return Config::object({{"class_name", custom ? registered : class_name}, {"config", std::move(config)}});
  }
  Config object = Config::object();
  object["module"] = kind == ModelKind::sequential ? Config("keras")
                     : kind == ModelKind::graph    ? Config("keras.src.models.functional")
                                                   : Config();
  object["class_name"] = class_name;
  object["config"] = std::move(config);
  object["registered_name"] = kind == ModelKind::sequential ? Config()
                              : kind == ModelKind::graph    ? Config("Functional")
                                                            : Config(registered.empty() ? class_name : registered);
  const Config build = model_build_config(model);
  if (!build.is_null()) object["build_config"] = build;
  object["compile_config"] = outermost ? compile_config(model) : Config::object();
  if (outermost && model.compiled() && model.model_state()->compiled->masks_weigh) object[masks_weigh] = true;
  return object;
}

/// A graph as Keras writes it.
class GraphWriter {
 public:
  GraphWriter(const Model& model, Form form) : model_(model), state_(*model.model_state()), form_(form) {
    for (const auto& node : state_.plan.nodes()) calls_[node->layer.pointer().get()].push_back(node.get());
    for (auto& [layer, nodes] : calls_) {
      std::sort(nodes.begin(), nodes.end(), [](const auto* a, const auto* b) { return a->call < b->call; });
      for (std::size_t i = 0; i < nodes.size(); ++i) index_[nodes[i]] = static_cast<std::int64_t>(i);
    }
    for (const KerasTensor& input : state_.inputs) index_[input.node().get()] = 0;
  }

  Config config() {
    Config config = Config::object({{"name", model_.name()}, {"trainable", model_.trainable()}});
    Config layers = Config::array();
    for (const LayerRef& layer : state_.plan.operations()) {
      Config object = layer_object(layer, form_, true);
      const auto& own_calls = calls_[layer.pointer().get()];
      if (form_ == Form::keras3 && !own_calls.empty()) add_state_shapes(object, *own_calls.front());
      object["name"] = layer->name();
      Config nodes = Config::array();
      for (const GraphNode* node : own_calls) nodes.push_back(inbound(*node));
      object["inbound_nodes"] = std::move(nodes);
      layers.push_back(std::move(object));
    }
    config["layers"] = std::move(layers);
    config["input_layers"] = ends(state_.input_structure, state_.inputs);
    config["output_layers"] = ends(state_.output_structure, state_.outputs);
    return config;
  }

 private:
  /// Layers that were built with initial states record the shapes of both.
  static void add_state_shapes(Config& object, const GraphNode& first_call) {
    std::vector<Shape> states;
    bool numbered = false;
    for (const auto& [name, tensor] : first_call.keywords) {
      if (name.rfind("initial_state", 0) != 0) continue;
      states.push_back(tensor.shape());
      numbered = name != "initial_state";
    }
    if (states.empty() || !object.contains("build_config")) return;
    Config list = Config::array();
    for (const Shape& state : states) list.push_back(Config(state));
    object["build_config"] = Config::object(
        {{"shapes_dict", Config::object({{"sequences_shape", first_call.inputs.front().shape()},
                                         {"initial_state_shape", numbered ? list : Config(states.front())}})}});
  }

  Config place(const KerasTensor& tensor, bool counts_own_call) const {
    const LayerState& state = detail::state_of(*tensor.node()->layer);
    std::int64_t index = index_.at(tensor.node().get());
    if (counts_own_call && state.is_model) {
      const auto& nested = static_cast<const Model&>(*tensor.node()->layer);
      if (nested.model_state()->kind == ModelKind::graph) ++index;
    }
    return Config::array({tensor.node()->layer->name(), index, tensor.index()});
  }

  Config ends(const Config& structure, const std::vector<KerasTensor>& tensors) const {
    if (structure.is_integer()) return place(tensors[static_cast<std::size_t>(structure.as_integer())], true);
    if (structure.is_array()) {
      Config items = Config::array();
      for (const Config& item : structure.items()) items.push_back(ends(item, tensors));
      return items;
    }
    if (structure.is_object()) {
      Config object = Config::object();
      for (const auto& [name, item] : structure.entries()) object[name] = ends(item, tensors);
      return object;
    }
    if (tensors.size() == 1) return place(tensors.front(), true);
    Config list = Config::array();
    for (const KerasTensor& tensor : tensors) list.push_back(place(tensor, true));
    return list;
  }

  Config tensor_object(const KerasTensor& tensor) const {
    return Config::object({{"class_name", "__keras_tensor__"},
                           {"config", Config::object({{"shape", tensor.shape()},
                                                      {"dtype", name_of(tensor.dtype())},
                                                      {"keras_history", place(tensor, false)}})}});
  }

  Config inbound(const GraphNode& node) const {
    const bool operation = detail::state_of(*node.layer).is_operation;
    Config structure = operation ? node.context.arguments : node.structure;
    if (!structure.is_object() || !structure.contains("args")) structure = usual_structure(node);
    return filled(structure, node);
  }

  Config filled(const Config& value, const GraphNode& node) const {
    if (const auto at = detail::input_place(value)) {
      const std::size_t positional = node.inputs.size();
      return tensor_object(*at < positional ? node.inputs[*at] : node.keywords[*at - positional].second);
    }
    if (const std::string* key = detail::constant_key(value)) return tensor_config(node.context.tensors.at(*key), *key);
    if (value.is_array()) {
      Config items = Config::array();
      for (const Config& item : value.items()) items.push_back(filled(item, node));
      return items;
    }
    if (!value.is_object()) return value;
    Config object = Config::object();
    for (const auto& [key, entry] : value.entries()) object[key] = filled(entry, node);
    return object;
  }

  /// How Python calls such a layer.
  static Config usual_structure(const GraphNode& node) {
    const KerasForm form = node.layer->keras_form();
    const std::size_t count = node.inputs.size();
    std::vector<Config> markers;
    for (std::size_t i = 0; i < count; ++i) markers.push_back(detail::input_marker(i));
    Config args = Config::array(), kwargs = Config::object();
    const bool listed = form.always_listed || (count > 1 && detail::split_words(form.inputs).size() == 1);
    if (listed)
      args.push_back(Config::array(markers));
    else
      for (const Config& marker : markers) args.push_back(marker);
    for (std::size_t i = 0; i < node.keywords.size(); ++i) {
      const std::string& key = node.keywords[i].first;
      const std::size_t digit = key.rfind('_');
      const bool numbered = digit != std::string::npos && digit + 1 < key.size() &&
                            std::all_of(key.begin() + static_cast<std::ptrdiff_t>(digit) + 1, key.end(),
                                        [](char c) { return c >= '0' && c <= '9'; });
      const Config marker = detail::input_marker(count + i);
      if (numbered)
        kwargs[key.substr(0, digit)].push_back(marker);
      else
        kwargs[key] = marker;
    }
    for (const auto& [key, value] : node.context.tensors) kwargs[key] = detail::constant_marker(key);
    if (node.context.arguments.is_object()) {
      for (const auto& [key, value] : node.context.arguments.entries()) kwargs[key] = value;
    }
    const std::vector<std::string> others = detail::split_words(form.others);
    const bool takes_mask = std::find(others.begin(), others.end(), "mask") != others.end();
    if (takes_mask && !kwargs.contains("mask") && !kwargs.contains("initial_state")) {
      kwargs["mask"] = listed ? Config::array(std::vector<Config>(count)) : Config();
    }
    return Config::object({{"args", args}, {"kwargs", kwargs}});
  }

  const Model& model_;
  const detail::ModelState& state_;
  Form form_;
  std::unordered_map<const Layer*, std::vector<const GraphNode*>> calls_;
  std::unordered_map<const GraphNode*, std::int64_t> index_;
};

Config sequential_config(const Model& model, Form form) {
  const detail::ModelState& state = *model.model_state();
  Config config = Config::object({{"name", model.name()}, {"trainable", model.trainable()}});
  config["dtype"] =
      Config::keras_object("keras", "DTypePolicy", Config::object({{"name", model.dtype_policy().name()}}));
  Config layers = Config::array();
  if (!state.inputs.empty()) layers.push_back(layer_object(state.inputs.front().node()->layer, form, true));
  for (const LayerRef& layer : state.sequence) layers.push_back(layer_object(layer, form, true));
  config["layers"] = std::move(layers);
  if (!state.inputs.empty()) config["build_input_shape"] = state.inputs.front().shape();
  return config;
}

}  // namespace

Config inner_config(const Model& model, Form form) {
  switch (model.model_state()->kind) {
    case ModelKind::graph: return GraphWriter(model, form).config();
    case ModelKind::sequential: return sequential_config(model, form);
    case ModelKind::subclass: break;
  }
  return model.config();
}

Config layer_object(const LayerRef& layer, Form form, bool with_build) {
  if (!layer.defined()) return {};
  const std::string name = layer->class_name();
  const LayerState& state = detail::state_of(*layer);
  if (state.is_model) return model_object(static_cast<const Model&>(*layer), form, false);
  Config config;
  try {
    config = layer->config();
  } catch (const Error& error) {
    throw Error("layer \"" + layer->name() + "\" (" + name + "): " + error.what());
  }
  if (state.activity_summed) config[summed_activity] = true;
  const bool builtin = detail::builtin_layer(name) != nullptr || name == "Lambda" || state.is_operation;
  const std::string registered = builtin ? std::string() : detail::registered_layer_name(name);
  if (form == Form::legacy) {
    Config object = Config::object(
        {{"class_name", registered.empty() ? detail::python_name(name) : registered}, {"config", std::move(config)}});
    set_apart(object);
    return object;
  }
  Config object = Config::keras_object("keras.layers", name, std::move(config));
  set_apart(object);
  if (const detail::OperationEntry* operation = detail::operation_of(*layer)) {
    object["module"] = std::string("keras.src.ops.") + operation->module;
    object["registered_name"] = name;
    return object;
  }
  if (!builtin) {
    const char* module = registered.empty() ? application_module(name) : nullptr;
    object["module"] = module == nullptr ? Config() : Config(module);
    object["registered_name"] = registered.empty() ? name : registered;
  }
  if (!with_build) return object;
  const Config build = build_config(*layer);
  if (!build.is_null()) object["build_config"] = build;
  return object;
}

Config model_config(const Model& model, Form form) { return model_object(model, form, true); }

}  // namespace nyala::saving

namespace nyala {

std::string Model::to_json(int indent) const { return saving::model_config(*this).json(indent); }

}  // namespace nyala
