// How files write the calls of a graph: Keras 3's nodes of args and kwargs, and the lists before them.
#include "saving/graph_calls.hpp"

#include <algorithm>

#include <nyala/error.hpp>

#include "model/graph.hpp"
#include "model/operation.hpp"
#include "saving/config_values.hpp"

namespace nyala::saving {

bool is_triple(const Config& value) {
  return value.is_array() && value.size() >= 3 && value[0].is_string() && value[1].is_integer() &&
         value[2].is_integer();
}

namespace {

std::size_t place_of_name(const std::string& name, const Places& places) {
  const auto found = places.find(name);
  if (found == places.end()) throw Error("inbound_nodes refer to \"" + name + "\", which is not among the layers");
  return found->second;
}

}  // namespace

Reference reference(const Config& triple, const Places& places) {
  return {place_of_name(triple[0].as_string(), places), triple[1].as_integer(), triple[2].as_integer()};
}

namespace {

/// The value with markers for its tensors.
Config marked(const Config& value, Call& call, bool listed, const Places& places) {
  if (value.is_array()) {
    if (listed && is_triple(value)) {
      call.references.push_back(reference(value, places));
      return detail::input_marker(call.references.size() - 1);
    }
    Config items = Config::array();
    for (const Config& item : value.items()) items.push_back(marked(item, call, listed, places));
    return items;
  }
  if (!value.is_object()) return value;
  if (class_name_of(value) == "__keras_tensor__") {
    const Config& history = value.at("config").at("keras_history");
    if (!is_triple(history)) throw Error("keras_history must be [layer, node, tensor], got " + history.json());
    call.references.push_back(reference(history, places));
    return detail::input_marker(call.references.size() - 1);
  }
  if (is_tensor_config(value)) {
    const std::string key = constant_name(value, call.constants.size());
    call.constants[key] = tensor_from_config(value);
    return detail::constant_marker(key);
  }
  if (value.contains("class_name")) return value;
  // Keras counts the tensors of a dictionary in the order of its sorted keys; the keys stay where they are.
  std::vector<std::string> keys;
  Config object = value;
  for (const auto& [key, entry] : value.entries()) keys.push_back(key);
  if (!listed) std::sort(keys.begin(), keys.end());
  for (const std::string& key : keys) object[key] = marked(value.at(key), call, listed, places);
  return object;
}

Call listed_call(const Config& node, const Places& places) {
  Call call;
  call.listed = true;
  Config args = Config::array(), kwargs = Config::object();
  // A lone triple, or one list per tensor of the first argument.
  const bool lone = node.size() >= 3 && node[0].is_string();
  for (const Config& item : lone ? std::vector<Config>{node} : node.items()) {
    if (!item.is_array() || item.size() < 3 || !item[0].is_string())
      throw Error("inbound_nodes: [layer, node, tensor] was expected, got " + item.json().substr(0, 80));
    if (item[0].as_string() == "_CONSTANT_VALUE") {
      args.push_back(marked(item[2], call, true, places));
    } else {
      call.references.push_back(reference(item, places));
      args.push_back(detail::input_marker(call.references.size() - 1));
    }
    if (item.size() > 3 && item[3].is_object()) {
      for (const auto& [key, value] : item[3].entries()) kwargs[key] = marked(value, call, true, places);
    }
  }
  if (args.size() > 1) args = Config::array({args});
  call.structure = Config::object({{"args", args}, {"kwargs", kwargs}});
  return call;
}

}  // namespace

std::vector<Call> calls_of(const Config& nodes, const Places& places) {
  std::vector<Call> calls;
  for (const Config& node : nodes.items()) {
    if (node.is_array()) {
      if (node.size() > 0) calls.push_back(listed_call(node, places));
      continue;
    }
    Call call;
    const Config args = marked(node.at("args"), call, false, places);
    const Config kwargs = marked(node.at("kwargs"), call, false, places);
    if (!args.is_array() || !kwargs.is_object()) throw Error("inbound_nodes: args must be a list and kwargs an object");
    call.structure = Config::object({{"args", args}, {"kwargs", kwargs}});
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace nyala::saving
