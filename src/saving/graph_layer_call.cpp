// A layer's call in a graph: which arguments are inputs, which are tensors by keyword, which plain values.
#include <algorithm>
#include <map>
#include <optional>

#include <nyala/error.hpp>

#include "model/graph.hpp"
#include "model/operation.hpp"
#include "saving/config_values.hpp"
#include "saving/graph_calls.hpp"

namespace nyala::saving {

namespace {

/// The names of a layer's arguments in a call, by place.
std::vector<std::string> argument_names(const KerasForm& form) {
  std::vector<std::string> names = detail::split_words(form.inputs);
  const std::vector<std::string> others = detail::split_words(*form.others == '\0' ? "mask training" : form.others);
  names.insert(names.end(), others.begin(), others.end());
  return names;
}

/// Where an argument stands among a layer's inputs; none: it is no input.
std::optional<std::size_t> input_rank(const std::string& name, const KerasForm& form) {
  const std::vector<std::string> inputs = detail::split_words(form.inputs);
  const auto own = std::find(inputs.begin(), inputs.end(), name);
  if (own != inputs.end()) return static_cast<std::size_t>(own - inputs.begin());
  static const std::map<std::string, std::size_t> usual = {
      {"inputs", 0}, {"sequences", 0}, {"x", 0}, {"query", 0}, {"value", 1}, {"key", 2}, {"input", 0}, {"sequence", 0}};
  const auto found = usual.find(name);
  return found == usual.end() ? std::nullopt : std::optional<std::size_t>(found->second);
}

}  // namespace

std::vector<KerasTensor> call_layer(const LayerRef& layer, const Call& call, const std::vector<KerasTensor>& tensors) {
  const KerasForm form = layer->keras_form();
  const std::vector<std::string> names = argument_names(form);
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
  const auto rank = [&](const std::string& name) { return input_rank(name, form).value_or(names.size()); };
  std::stable_sort(arguments.begin(), arguments.end(),
                   [&](const auto& a, const auto& b) { return rank(a.first) < rank(b.first); });
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
    if (input_rank(name, form)) {
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
  std::vector<KerasTensor> outputs = detail::connect(layer, inputs, context, keywords);
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
    if (const std::string* key = detail::constant_key(value)) return tensor_config(call.constants.at(*key), *key);
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

}  // namespace nyala::saving
