// Graphs of layers from the `config` of a Functional: Keras 3's nodes of args and kwargs, and the lists before them.
#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include <nyala/error.hpp>
#include <nyala/layers/input_layer.hpp>

#include "model/graph.hpp"
#include "model/layer_state.hpp"
#include "model/model_state.hpp"
#include "model/operation.hpp"
#include "saving/config_values.hpp"
#include "saving/layer_config.hpp"
#include "saving/layer_dialect.hpp"
#include "saving/old_operations.hpp"

namespace nyala::saving {

namespace {

struct Reference {
  std::size_t layer = 0;
  std::int64_t call = 0, output = 0;
};

/// One call, as the file has it: markers stand for the tensors.
struct Call {
  Config structure;
  std::vector<Reference> references;
  std::map<std::string, Tensor> constants;
  bool listed = false;  // in the form of lists
};

struct Member {
  std::string name;
  std::string class_name;
  LayerRef layer;
  Config old_function;  // of TFOpLambda and SlicingOpLambda
  bool is_operation = false, is_nested_model = false, is_functional = false;
  Config operation_config;
  std::vector<Call> calls;
  std::vector<std::vector<KerasTensor>> outputs;  // per call done
  std::int64_t first_call = 0;                    // the index that references give the first call
};

bool is_triple(const Config& value) {
  return value.is_array() && value.size() >= 3 && value[0].is_string() && value[1].is_integer() &&
         value[2].is_integer();
}

class Reader {
 public:
  explicit Reader(const Config& config) : config_(config) {}

  Model read() {
    make_members();
    for (std::size_t i = 0; i < members_.size(); ++i) read_calls(i);
    number_nested_models();
    connect_all();
    std::vector<KerasTensor> inputs, outputs;
    Config input_structure = leaves(config_.at("input_layers"), "input_layers", inputs, 0);
    Config output_structure = leaves(config_.at("output_layers"), "output_layers", outputs, 0);
    Model model(inputs, outputs, {.name = config_.get("name", "")});
    model.model_state()->input_structure = std::move(input_structure);
    model.model_state()->output_structure = std::move(output_structure);
    if (!config_.get("trainable", true)) model.set_trainable(false);
    return model;
  }

 private:
  void make_members() {
    refuse_unknown_keys("Functional", config_,
                        Config::object({{"name", {}},
                                        {"trainable", {}},
                                        {"dtype", {}},
                                        {"layers", {}},
                                        {"input_layers", {}},
                                        {"output_layers", {}}}));
    for (const Config& object : config_.at("layers").items()) {
      Member member;
      if (!object.is_object()) throw Error("layers: an object was expected, got " + object.json().substr(0, 80));
      member.class_name = object.at("class_name").as_string();
      const Config& inner = object.get("config");
      const Config& name = object.contains("name") || !inner.is_object() ? object.at("name") : inner.at("name");
      member.name = name.as_string();
      try {
        make_layer(object, member);
      } catch (const Error& error) {
        throw Error(place_of(object) + ": " + error.what());
      }
      if (!places_.emplace(member.name, members_.size()).second)
        throw Error("layers: two have the name \"" + member.name + "\"; names must differ within a model");
      members_.push_back(std::move(member));
    }
  }

  static bool means_operation(const Config& object, const std::string& class_name) {
    const Config& module = object.get("module");
    if (module.is_string() && module.as_string().find(".ops") != std::string::npos) return true;
    if (module.is_string() && module.as_string() != "builtins") return false;
    const Config& config = object.get("config");
    return detail::find_operation(class_name) != nullptr && config.is_object() && !config.contains("trainable");
  }

