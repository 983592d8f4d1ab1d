#include "saving/optimizer_file.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include <nyala/error.hpp>

namespace nyala::saving {
namespace {

/// What a slot is called in Keras 3, by what older versions called it.
const std::map<std::string, std::map<std::string, std::string>>& old_slot_names() {
  static const std::map<std::string, std::map<std::string, std::string>> names{
      {"Adam", {{"m", "momentum"}, {"v", "velocity"}, {"vhat", "velocity_hat"}}},
      {"AdamW", {{"m", "momentum"}, {"v", "velocity"}, {"vhat", "velocity_hat"}}},
      {"Nadam", {{"m", "momentum"}, {"v", "velocity"}}},
      {"Adamax", {{"m", "momentum"}, {"v", "norm"}, {"u", "norm"}}},
      {"RMSprop", {{"rms", "velocity"}, {"mg", "average_gradient"}, {"momentum", "momentum"}}},
      {"SGD", {{"momentum", "momentum"}, {"m", "momentum"}}},
      {"Adagrad", {{"accumulator", "accumulator"}}},
      {"Adadelta", {{"accum_grad", "accumulated_grad"}, {"accum_var", "accumulated_delta_var"}}},
      {"Ftrl", {{"accumulator", "accumulator"}, {"linear", "linear"}}},
  };
  return names;
}

/// "Adam/dense/kernel/m:0" (up to 2.10) or "Adam/m/dense/kernel:0" (2.11 to 2.15) -> "m"; none if it says neither.
std::optional<std::string> old_kind(std::string name, const std::map<std::string, std::string>& kinds) {
  if (name.size() > 2 && name.compare(name.size() - 2, 2, ":0") == 0) name.resize(name.size() - 2);
  const std::string last = name.substr(name.rfind('/') + 1);
  if (kinds.count(last) != 0) return last;
  const std::size_t first = name.find('/');
  if (first == std::string::npos) return std::nullopt;
  const std::string second = name.substr(first + 1, name.find('/', first + 1) - first - 1);
  return kinds.count(second) != 0 ? std::optional<std::string>(second) : std::nullopt;
}

std::string slot_kind(const Variable& slot) {
  static const char* const kinds[] = {"velocity_hat",
                                      "accumulated_grad",
                                      "accumulated_delta_var",
                                      "average_gradient",
                                      "momentum",
                                      "velocity",
                                      "norm",
                                      "accumulator",
                                      "linear"};
  for (const char* kind : kinds) {
    const std::string ending = std::string("_") + kind;
    const std::string& path = slot.path();
    if (path.size() >= ending.size() && path.compare(path.size() - ending.size(), ending.size(), ending) == 0) {
      return kind;
    }
  }
  return {};
}

bool is_iteration(std::string name) {
  if (name.size() > 2 && name.compare(name.size() - 2, 2, ":0") == 0) name.resize(name.size() - 2);
  name = name.substr(name.rfind('/') + 1);
  return name == "iter" || name == "iteration" || name == "iterations";
}

class Restorer {
 public:
  Restorer(const StoredState& state, const std::vector<Variable>& variables, bool has_rate, Assignments& assignments)
      : state_(state), variables_(variables), has_rate_(has_rate), assignments_(assignments) {}

  /// As it is: Keras 3's own order.
  bool same_order() {
    if (state_.count != variables_.size()) return false;
    for (std::size_t i = 0; i < state_.count; ++i) {
      if (state_.shape(i) != variables_[i].shape()) return false;
    }
    for (std::size_t i = 0; i < state_.count; ++i) take(i, i);
    return true;
  }

  /// tf.keras 2.11 to 2.15 kept no learning rate, but otherwise the same order.
  bool without_rate() {
    if (!has_rate_ || state_.count + 1 != variables_.size()) return false;
    for (std::size_t i = 0; i < state_.count; ++i) {
      if (state_.shape(i) != variables_[i == 0 ? 0 : i + 1].shape()) return false;
    }
    for (std::size_t i = 0; i < state_.count; ++i) take(i, i == 0 ? 0 : i + 1);
    return true;
  }

