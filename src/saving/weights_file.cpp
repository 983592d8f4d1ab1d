// "x.weights.h5": Keras' tree of groups, one per saveable object (../shared/keras/formats.md 2 to 4, 6).
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <unordered_set>

#include <nyala/error.hpp>
#include <nyala/model.hpp>

#include "core/atomic_file.hpp"
#include "model/layer_state.hpp"
#include "model/model_state.hpp"
#include "saving/hdf5_reader.hpp"
#include "saving/hdf5_writer.hpp"

namespace nyala {

using detail::LayerState;
using detail::ModelState;

namespace {

/// One group of the file: what Keras calls a saveable.
struct Entry {
  std::string path;  // without "/vars"
  std::string name;
  std::vector<Variable> variables;
};

std::string joined(const std::string& path, const std::string& name) { return path.empty() ? name : path + "/" + name; }

class Walk {
 public:
  std::vector<Entry> entries;

  void visit(const Layer& layer, const std::string& path) {
    const LayerState& state = detail::state_of(layer);
    if (!visited_.insert(&state).second) return;
    std::vector<Variable> own = state.trainable_weights;
    own.insert(own.end(), state.other_weights.begin(), state.other_weights.end());
    entries.push_back({path, layer.name(), own});
    if (state.is_model) {
      // `layers` is itself an attribute of a subclassed model in Keras: what sorts before it is met by its own name.
      const auto& model = static_cast<const Model&>(layer);
      if (model.model_state()->kind == detail::ModelKind::subclass) {
        std::vector<const LayerState::Child*> before;
        for (const LayerState::Child& child : state.children) {
          const bool is_private = child.attribute.empty() || child.attribute.front() == '_';
          if (!is_private && child.attribute < "layers") before.push_back(&child);
        }
        std::stable_sort(before.begin(), before.end(), [](const LayerState::Child* a, const LayerState::Child* b) {
          return a->attribute < b->attribute;
        });
        for (const LayerState::Child* child : before) visit(*child->layer, joined(path, child->attribute));
      }
      container(model.layers(), joined(path, "layers"));
      return;
    }
    std::vector<LayerRef> unnamed;
    std::vector<const LayerState::Child*> named;
    for (const LayerState::Child& child : state.children) {
      if (child.attribute.empty())
        unnamed.push_back(child.layer);
      else
        named.push_back(&child);
    }
    // Keras goes through attributes in the order of the alphabet, those with a leading underscore last.
    std::stable_sort(named.begin(), named.end(), [](const LayerState::Child* a, const LayerState::Child* b) {
      const bool a_private = a->attribute.front() == '_', b_private = b->attribute.front() == '_';
      return a_private != b_private ? b_private : a->attribute < b->attribute;
    });
    for (const LayerState::Child* child : named) visit(*child->layer, joined(path, child->attribute));
    container(unnamed, joined(path, "layers"));
  }

 private:
  void container(const std::vector<LayerRef>& layers, const std::string& path) {
    std::map<std::string, int> counts;
    for (const LayerRef& layer : layers) {
      const std::string base = detail::snake_case(layer->class_name());
      const int count = counts[base]++;
      visit(*layer, joined(path, count == 0 ? base : base + "_" + std::to_string(count)));
    }
  }