  static void make_layer(const Config& object, Member& member) {
    const std::string& class_name = member.class_name;
    if (is_old_operation(class_name)) {
      member.is_operation = true;
      member.old_function = class_name == "SlicingOpLambda" && !object.at("config").contains("function")
                                ? Config("__operators__.getitem")
                                : object.at("config").at("function");
      check_old_function(member.old_function.as_string());
      return;
    }
    if (means_operation(object, class_name)) {
      member.is_operation = true;
      member.operation_config = plain(object.get("config"));
      member.layer = detail::make_operation(class_name, member.operation_config);
      return;
    }
    member.layer = layer_from_config(object);
    const detail::LayerState& state = detail::state_of(*member.layer);
    member.is_nested_model = state.is_model;
    if (state.is_model) {
      member.is_functional = static_cast<const Model&>(*member.layer).model_state()->kind == detail::ModelKind::graph;
    }
    if (state.is_input) {
      const auto& input = static_cast<const InputLayer&>(*member.layer);
      Shape shape = input.batch_shape();
      InputOptions options{
          .dtype = input.dtype(), .optional = input.config().get("optional", false), .name = input.name()};
      if (shape.front() != None) options.batch_size = Config(shape.front()).as_int();
      shape.erase(0);
      const KerasTensor place = Input(shape, options);
      member.layer = place.node()->layer;
      member.outputs = {{place}};
    }
  }

  std::size_t place_of_name(const std::string& name) const {
    const auto found = places_.find(name);
    if (found == places_.end()) throw Error("inbound_nodes refer to \"" + name + "\", which is not among the layers");
    return found->second;
  }

  Reference reference(const Config& triple) const {
    return {place_of_name(triple[0].as_string()), triple[1].as_integer(), triple[2].as_integer()};
  }

  /// The value with markers for its tensors.
  Config marked(const Config& value, Call& call, bool listed) const {
    if (value.is_array()) {
      if (listed && is_triple(value)) {
        call.references.push_back(reference(value));
        return detail::input_marker(call.references.size() - 1);
      }
      Config items = Config::array();
      for (const Config& item : value.items()) items.push_back(marked(item, call, listed));
      return items;
    }
    if (!value.is_object()) return value;
    if (class_name_of(value) == "__keras_tensor__") {
      const Config& history = value.at("config").at("keras_history");
      if (!is_triple(history)) throw Error("keras_history must be [layer, node, tensor], got " + history.json());
      call.references.push_back(reference(history));
      return detail::input_marker(call.references.size() - 1);
    }
    if (is_tensor_config(value)) {
      const std::string key = "constant_" + std::to_string(call.constants.size());
      call.constants[key] = tensor_from_config(value);
      return detail::constant_marker(key);
    }
    Config object = Config::object();
    for (const auto& [key, entry] : value.entries()) {
      const bool own_form = value.contains("class_name");
      object[key] = own_form ? entry : marked(entry, call, listed);
    }
    return object;
  }

  Call listed_call(const Config& node) const {
    Call call;
    call.listed = true;
    Config args = Config::array(), kwargs = Config::object();
    // A lone triple, or one list per tensor of the first argument.
    const bool lone = node.size() >= 3 && node[0].is_string();
    for (const Config& item : lone ? std::vector<Config>{node} : node.items()) {
      if (!item.is_array() || item.size() < 3 || !item[0].is_string())
        throw Error("inbound_nodes: [layer, node, tensor] was expected, got " + item.json().substr(0, 80));
      if (item[0].as_string() == "_CONSTANT_VALUE") {
        args.push_back(marked(item[2], call, true));
      } else {
        call.references.push_back(reference(item));
        args.push_back(detail::input_marker(call.references.size() - 1));
      }
      if (item.size() > 3 && item[3].is_object()) {
        for (const auto& [key, value] : item[3].entries()) kwargs[key] = marked(value, call, true);
      }
    }
    if (args.size() > 1) args = Config::array({args});
    call.structure = Config::object({{"args", args}, {"kwargs", kwargs}});
    return call;
  }

