#include "saving/legacy_h5.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <nyala/error.hpp>

#include "model/layer_state.hpp"
#include "model/model_state.hpp"
#include "saving/legacy_convert.hpp"
#include "saving/optimizer_file.hpp"
#include "saving/slashed_names.hpp"
#include "saving/walk.hpp"

namespace nyala::saving {
namespace {

constexpr char top_level[] = "top_level_model_weights";

/// Keras puts the names of a Sequential before those of its layers, not those of a graph.
std::string prefix_of(const Model& model) {
  return model.model_state()->kind == detail::ModelKind::graph ? "" : model.name();
}

void write_subset(Hdf5Writer& writer, const std::string& group, const std::vector<Target>& targets) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const Target& target : targets) {
    std::string name = target.path;
    for (int i = 1; !taken.insert(name).second; ++i) name = target.path + "_" + std::to_string(i);
    names.push_back(name);
  }
  writer.group(group);
  writer.texts(group, "weight_names", names);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    writer.dataset(group, names[i], targets[i].variable.value());
  }
}

/// The model's own weights, which belong to none of its layers.
std::vector<Target> own_targets(const Model& model) {
  const detail::LayerState& state = detail::state_of(model);
  std::vector<Target> targets;
  for (const auto* list : {&state.trainable_weights, &state.other_weights}) {
    for (const Variable& variable : *list) targets.push_back({variable, &model, joined(model.name(), variable.name())});
  }
  return targets;
}

struct FileLayer {
  std::string name, group;
  std::vector<std::string> datasets;
};

FileLayer file_layer(const Hdf5Reader& file, const std::string& group, const std::string& name) {
  FileLayer layer{name, joined(group, name), {}};
  const auto names = file.texts(layer.group, "weight_names");
  if (!names) throw Error(file.where() + ": \"" + layer.group + "\" has no list of weight names");
  for (const std::string& weight : *names) layer.datasets.push_back(joined(layer.group, weight));
  return layer;
}

/// The values, or an Error that names the layer.
void assign_layer(const Hdf5Reader& file, const FileLayer& from, const std::vector<Target>& targets,
                  const Origin& origin, const Layer& layer, Assignments& assignments) {
  std::vector<Tensor> values;
  try {
    values = converted(file, from.datasets, targets, origin, layer);
  } catch (const Error& error) {
    throw Error(std::string(error.what()) + " (layer \"" + layer.name() + "\")");
  }
  for (std::size_t i = 0; i < targets.size(); ++i) assignments.add(targets[i].variable, std::move(values[i]));
}

class LegacyReader {
 public:
  LegacyReader(const Hdf5Reader& file, const std::string& group, const Model& model, const LegacyOptions& options,
               Assignments& assignments)
      : file_(file), group_(group), model_(model), options_(options), assignments_(assignments) {
    origin_.keras_version = file.text(group, "keras_version").value_or(file.text("", "keras_version").value_or(""));
    origin_.backend = file.text(group, "backend").value_or(file.text("", "backend").value_or(""));
    const auto names = file.texts(group, "layer_names");
    if (!names) throw Error(file.where() + ": this is no file of Keras weights: it has no list of layer names");
    names_ = *names;
    if (origin_.is_keras_1() && !origin_.keras_version.empty() && origin_.backend.empty() && names_like_theano())
      origin_.backend = "theano";
  }

  void read() {
    if (options_.by_name)
      by_name();
    else
      by_place();
    top_level_weights();
  }

 private:
  /// Keras 1 does not tell its backend, but TensorFlow's names of weights end with ":0".
  bool names_like_theano() const {
    for (const std::string& layer : names_) {
      const auto weights = file_.texts(group_.empty() ? layer : group_ + "/" + layer, "weight_names");
      if (weights && !weights->empty()) return !weights->front().ends_with(":0");
    }
    return false;
  }

  void pair(const FileLayer& from, const LayerRef& layer, const std::vector<Target>& targets) {
    try {
      Assignments own = options_.skip_mismatch ? assignments_.collecting() : Assignments(assignments_.at_once());
      assign_layer(file_, from, targets, origin_, *layer, own);
      assignments_.append(std::move(own));
    } catch (const Error& error) {
      if (!options_.skip_mismatch) throw;
      warn(std::string(error.what()) + "; skipped");
    }
  }

