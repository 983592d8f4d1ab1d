#include "saving/optimizer_file.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include <nyala/error.hpp>
#include <nyala/ops.hpp>

#include "saving/file_format.hpp"

namespace nyala::saving {
namespace {

/// What a slot is called in Keras 3, by what older versions called it.
const std::map<std::string, std::map<std::string, std::string>>& old_slot_names() {
  static const std::map<std::string, std::map<std::string, std::string>> names{
      {"Adam", {{"m", "momentum"}, {"v", "velocity"}, {"vhat", "velocity_hat"}}},
      {"AdamW", {{"m", "momentum"}, {"v", "velocity"}, {"vhat", "velocity_hat"}}},
      {"Nadam", {{"m", "momentum"}, {"v", "velocity"}}},
      {"Adamax", {{"m", "momentum"}, {"v", "norm"}, {"u", "norm"}}},
      {"RMSprop",
       {{"rms", "velocity"}, {"accumulator", "velocity"}, {"mg", "average_gradient"}, {"momentum", "momentum"}}},
      {"SGD", {{"momentum", "momentum"}, {"moment", "momentum"}, {"m", "momentum"}}},
      {"Adagrad", {{"accumulator", "accumulator"}}},
      {"Adadelta",
       {{"accum_grad", "accumulated_grad"},
        {"accumulator", "accumulated_grad"},
        {"accum_var", "accumulated_delta_var"},
        {"delta_accumulator", "accumulated_delta_var"}}},
      {"Ftrl", {{"accumulator", "accumulator"}, {"linear", "linear"}}},
  };
  return names;
}

/// The slots of each kind one after another, as Keras up to 2.2 kept them without telling names ("Variable_3:0").
const std::map<std::string, std::vector<std::string>>& slots_in_order() {
  static const std::map<std::string, std::vector<std::string>> kinds{
      {"Adam", {"momentum", "velocity", "velocity_hat"}},
      {"Nadam", {"momentum", "velocity"}},
      {"Adamax", {"momentum", "norm"}},
      {"RMSprop", {"velocity"}},
      {"SGD", {"momentum"}},
      {"Adagrad", {"accumulator"}},
      {"Adadelta", {"accumulated_grad", "accumulated_delta_var"}},
  };
  return kinds;
}

std::string without_numbers(std::string name) {
  while (true) {
    const std::size_t end = name.find_last_not_of("0123456789");
    if (end == std::string::npos || end + 1 == name.size() || name[end] != '_') return name;
    name.resize(end);
  }
}

/// "Adam/dense/kernel/m:0" (up to 2.10), "Adam/m/dense/kernel:0" (2.11 to 2.15) or "training/Adam/m_0_1:0" (Keras 2.3)
/// -> "m"; none if it says neither.
std::optional<std::string> old_kind(std::string name, const std::map<std::string, std::string>& kinds) {
  if (name.size() > 2 && name.compare(name.size() - 2, 2, ":0") == 0) name.resize(name.size() - 2);
  const std::string last = name.substr(name.rfind('/') + 1);
  if (kinds.count(last) != 0) return last;
  if (kinds.count(without_numbers(last)) != 0) return without_numbers(last);
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

/// A schedule's rate follows from the number of steps.
bool keeps_rate(const Optimizer& optimizer) { return optimizer.options().learning_rate.schedule() == nullptr; }

/// The number of steps, and the rate where it is kept.
std::size_t variables_before_slots(bool has_rate) { return has_rate ? 2 : 1; }

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

  /// Under mixed_float16 Keras wraps the optimizer, and says so nowhere: the steps, a rate, the counter and the scale
  /// of LossScaleOptimizer stand before the state of its own.
  bool after_loss_scale() {
    constexpr std::size_t own = 4;
    if (state_.count != variables_.size() + own) return false;
    for (std::size_t i = 0; i < state_.count; ++i) {
      if (state_.shape(i) != (i < own ? Shape{} : variables_[i - own].shape())) return false;
    }
    for (std::size_t i = own; i < state_.count; ++i) take(i, i - own);
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
        // Nadam's product of momenta follows from the steps.
        if (class_name != "Nadam" || !state_.shape(i).empty()) dropped_.push_back(state_.names[i]);
      }
    }
    // Theano's variables had no names.
    if (!iteration && state_.count > 0 && state_.names[0] == "param_0" && state_.shape(0).empty()) iteration = 0;
    if (stored.empty() && in_order(class_name, iteration)) return true;
    return take_kinds(class_name, stored, iteration);
  }