  void read_calls(std::size_t place) {
    Member& member = members_[place];
    const Config& object = config_.at("layers")[place];
    try {
      for (const Config& node :
           object.contains("inbound_nodes") ? plain(object.at("inbound_nodes")).items() : std::vector<Config>()) {
        if (node.is_array()) {
          if (node.size() == 0) continue;
          member.calls.push_back(listed_call(node));
          continue;
        }
        Call call;
        const Config args = marked(node.at("args"), call, false), kwargs = marked(node.at("kwargs"), call, false);
        if (!args.is_array() || !kwargs.is_object())
          throw Error("inbound_nodes: args must be a list and kwargs an object");
        call.structure = Config::object({{"args", args}, {"kwargs", kwargs}});
        member.calls.push_back(std::move(call));
      }
      if (!member.outputs.empty() && !member.calls.empty()) throw Error("an InputLayer cannot be called");
    } catch (const Error& error) {
      throw Error(place_of(object) + ": " + error.what());
    }
  }

  /// The calls of a nested model are counted from 0 (in Keras 3's nodes) or from 1 (in lists; in Keras 2 of a nested
  /// Sequential too): told by the references that there are.
  void number_nested_models() {
    std::vector<std::int64_t> least(members_.size(), -1), most(members_.size(), -1);
    std::vector<bool> by_list(members_.size(), false);
    for (const Member& member : members_) {
      for (const Call& call : member.calls) {
        for (const Reference& to : call.references) {
          if (!members_[to.layer].is_nested_model) continue;
          if (least[to.layer] < 0 || to.call < least[to.layer]) least[to.layer] = to.call;
          most[to.layer] = std::max(most[to.layer], to.call);
          by_list[to.layer] = by_list[to.layer] || call.listed;
        }
      }
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
      Member& member = members_[i];
      const auto calls = static_cast<std::int64_t>(member.calls.size());
      if (least[i] > 0 && (by_list[i] || most[i] >= calls)) member.first_call = 1;
    }
  }

  std::int64_t call_index(const Reference& to) const { return to.call - members_[to.layer].first_call; }

  bool available(const Reference& to) const {
    return call_index(to) < static_cast<std::int64_t>(members_[to.layer].outputs.size());
  }

  const KerasTensor& tensor(const Reference& to, std::int64_t index) const {
    const Member& from = members_[to.layer];
    const auto& outputs = from.outputs[static_cast<std::size_t>(index)];
    if (to.output < 0 || to.output >= static_cast<std::int64_t>(outputs.size())) {
      throw Error("output " + std::to_string(to.output) + " of \"" + from.name + "\" was asked for, there are " +
                  std::to_string(outputs.size()));
    }
    return outputs[static_cast<std::size_t>(to.output)];
  }

  void connect_all() {
    std::deque<std::size_t> ready;
    for (std::size_t i = 0; i < members_.size(); ++i) ready.push_back(i);
    std::map<std::pair<std::size_t, std::int64_t>, std::vector<std::size_t>> waiting;
    std::size_t left = 0;
    for (const Member& member : members_) left += member.calls.size();
    while (!ready.empty()) {
      const std::size_t place = ready.front();
      ready.pop_front();
      Member& member = members_[place];
      while (member.outputs.size() < member.calls.size()) {
        const Call& call = member.calls[member.outputs.size()];
        const Reference* missing = nullptr;
        for (const Reference& to : call.references) {
          if (call_index(to) < 0)
            throw Error(place_of(config_.at("layers")[place]) + ": inbound_nodes refer to call " +
                        std::to_string(to.call) + " of \"" + members_[to.layer].name + "\"");
          if (!available(to)) missing = &to;
        }
        if (missing != nullptr) {
          waiting[{missing->layer, call_index(*missing)}].push_back(place);
          break;
        }
        try {
          member.outputs.push_back(connected(member, call));
        } catch (const Error& error) {
          throw Error(place_of(config_.at("layers")[place]) + ": " + error.what());
        }
        --left;
        const auto found = waiting.find({place, static_cast<std::int64_t>(member.outputs.size()) - 1});
        if (found == waiting.end()) continue;
        ready.insert(ready.end(), found->second.begin(), found->second.end());
        waiting.erase(found);
      }
    }
    if (left == 0) return;
    std::string stuck;
    int named = 0;
    for (const Member& member : members_) {
      if (member.outputs.size() >= member.calls.size()) continue;
      if (++named > 5) break;
      stuck += (stuck.empty() ? "\"" : ", \"") + member.name + "\"";
    }
    throw Error("inbound_nodes: the graph has a cycle, or refers to calls that are never made; it stops at " + stuck);
  }