  /// Older ones: by the kind of slot that the names tell.
  bool by_kind(const std::string& class_name) {
    const auto known = old_slot_names().find(class_name);
    if (known == old_slot_names().end() || state_.names.size() != state_.count) return false;
    std::map<std::string, std::vector<std::size_t>> stored;
    std::optional<std::size_t> iteration;
    for (std::size_t i = 0; i < state_.count; ++i) {
      if (is_iteration(state_.names[i])) {
        iteration = i;
      } else if (const auto kind = old_kind(state_.names[i], known->second)) {
        stored[known->second.at(*kind)].push_back(i);
      } else {
        dropped_.push_back(state_.names[i]);
      }
    }
    return take_kinds(stored, iteration);
  }

  /// SGD of tf.keras 2.11 to 2.15 kept momentum even where there is none.
  bool only_iteration(const std::string& class_name) {
    const std::size_t first = has_rate_ ? 2 : 1;
    if (class_name != "SGD" || variables_.size() != first || state_.count == 0 || !state_.shape(0).empty())
      return false;
    take(0, 0);
    return true;
  }

  const std::vector<std::string>& dropped() const { return dropped_; }

 private:
  bool take_kinds(const std::map<std::string, std::vector<std::size_t>>& stored, std::optional<std::size_t> iteration) {
    std::map<std::string, std::size_t> used;
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t i = has_rate_ ? 2 : 1; i < variables_.size(); ++i) {
      const std::string kind = slot_kind(variables_[i]);
      const auto list = stored.find(kind);
      if (list == stored.end()) continue;
      const std::size_t place = used[kind]++;
      if (place >= list->second.size() || state_.shape(list->second[place]) != variables_[i].shape()) return false;
      pairs.emplace_back(list->second[place], i);
    }
    for (const auto& [kind, list] : stored) {
      if (used[kind] == 0)
        dropped_.push_back(kind);
      else if (used[kind] != list.size())
        return false;
    }
    for (const auto& [from, to] : pairs) take(from, to);
    if (iteration) take(*iteration, 0);
    return true;
  }

  void take(std::size_t from, std::size_t to) {
    Tensor value = state_.read(from, variables_[to].shape());
    if (to == 0) {
      // 64 bits wide in files from TensorFlow.
      const auto steps = is_floating(value.dtype()) ? -1 : value.item<std::int64_t>();
      if (steps < 0 || steps > std::numeric_limits<std::int32_t>::max()) {
        throw Error("the number of steps is impossible: " + std::to_string(steps));
      }
    }
    assignments_.add(variables_[to], std::move(value));
  }

  const StoredState& state_;
  const std::vector<Variable>& variables_;
  bool has_rate_;
  Assignments& assignments_;
  std::vector<std::string> dropped_;
};

}  // namespace

void restore_optimizer(const Model& model, const StoredState& state, const std::string& where,
                       Assignments& assignments) {
  Optimizer& optimizer = model.optimizer();
  const bool has_rate = optimizer.options().learning_rate.schedule() == nullptr;
  // Keras writes these even before the first step, when there are no slots.
  if (state.count <= (has_rate ? 2U : 1U) && !optimizer.built() && !model.trainable_variables().empty()) {
    const std::vector<Variable> first = optimizer.variables();
    if (state.count == first.size()) {
      Assignments own = assignments.collecting();
      if (Restorer(state, first, has_rate, own).same_order()) return assignments.append(std::move(own));
    }
  }
  const std::string class_name = optimizer.class_name();
  try {
    if (!optimizer.built()) optimizer.build(model.trainable_variables());
    const std::vector<Variable> variables = optimizer.variables();
    Assignments own(assignments.at_once());
    Restorer restorer(state, variables, has_rate, own);
    if (restorer.same_order() || restorer.without_rate() || restorer.by_kind(class_name) ||
        restorer.only_iteration(class_name)) {
      assignments.append(std::move(own));
      if (restorer.dropped().empty()) return;
      std::string text;
      for (const std::string& name : restorer.dropped()) text += (text.empty() ? "" : ", ") + name;
      return warn(where + ": parts of the optimizer's state have no counterpart and were dropped: " + text);
    }
    warn(where + ": the optimizer's state was dropped: the file holds " + std::to_string(state.count) + " values, " +
         class_name + " has " + std::to_string(variables.size()) + ", or their shapes differ");
  } catch (const Error& error) {
    if (assignments.at_once()) throw;  // some of it is there already
    warn(where + ": the optimizer's state was dropped: " + error.what());
  }
}

}  // namespace nyala::saving
