#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nyala/model.hpp>

#include "saving/assignments.hpp"

namespace nyala::saving {

/// An optimizer's state in a file: the entries in their order, with their names where the format has names.
struct StoredState {
  std::size_t count = 0;
  std::vector<std::string> names;
  std::function<Shape(std::size_t)> shape;
  std::function<Tensor(std::size_t, const Shape&)> read;
};

/// Assigns the state to the model's optimizer, whose slots are made if need be. What old Keras versions keep in another
/// order is sorted out; what has no counterpart is left out with a warning on stderr.
void restore_optimizer(const Model& model, const StoredState& state, const std::string& where,
                       Assignments& assignments);

}  // namespace nyala::saving