  /// Nadam before Keras 3 did not keep the product of its momenta either; it follows from the number of steps.
  bool without_rate_and_product(const std::string& class_name) {
    const std::size_t missing = variables_before_slots(has_rate_);
    if (class_name != "Nadam" || state_.count == 0 || state_.count + missing != variables_.size()) return false;
    for (std::size_t i = 0; i < state_.count; ++i) {
      if (state_.shape(i) != variables_[i == 0 ? 0 : i + missing - 1].shape()) return false;
    }
    for (std::size_t i = 0; i < state_.count; ++i) take(i, i == 0 ? 0 : i + missing - 1);
    return true;
  }

  /// Nadam of Keras 3.0 to 3.8 kept that product before the slots, not after them.
  bool product_first(const std::string& class_name) {
    const std::size_t first = variables_before_slots(has_rate_);
    if (class_name != "Nadam" || state_.count != variables_.size() || state_.count <= first) return false;
    const auto place = [&](std::size_t i) { return i < first ? i : i == first ? state_.count - 1 : i - 1; };
    for (std::size_t i = 0; i < state_.count; ++i) {
      if (state_.shape(i) != variables_[place(i)].shape()) return false;
    }
    for (std::size_t i = 0; i < state_.count; ++i) take(i, place(i));
    return true;
  }

  /// Of Nadam, after steps that a file counted without keeping the product.
  void make_momentum_product(const Config& config) {
    const double beta = config.get("beta_1", 0.9), decay = config.get("nyala_schedule_decay", 1.0);
    double product = 1.0;
    for (std::int64_t step = 1; step <= steps_ && product > 0.0; ++step)
      product *= beta * (1.0 - 0.5 * std::pow(0.96, decay * static_cast<double>(step)));
    assignments_.add(variables_.back(), Tensor(static_cast<float>(product)));
  }

  /// SGD of tf.keras 2.11 to 2.15 kept momentum even where there is none.
  bool only_iteration(const std::string& class_name) {
    const std::size_t first = variables_before_slots(has_rate_);
    if (class_name != "SGD" || variables_.size() != first || state_.count == 0 || !state_.shape(0).empty())
      return false;
    take(0, 0);
    return true;
  }

  const std::vector<std::string>& dropped() const { return dropped_; }

 private:
  /// One kind of slot after the other, as Keras before 2.3 listed them; some optimizers' steps were not kept.
  bool in_order(const std::string& class_name, std::optional<std::size_t> iteration) {
    const std::size_t own = variables_before_slots(has_rate_);
    std::map<std::string, std::size_t> counts;
    for (std::size_t i = own; i < variables_.size(); ++i) ++counts[slot_kind(variables_[i])];
    const auto kinds = slots_in_order().find(class_name);
    if (kinds == slots_in_order().end() || counts[kinds->second.front()] == 0) return false;
    if (iteration.value_or(0) != 0) return false;
    const bool keeps_no_steps = class_name == "RMSprop" || class_name == "Adagrad" || class_name == "Adadelta";
    if (!iteration && !keeps_no_steps) return false;
    const std::size_t each = counts[kinds->second.front()], first = iteration ? 1 : 0;
    if (state_.count <= first || (state_.count - first) % each != 0) return false;
    std::map<std::string, std::vector<std::size_t>> stored;
    for (std::size_t i = first; i < state_.count; ++i) {
      if ((i - first) / each >= kinds->second.size()) return false;
      stored[kinds->second[(i - first) / each]].push_back(i);
    }
    std::vector<std::string> unknown = std::exchange(dropped_, {});
    if (take_kinds(class_name, stored, iteration)) return true;
    dropped_ = std::move(unknown);
    return false;
  }

  /// Keras 2 kept a placeholder of one number where Adam does without this slot.
  bool is_placeholder(const std::string& kind, const std::vector<std::size_t>& list) const {
    return kind == "velocity_hat" &&
           std::all_of(list.begin(), list.end(), [&](std::size_t i) { return state_.shape(i) == Shape{1}; });
  }