  void by_place() {
    std::vector<std::pair<LayerRef, std::vector<Target>>> layers;
    for (const LayerRef& layer : model_.layers()) {
      auto targets = targets_of(*layer, "");
      if (!targets.empty()) layers.emplace_back(layer, std::move(targets));
    }
    std::vector<FileLayer> stored;
    for (const std::string& name : names_) {
      FileLayer layer = file_layer(file_, group_, name);
      if (!layer.datasets.empty()) stored.push_back(std::move(layer));
    }
    if (stored.size() != layers.size()) {
      throw Error(file_.where() + ": the file has weights of " + std::to_string(stored.size()) +
                  " layers, the model has " + std::to_string(layers.size()) + " layers with weights");
    }
    for (std::size_t i = 0; i < layers.size(); ++i) pair(stored[i], layers[i].first, layers[i].second);
  }

  void by_name() {
    std::multimap<std::string, LayerRef> layers;
    for (const LayerRef& layer : model_.layers()) layers.emplace(layer->name(), layer);
    for (const std::string& name : names_) {
      const auto [begin, end] = layers.equal_range(without_slashes(name));
      if (begin == end) continue;
      const FileLayer from = file_layer(file_, group_, name);
      for (auto layer = begin; layer != end; ++layer) pair(from, layer->second, targets_of(*layer->second, ""));
    }
  }

  void top_level_weights() {
    const std::vector<Target> targets = own_targets(model_);
    const std::string place = joined(group_, top_level);
    if (targets.empty() && !file_.has_group(place)) return;
    const FileLayer from =
        file_.has_group(place) ? file_layer(file_, group_, top_level) : FileLayer{top_level, place, {}};
    if (options_.by_name && from.datasets.size() != targets.size()) return;
    if (targets.empty() && from.datasets.empty()) return;
    pair(from, LayerRef(std::make_shared<Model>(model_)), targets);
  }

  const Hdf5Reader& file_;
  std::string group_;
  const Model& model_;
  LegacyOptions options_;
  Assignments& assignments_;
  Origin origin_;
  std::vector<std::string> names_;
};

}  // namespace

void write_legacy_weights(Hdf5Writer& writer, const std::string& group, const Model& model) {
  std::vector<LayerRef> layers = model.layers();
  std::vector<std::string> names;
  for (const LayerRef& layer : layers) names.push_back(layer->name());
  writer.group(group);
  writer.texts(group, "layer_names", names);
  writer.text(group, "backend", backend_name, Hdf5Writer::Encoding::ascii);
  writer.text(group, "keras_version", keras_version, Hdf5Writer::Encoding::ascii);
  // Sorted, so that "a" is there before "a/b" is made.
  std::stable_sort(layers.begin(), layers.end(),
                   [](const LayerRef& a, const LayerRef& b) { return a->name() < b->name(); });
  for (const LayerRef& layer : layers) {
    write_subset(writer, joined(group, layer->name()), targets_of(*layer, prefix_of(model)));
  }
  write_subset(writer, joined(group, top_level), own_targets(model));
}

void write_legacy_optimizer(Hdf5Writer& writer, const std::string& group, const Model& model) {
  const std::vector<Variable> variables = model.optimizer().variables();
  std::vector<Target> targets;
  for (const Variable& variable : variables) targets.push_back({variable, nullptr, variable.path()});
  write_subset(writer, group, targets);
}

void read_legacy_weights(const Hdf5Reader& file, const std::string& group, const Model& model,
                         const LegacyOptions& options, Assignments& assignments) {
  LegacyReader(file, group, model, options, assignments).read();
}

void read_legacy_optimizer(const Hdf5Reader& file, const std::string& group, const Model& model,
                           Assignments& assignments) {
  if (!model.compiled() || !file.has_group(group)) return;
  const FileLayer stored = file_layer(file, "", group);
  StoredState state;
  state.count = stored.datasets.size();
  const std::size_t prefix = group.size() + 1;
  for (const std::string& dataset : stored.datasets) state.names.push_back(dataset.substr(prefix));
  state.shape = [&](std::size_t i) { return file.shape(stored.datasets[i]); };
  state.read = [&](std::size_t i, const Shape& shape) { return file.read(stored.datasets[i], shape); };
  restore_optimizer(model, state, file.where(), assignments);
}

}  // namespace nyala::saving