  std::unordered_set<const LayerState*> visited_;
};

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

void require_built(const Model& model, const char* where) {
  const ModelState& state = *model.model_state();
  const bool ready = model.built() && (state.kind != detail::ModelKind::sequential || !state.outputs.empty());
  if (!ready) {
    throw Error(std::string(where) + ": the model \"" + model.name() +
                "\" has no weights yet; build it first (an Input, or a call on data)");
  }
}

}  // namespace

void Model::save_weights(const std::string& filepath, const SaveWeightsOptions& options) const {
  if (!ends_with(filepath, ".weights.h5")) {
    throw Error("save_weights: the file name must end with \".weights.h5\", got \"" + filepath + "\"");
  }
  require_built(*this, "save_weights");
  struct stat status {};
  if (!options.overwrite && ::stat(filepath.c_str(), &status) == 0) {
    throw Error("save_weights: \"" + filepath + "\" is there already, and overwrite is false");
  }
  const std::string where = "save_weights: \"" + filepath + "\"";
  Walk walk;
  walk.visit(*this, "");
  detail::AtomicFile file(filepath, where);
  saving::Hdf5Writer writer(where);
  for (const Entry& entry : walk.entries) {
    const std::string group = joined(entry.path, "vars");
    writer.group(group);
    writer.text(group, "name", entry.name, saving::Hdf5Writer::Encoding::utf8);
    for (std::size_t i = 0; i < entry.variables.size(); ++i) {
      writer.dataset(group, std::to_string(i), entry.variables[i].value());
    }
  }
  if (compiled()) {
    const std::vector<Variable> slots = optimizer().variables();
    writer.group("optimizer/vars");
    writer.text("optimizer/vars", "name", optimizer().name(), saving::Hdf5Writer::Encoding::utf8);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      writer.dataset("optimizer/vars", std::to_string(i), slots[i].value());
    }
  }
  writer.finish()->write_to(file);
  file.commit();
}

namespace {

using Assignments = std::vector<std::pair<Variable, Tensor>>;

/// Everything of one group, or an Error: nothing is assigned yet.
void read_group(const saving::Hdf5Reader& reader, const std::string& group, const std::vector<Variable>& variables,
                const std::string& what, Assignments& assignments) {
  const std::size_t found = reader.names(group).size();
  if (found != variables.size()) {
    throw Error(what + " has " + std::to_string(variables.size()) + " weights, the file has " + std::to_string(found) +
                " in \"" + group + "\"");
  }
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const Tensor value = reader.read(group + "/" + std::to_string(i), variables[i].shape());
    assignments.emplace_back(variables[i], value);
  }
}

}  // namespace

void Model::load_weights(const std::string& filepath, const LoadWeightsOptions& options) {
  if (!ends_with(filepath, ".weights.h5")) {
    throw Error("load_weights: the file name must end with \".weights.h5\", got \"" + filepath + "\"");
  }
  if (options.by_name) {
    throw Error("load_weights: by_name is for legacy .h5 files; \".weights.h5\" files are matched by place");
  }
  require_built(*this, "load_weights");
  const std::string where = "load_weights: \"" + filepath + "\"";
  struct stat status {};
  if (::stat(filepath.c_str(), &status) != 0) throw Error(where + ": there is no such file");
  const saving::Hdf5Reader reader(filepath, where);
  Walk walk;
  walk.visit(*this, "");
  Assignments assignments;
  std::vector<std::string> problems;
  for (const Entry& entry : walk.entries) {
    Assignments own;
    try {
      read_group(reader, joined(entry.path, "vars"), entry.variables, "layer \"" + entry.name + "\"", own);
    } catch (const Error& error) {
      problems.emplace_back(error.what());
      continue;
    }
    assignments.insert(assignments.end(), own.begin(), own.end());
  }
  if (!problems.empty()) {
    std::string text = where + ": " + std::to_string(problems.size()) + " of " + std::to_string(walk.entries.size()) +
                       " objects do not fit the model; the first: " + problems.front();
    if (!options.skip_mismatch) throw Error(text);
    std::cerr << "nyala: warning: " << text << " (skipped)\n";
  }
  if (compiled() && reader.has_group("optimizer/vars")) {
    if (!optimizer().built()) optimizer().build(trainable_variables());
    Assignments own;
    try {
      read_group(reader, "optimizer/vars", optimizer().variables(), "the optimizer", own);
      assignments.insert(assignments.end(), own.begin(), own.end());
    } catch (const Error& error) {
      std::cerr << "nyala: warning: " << where << ": the optimizer's state was left as it is: " << error.what() << '\n';
    }
  }
  for (const auto& [variable, value] : assignments) variable.assign(value);
}

}  // namespace nyala
