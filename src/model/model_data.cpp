#include "model/model_data.hpp"

#include <algorithm>

#include <nyala/error.hpp>

#include "model/suggest.hpp"

namespace nyala {

ModelData::ModelData(std::initializer_list<std::pair<const std::string, Tensor>> by_name) {
  for (const auto& [name, tensor] : by_name) {
    names_.push_back(name);
    tensors_.push_back(tensor);
  }
}

ModelData::ModelData(const std::map<std::string, Tensor>& by_name) {
  for (const auto& [name, tensor] : by_name) {
    names_.push_back(name);
    tensors_.push_back(tensor);
  }
}

namespace detail {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "\"" : ", \"") + name + "\"";
  return list;
}

Tensors ordered(const ModelData& data, const std::vector<std::string>& wanted, const char* what, const char* ends) {
  const std::vector<std::string>& given = data.names();
  if (wanted.empty())
    throw Error(std::string(what) + " was given by name (" + listed(given) + "), but the model's " + ends +
                " have no names: it is a subclass, or not built yet; give a list");
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (std::find(wanted.begin(), wanted.end(), given[i]) == wanted.end())
      throw Error(std::string(what) + ": the model's " + ends + " are " + listed(wanted) + ", got \"" + given[i] +
                  "\"" + did_you_mean(given[i], wanted));
    if (std::count(given.begin(), given.end(), given[i]) > 1)
      throw Error(std::string(what) + ": \"" + given[i] + "\" was given more than once");
  }
  Tensors result;
  for (const std::string& name : wanted) {
    const auto found = std::find(given.begin(), given.end(), name);
    if (found == given.end())
      throw Error(std::string(what) + ": nothing was given for \"" + name + "\"; the model's " + ends + " are " +
                  listed(wanted));
    result.push_back(data.tensors()[static_cast<std::size_t>(found - given.begin())]);
  }
  return result;
}

}  // namespace

Tensors in_input_order(const ModelState& state, const ModelData& data, const char* what) {
  if (data.names().empty()) return data.tensors();
  return ordered(data, input_names_of(state), what, "inputs");
}

Tensors in_output_order(const ModelState& state, const ModelData& data, const char* what) {
  if (data.names().empty()) return data.tensors();
  const bool named = state.kind != ModelKind::subclass && !state.outputs.empty();
  return ordered(data, named ? output_names_of(state, state.outputs.size()) : std::vector<std::string>(), what,
                 "outputs");
}

}  // namespace detail
}  // namespace nyala
