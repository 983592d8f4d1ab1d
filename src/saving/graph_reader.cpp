// Graphs of layers from the `config` of a Functional.
#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include <nyala/error.hpp>
#include <nyala/layers/input_layer.hpp>

#include "model/graph.hpp"
#include "model/layer_path.hpp"
#include "model/layer_state.hpp"
#include "model/model_state.hpp"
#include "model/operation.hpp"
#include "saving/assignments.hpp"
#include "saving/config_values.hpp"
#include "saving/graph_calls.hpp"
#include "saving/layer_config.hpp"
#include "saving/layer_dialect.hpp"
#include "saving/old_operations.hpp"

namespace nyala::saving {

namespace {

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

class GraphReader {
 public:
  explicit GraphReader(const Config& config) : config_(config) { leave_out_added(); }

  Model read() {
    make_members();
    for (std::size_t i = 0; i < members_.size(); ++i) read_calls(i);
    number_nested_models();
    connect_all();
    std::vector<KerasTensor> inputs, outputs;
    Config input_structure = leaves(config_.at("input_layers"), "input_layers", inputs, 0);
    Config output_structure = leaves(config_.at("output_layers"), "output_layers", outputs, 0);
    // Of the model itself: each layer's config says whether it is frozen.
    Model model(inputs, outputs, {.name = config_.get("name", ""), .trainable = config_.get("trainable", true)});
    model.model_state()->input_structure = std::move(input_structure);
    model.model_state()->output_structure = std::move(output_structure);
    return model;
  }

 private:
  /// What add_loss and add_metric of tf.keras put beside a graph: no output needs it.
  void leave_out_added() {
    if (!config_.get("layers").is_array()) return;
    Config kept = Config::array();
    for (const Config& object : config_.at("layers").items()) {
      const std::string class_name = class_name_of(object);
      if (class_name != "AddLoss" && class_name != "AddMetric")
        kept.push_back(object);
      else
        warn(place_of(object) + ": what " + (class_name == "AddLoss" ? "add_loss" : "add_metric") +
             " added to the model is left out; outputs are the same, training goes on without it");
    }
    if (kept.size() != config_.at("layers").size()) config_["layers"] = kept;
  }

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
      member.outputs = {{detail::start_of(member.layer)}};
    }
  }

  void read_calls(std::size_t place) {
    Member& member = members_[place];
    const Config& object = config_.at("layers")[place];
    try {
      if (object.contains("inbound_nodes")) member.calls = calls_of(plain(object.at("inbound_nodes")), places_);
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
    return call_layer(member.layer, call, tensors);
  }

  Config leaves(const Config& value, const char* key, std::vector<KerasTensor>& found, int depth) const;

  Config config_;
  std::vector<Member> members_;
  Places places_;
};

Config GraphReader::leaves(const Config& value, const char* key, std::vector<KerasTensor>& found, int depth) const {
  if (is_triple(value) && value.size() == 3) {
    const Reference to = reference(value, places_);
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

Model functional_from_config(const Config& config) {
  const detail::LayerPath path = detail::LayerPath::anew("");  // Keras builds them under their names alone
  return GraphReader(config).read();
}

}  // namespace nyala::saving