  std::vector<KerasTensor> connected(Member& member, const Call& call) {
    std::vector<KerasTensor> tensors;
    for (const Reference& to : call.references) tensors.push_back(tensor(to, call_index(to)));
    if (!member.old_function.is_null()) {
      return old_operation(member.old_function.as_string(), member.name, call.structure, tensors, call.constants);
    }
    if (member.is_operation) {
      if (tensors.empty()) throw Error("an operation without an input");
      return detail::connect(member.layer, tensors, {.arguments = call.structure, .tensors = call.constants});
    }
    return layer_call(member, call, tensors);
  }

  std::vector<KerasTensor> layer_call(const Member& member, const Call& call, const std::vector<KerasTensor>& tensors);
  Config leaves(const Config& value, const char* key, std::vector<KerasTensor>& found, int depth) const;

  const Config& config_;
  std::vector<Member> members_;
  std::map<std::string, std::size_t> places_;
};

/// The names of a layer's arguments in a call, by place.
std::vector<std::string> argument_names(const std::string& class_name) {
  static const std::set<std::string> recurrent = {"LSTM",          "GRU",        "SimpleRNN",  "RNN",
                                                  "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D",
                                                  "CuDNNLSTM",     "CuDNNGRU"};
  if (recurrent.count(class_name) != 0) return {"sequences", "initial_state", "mask", "training"};
  if (class_name == "MultiHeadAttention" || class_name == "GroupQueryAttention" ||
      class_name == "GroupedQueryAttention")
    return {"query", "value", "key", "query_mask", "value_mask", "key_mask", "attention_mask"};
  if (class_name == "BatchNormalization" || class_name == "TimeDistributed") return {"inputs", "training", "mask"};
  return {"inputs", "mask", "training"};
}

bool is_main_argument(const std::string& name) {
  static const std::set<std::string> names = {"inputs", "sequences", "x", "query", "value", "key", "input", "sequence"};
  return names.count(name) != 0;
}

std::vector<KerasTensor> Reader::layer_call(const Member& member, const Call& call,
                                            const std::vector<KerasTensor>& tensors) {
  const std::vector<std::string> names = argument_names(member.class_name);
  std::vector<std::pair<std::string, Config>> arguments;
  const Config& args = call.structure.at("args");
  for (std::size_t i = 0; i < args.size(); ++i) {
    arguments.emplace_back(i < names.size() ? names[i] : "argument_" + std::to_string(i), args[i]);
  }
  for (const auto& [key, value] : call.structure.at("kwargs").entries()) arguments.emplace_back(key, value);
  // Keras 2 hands the states over in the list of inputs.
  const bool recurrent = names.front() == "sequences";
  if (recurrent && !arguments.empty() && arguments.front().second.is_array() && arguments.front().second.size() > 1) {
    std::vector<Config> states = arguments.front().second.items();
    const Config first = states.front();
    states.erase(states.begin());
    arguments.front().second = first;
    arguments.emplace_back("initial_state", Config::array(states));
  }
  const auto rank = [&](const std::string& name) { return name == "key" ? 2 : name == "value" ? 1 : 0; };
  std::stable_sort(arguments.begin(), arguments.end(), [&](const auto& a, const auto& b) {
    const bool main_a = is_main_argument(a.first), main_b = is_main_argument(b.first);
    if (main_a != main_b) return main_a;
    return main_a && rank(a.first) < rank(b.first);
  });
  std::vector<KerasTensor> inputs;
  std::vector<std::pair<std::string, KerasTensor>> keywords;
  CallContext context;
  const auto collect = [&](const auto& self, const Config& value, std::vector<KerasTensor>& into) -> void {
    if (const auto place = detail::input_place(value)) {
      into.push_back(tensors[*place]);
    } else if (value.is_array()) {
      for (const Config& item : value.items()) self(self, item, into);
    } else if (value.is_object() && detail::constant_key(value) == nullptr && class_name_of(value).empty()) {
      // As Keras flattens an object of tensors: by the order of its keys.
      std::map<std::string, const Config*> sorted;
      for (const auto& [key, entry] : value.entries()) sorted[key] = &entry;
      for (const auto& [key, entry] : sorted) self(self, *entry, into);
    } else if (!value.is_null()) {
      throw Error("only tensors can be handed to a layer by place, got " + value.json().substr(0, 60));
    }
  };
  for (const auto& [name, value] : arguments) {
    if (name == "training" || value.is_null()) continue;
    if (is_main_argument(name)) {
      collect(collect, value, inputs);
      continue;
    }
    if (const auto place = detail::input_place(value)) {
      keywords.emplace_back(name, tensors[*place]);
    } else if (const std::string* key = detail::constant_key(value)) {
      context.tensors[name] = call.constants.at(*key);
    } else if (value.is_array() && std::any_of(value.items().begin(), value.items().end(), [](const Config& item) {
                 return detail::input_place(item).has_value();
               })) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        const auto item = detail::input_place(value[i]);
        if (item) keywords.emplace_back(name + "_" + std::to_string(i), tensors[*item]);
      }
    } else if (!(value.is_array() && name == "mask")) {
      context.arguments[name] = value;
    }
  }
  if (inputs.empty()) throw Error("the call has no input");
  std::vector<KerasTensor> outputs = detail::connect(member.layer, inputs, context, keywords);
  // The markers follow the node's own order of inputs.
  std::vector<KerasTensor> order = inputs;
  for (const auto& [name, tensor] : keywords) order.push_back(tensor);
  std::vector<bool> used(order.size(), false);
  std::vector<std::size_t> places(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    for (std::size_t j = 0; j < order.size(); ++j) {
      if (used[j] || !order[j].is(tensors[i])) continue;
      used[j] = true;
      places[i] = j;
      break;
    }
  }
  const auto renumbered = [&](const auto& self, const Config& value) -> Config {
    if (const auto place = detail::input_place(value)) return detail::input_marker(places[*place]);
    if (const std::string* key = detail::constant_key(value)) return tensor_config(call.constants.at(*key));
    if (value.is_array()) {
      Config items = Config::array();
      for (const Config& item : value.items()) items.push_back(self(self, item));
      return items;
    }
    if (!value.is_object()) return value;
    Config object = Config::object();
    for (const auto& [key, entry] : value.entries()) object[key] = self(self, entry);
    return object;
  };
  if (!outputs.empty() && !call.listed) outputs.front().node()->structure = renumbered(renumbered, call.structure);
  return outputs;
}

