#include "saving/weight_store.hpp"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <map>

#include <nyala/assets.hpp>
#include <nyala/error.hpp>
#include <nyala/ops.hpp>

#include "core/printable.hpp"
#include "model/layer_state.hpp"
#include "saving/layer_dialect.hpp"
#include "saving/optimizer_file.hpp"
#include "saving/walk.hpp"

namespace nyala::saving {

void warn(const std::string& text) { std::cerr << "nyala: warning: " << detail::printable(text) << '\n'; }

bool WeightStore::has_group(const std::string& group) const {
  return std::any_of(files_.begin(), files_.end(), [&](const auto& file) { return file.second->has_group(group); });
}

std::vector<std::string> WeightStore::names(const std::string& group) const {
  std::vector<std::string> names;
  for (const auto& [name, file] : files_) {
    const std::vector<std::string> own = file->names(group);
    names.insert(names.end(), own.begin(), own.end());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::size_t WeightStore::count(const std::string& group) const {
  if (where_.empty()) return files_.begin()->second->names(group).size();
  const auto listed = shards_.find(group);
  if (listed == shards_.end()) return 0;
  std::size_t count = 0;
  for (const std::string& name : listed->second) count += files_.at(name)->names(group).size();
  return count;
}

const Hdf5Reader& WeightStore::file_of(const std::string& group, std::size_t index) const {
  const auto listed = shards_.find(group);
  if (listed == shards_.end()) return *files_.begin()->second;
  const std::string path = group + "/" + std::to_string(index);
  for (const std::string& name : listed->second) {
    if (files_.at(name)->has_dataset(path)) return *files_.at(name);
  }
  return *files_.at(listed->second.front());
}

Shape WeightStore::shape(const std::string& group, std::size_t index) const {
  return file_of(group, index).shape(group + "/" + std::to_string(index));
}

Tensor WeightStore::read(const std::string& group, std::size_t index, const Shape& expected) const {
  return file_of(group, index).read(group + "/" + std::to_string(index), expected);
}

Tensor WeightStore::named(const std::string& group, const std::string& name) const {
  const std::string path = joined(group, name);
  for (const auto& [file_name, file] : files_) {
    if (file->has_dataset(path)) return file->read(path, file->shape(path));
  }
  return {};
}

namespace {

void write_group(Hdf5Writer& writer, const std::string& group, const std::string& name,
                 const std::vector<Variable>& variables, const std::map<std::string, Tensor>& named = {}) {
  writer.group(group);
  writer.text(group, "name", name, Hdf5Writer::Encoding::utf8);
  for (std::size_t i = 0; i < variables.size(); ++i) {
    writer.dataset(group, std::to_string(i), variables[i].value());
  }
  for (const auto& [dataset, value] : named) writer.dataset(group, dataset, value);
}

/// tf.keras 2.12 and 2.13 kept layers under another name than `layers`, with numbers that may have gaps; all of
/// tf.keras kept what is public now by its private name ("_query_dense").
std::string old_group(const WeightStore& store, const std::string& path) {
  std::string result;
  std::size_t begin = 0;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    const std::string old = joined(result, "_layer_checkpoint_dependencies");
    if (!store.has_group(joined(result, name)) && store.has_group(joined(result, "_" + name))) {
      result = joined(result, "_" + name);
      continue;
    }
    if (name != "layers" || store.has_group(joined(result, name)) || !store.has_group(old) || begin > path.size()) {
      result = joined(result, name);
      continue;
    }
    const std::size_t next = std::min(path.find('/', begin), path.size());
    const std::string wanted = path.substr(begin, next - begin);
    begin = next + 1;
    // "dense_2" is the third of dense, dense_1, dense_4.
    const auto number_of = [](const std::string& text, const std::string& base) -> std::optional<int> {
      if (text == base) return 0;
      if (text.size() < base.size() + 2 || text.compare(0, base.size(), base) != 0 || text[base.size()] != '_')
        return {};
      int number = 0;
      const char* last = text.data() + text.size();
      const auto parsed = std::from_chars(text.data() + base.size() + 1, last, number);
      return parsed.ptr == last && number > 0 ? std::optional<int>(number) : std::nullopt;
    };
    std::string base = wanted;
    std::size_t place = 0;
    const std::size_t underscore = wanted.rfind('_');
    if (underscore != std::string::npos) {
      const auto number = number_of(wanted, wanted.substr(0, underscore));
      if (number) base = wanted.substr(0, underscore), place = static_cast<std::size_t>(*number);
    }
    std::vector<int> numbers;
    for (const std::string& candidate : store.names(old)) {
      if (const auto number = number_of(candidate, base)) numbers.push_back(*number);
    }
    std::sort(numbers.begin(), numbers.end());
    if (place >= numbers.size()) return path;
    result = joined(old, detail::numbered_name(base, numbers[place]));
  }
  return result;
}

void read_group(const WeightStore& store, const std::string& group, const Saveable& saveable,
                Assignments& assignments) {
  if (saveable.variables.empty() && dynamic_cast<const WithAssets*>(saveable.layer) != nullptr) return;
  const std::size_t found = store.count(group);
  if (found != saveable.variables.size()) {
    throw Error(store.where() + ": layer \"" + saveable.name + "\" has " + std::to_string(saveable.variables.size()) +
                " weights, the file has " + std::to_string(found) + " in \"" + group + "\"");
  }
  for (std::size_t i = 0; i < found; ++i) {
    try {
      assignments.add(saveable.variables[i], store.read(group, i, saveable.variables[i].shape()));
    } catch (const Error& error) {
      throw Error(std::string(error.what()) + " (layer \"" + saveable.name + "\")");
    }
  }
  if (const auto* stored = dynamic_cast<const WithStoredVariables*>(saveable.layer)) {
    for (const Variable& variable : stored->cleared_variables()) {
      assignments.add(variable, zeros(variable.shape(), variable.dtype()));
    }
  }
}

/// Keras keeps the state of the optimizers within a second time.
void add_optimizers_within(const Optimizer& optimizer, std::vector<Group>& groups) {
  if (const auto inner = optimizer.inner_optimizer())
    groups.push_back({"optimizer/inner_optimizer/vars", "inner_optimizer", inner->variables()});
  detail::ListNames names;
  for (const std::shared_ptr<Optimizer>& one : optimizer.optimizers()) {
    const std::string name = names.next(to_config(*one).at("class_name").as_string());
    groups.push_back({"optimizer/optimizers/" + name + "/vars", one->name(), one->variables()});
  }
}

}  // namespace

std::vector<Group> groups_of(const Model& model, bool include_optimizer) {
  std::vector<Group> groups;
  for (Saveable& saveable : saveables_of(model)) {
    groups.push_back({joined(saveable.path, "vars"), saveable.name, std::move(saveable.variables)});
    if (const auto* kept = dynamic_cast<const WithAssets*>(saveable.layer))
      groups.back().named = kept->assets().tensors;
    const auto* stored = dynamic_cast<const WithStoredVariables*>(saveable.layer);
    if (stored == nullptr || stored->stored_variables().empty()) continue;
    groups.back().variables.clear();
    for (const Tensor& value : stored->stored_values()) groups.back().variables.emplace_back(value);
  }
  if (!include_optimizer || !model.compiled()) return groups;
  const Optimizer& optimizer = model.optimizer();
  groups.push_back({"optimizer/vars", optimizer.name(), optimizer.variables()});
  add_optimizers_within(optimizer, groups);
  return groups;
}

void write_weights(Hdf5Writer& writer, const Model& model, bool include_optimizer) {
  for (const Group& group : groups_of(model, include_optimizer)) {
    write_group(writer, group.path, group.name, group.variables, group.named);
  }
}

void read_weights(const WeightStore& store, const Model& model, const ReadWeightsOptions& options,
                  Assignments& assignments) {
  const std::vector<Saveable> saveables = saveables_of(model);
  std::vector<std::string> problems;
  for (const Saveable& saveable : saveables) {
    const std::string group = old_group(store, joined(saveable.path, "vars"));
    try {
      if (options.skip_mismatch) {
        Assignments own = assignments.collecting();
        read_group(store, group, saveable, own);
        assignments.append(std::move(own));
      } else {
        read_group(store, group, saveable, assignments);
      }
    } catch (const Error& error) {
      problems.emplace_back(error.what());
    }
  }
  if (!problems.empty()) {
    const std::string text = problems.front() + " (" + std::to_string(problems.size()) + " of " +
                             std::to_string(saveables.size()) + " objects do not fit the model)";
    if (!options.skip_mismatch) throw Error(text);
    warn(text + "; skipped");
  }
  if (options.include_optimizer) read_optimizer(store, model, assignments);
}

void read_optimizer(const WeightStore& store, const Model& model, Assignments& assignments) {
  const std::string group = "optimizer/vars";
  if (!model.compiled()) return;
  if (!store.has_group(group)) {
    // TensorFlow's Keras 2.11 to 2.15 did not write that of its older optimizers.
    if (version_being_read().major < 3)
      warn(store.where() + ": the file holds no state of the optimizer, which begins anew");
    return;
  }
  StoredState state;
  state.count = store.count(group);
  state.shape = [&](std::size_t i) { return store.shape(group, i); };
  state.read = [&](std::size_t i, const Shape& shape) { return store.read(group, i, shape); };
  restore_optimizer(model, state, store.where(), assignments);
}

}  // namespace nyala::saving
