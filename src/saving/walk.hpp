#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include <nyala/model.hpp>

#include "model/layer_state.hpp"

namespace nyala::saving {

/// What Keras calls a saveable: one group of a ".weights.h5" file.
struct Saveable {
  std::string path;  // without "/vars"
  std::string name;
  std::vector<Variable> variables;
  Layer* layer = nullptr;
};

/// "a/b", or "b" for an empty "a".
std::string joined(const std::string& path, const std::string& name);

/// The objects of a model in the order, and under the paths, in which Keras 3 goes through them.
std::vector<Saveable> saveables_of(const Model& model);

/// Throws Error, beginning with `where`, if there are no weights yet.
void require_built(const Model& model, const std::string& where);
bool has_weights_made(const Model& model);

}  // namespace nyala::saving