  /// SGD without momentum kept its slots all the same.
  bool take_kinds(const std::string& class_name, const std::map<std::string, std::vector<std::size_t>>& stored,
                  std::optional<std::size_t> iteration) {
    std::map<std::string, std::size_t> used;
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t i = variables_before_slots(has_rate_); i < variables_.size(); ++i) {
      const std::string kind = slot_kind(variables_[i]);
      const auto list = stored.find(kind);
      if (list == stored.end()) continue;
      const std::size_t place = used[kind]++;
      if (place >= list->second.size() || state_.shape(list->second[place]) != variables_[i].shape()) return false;
      pairs.emplace_back(list->second[place], i);
    }
    for (const auto& [kind, list] : stored) {
      if (used[kind] == 0) {
        if (!is_placeholder(kind, list) && class_name != "SGD") dropped_.push_back(kind);
      } else if (used[kind] != list.size())
        return false;
    }
    for (const auto& [from, to] : pairs) take(from, to);
    if (iteration) take(*iteration, 0);
    return true;
  }

  void take(std::size_t from, std::size_t to) {
    Tensor value = state_.read(from, variables_[to].shape());
    if (to == 0) {
      // 64 bits wide in files from TensorFlow, with a fraction of 0 in files from Theano.
      const auto said = cast(value, DType::float64).item<double>();
      if (!(said >= 0.0 && said <= std::numeric_limits<std::int32_t>::max()) || said != std::floor(said))
        throw Error("the number of steps is impossible: " + std::to_string(said));
      const auto steps = static_cast<std::int64_t>(said);
      value = cast(value, DType::int64);
      steps_ = steps;
    }
    assignments_.add(variables_[to], std::move(value));
  }

  const StoredState& state_;
  const std::vector<Variable>& variables_;
  bool has_rate_;
  Assignments& assignments_;
  std::vector<std::string> dropped_;
  std::int64_t steps_ = 0;
};

}  // namespace

void restore_optimizer(const Model& model, const StoredState& state, const std::string& where,
                       Assignments& assignments) {
  Optimizer& optimizer = model.optimizer();
  bool has_rate = keeps_rate(optimizer);
  // Keras writes these even before the first step, when there are no slots.
  if (state.count <= variables_before_slots(has_rate) && !optimizer.built() && !model.trainable_variables().empty()) {
    const std::vector<Variable> first = optimizer.variables();
    if (state.count == first.size()) {
      Assignments own = assignments.collecting();
      if (about(where, [&] { return Restorer(state, first, has_rate, own).same_order(); }))
        return assignments.append(std::move(own));
    }
  }
  std::string class_name = optimizer.class_name();
  try {
    if (!optimizer.built()) optimizer.build(model.trainable_variables());
    std::vector<Variable> variables = optimizer.variables();
    if (const auto inner = optimizer.inner_optimizer(); inner != nullptr && state.count != variables.size()) {
      // Keras 2's .h5 files have the state of the wrapped optimizer alone.
      class_name = inner->class_name();
      has_rate = keeps_rate(*inner);
      variables = inner->variables();
    }
    Assignments own(assignments.at_once());
    Restorer restorer(state, variables, has_rate, own);
    const bool as_it_is = restorer.same_order() || restorer.after_loss_scale() || restorer.product_first(class_name);
    if (as_it_is || restorer.without_rate() || restorer.without_rate_and_product(class_name) ||
        restorer.by_kind(class_name) || restorer.only_iteration(class_name)) {
      if (!as_it_is && class_name == "Nadam") restorer.make_momentum_product(optimizer.config());
      assignments.append(std::move(own));
      if (restorer.dropped().empty()) return;
      std::string text;
      for (const std::string& name : restorer.dropped()) text += (text.empty() ? "" : ", ") + name;
      return warn(where + ": parts of the optimizer's state have no counterpart and were dropped: " + text);
    }
    warn(where + ": the optimizer's state was dropped: the file holds " + std::to_string(state.count) + " values, " +
         class_name + " has " + std::to_string(variables.size()) + ", or their shapes differ");
  } catch (const Error& error) {
    if (assignments.at_once()) about(where, [] { throw; });  // some of it is there already
    warn(where + ": the optimizer's state was dropped: " + error.what());
  }
}

}  // namespace nyala::saving
