#include "saving/walk.hpp"

#include <algorithm>

#include <nyala/assets.hpp>
#include <nyala/error.hpp>

#include "core/policy_map.hpp"
#include "model/model_state.hpp"

namespace nyala::saving {

using detail::LayerState;
using detail::ModelState;

std::string joined(const std::string& path, const std::string& name) { return detail::path_of(path, name); }

namespace {

class Walk {
 public:
  std::vector<Saveable> entries;

  void visit(const Layer& layer, const std::string& path) {
    const LayerState& state = detail::state_of(layer);
    if (!visited_.insert(&state).second) return;
    std::vector<Variable> own = state.trainable_weights;
    own.insert(own.end(), state.other_weights.begin(), state.other_weights.end());
    if (const auto* stored = dynamic_cast<const WithStoredVariables*>(&layer)) {
      if (std::vector<Variable> variables = stored->stored_variables(); !variables.empty()) own = std::move(variables);
    }
    entries.push_back({path, layer.name(), own, const_cast<Layer*>(&layer)});
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
    detail::ListNames names;
    for (const LayerRef& layer : layers) visit(*layer, joined(path, names.next(layer->class_name())));
  }

  std::unordered_set<const LayerState*> visited_;
};

}  // namespace

std::vector<Saveable> saveables_of(const Model& model) {
  Walk walk;
  walk.visit(model, "");
  return std::move(walk.entries);
}

bool has_weights_made(const Model& model) {
  const ModelState& state = *model.model_state();
  return model.built() && (state.kind != detail::ModelKind::sequential || !state.outputs.empty());
}

void require_built(const Model& model, const std::string& where) {
  if (has_weights_made(model)) return;
  throw Error(where + ": the model \"" + model.name() +
              "\" has no weights yet; build it first (an Input, or a call on data)");
}

}  // namespace nyala::saving