Config Reader::leaves(const Config& value, const char* key, std::vector<KerasTensor>& found, int depth) const {
  if (is_triple(value) && value.size() == 3) {
    const Reference to = reference(value);
    const Member& member = members_[to.layer];
    std::int64_t call = to.call;
    const auto calls = static_cast<std::int64_t>(member.outputs.size());
    // Here a nested graph's own call counts, whatever the nodes do; in Keras 2 a nested Sequential's too.
    if (member.is_nested_model && call > 0 && (member.is_functional || member.first_call == 1 || call >= calls)) --call;
    if (call < 0 || call >= calls)
      throw Error(std::string(key) + ": there is no call " + std::to_string(to.call) + " of \"" + member.name + "\"");
    found.push_back(tensor(to, call));
    return Config(found.size() - 1);
  }
  if (value.is_array() && depth < 8) {
    Config items = Config::array();
    for (const Config& item : value.items()) items.push_back(leaves(item, key, found, depth + 1));
    return items;
  }
  if (value.is_object() && depth < 8) {
    Config object = value;
    std::set<std::string> names;
    for (const auto& [name, entry] : value.entries()) names.insert(name);
    for (const std::string& name : names) object[name] = leaves(value.at(name), key, found, depth + 1);
    return object;
  }
  throw Error(std::string(key) + ": [layer, node, tensor], a list or an object of them was expected, got " +
              value.json().substr(0, 80));
}

}  // namespace

Model functional_from_config(const Config& config) { return Reader(config).read(); }

}  // namespace nyala::saving
