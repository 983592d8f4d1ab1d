#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nyala/tensor.hpp>
#include <nyala/variable.hpp>

namespace nyala::saving {

/// New values of variables. A model that is in use gets them all at the end, when nothing can go wrong any more; one
/// that is just being made gets each at once, so that its weights are not in memory twice.
class Assignments {
 public:
  explicit Assignments(bool at_once = false) : at_once_(at_once) {}
  void add(const Variable& variable, Tensor value) {
    if (at_once_)
      variable.assign(std::move(value));
    else
      waiting_.emplace_back(variable, std::move(value));
  }
  void append(Assignments&& others) {
    for (auto& [variable, value] : others.waiting_) add(variable, std::move(value));
    others.waiting_.clear();
  }
  bool at_once() const { return at_once_; }
  /// For the parts of a file that may turn out not to fit.
  Assignments collecting() const { return Assignments(false); }
  void commit() {
    for (auto& [variable, value] : waiting_) variable.assign(std::exchange(value, Tensor()));
    waiting_.clear();
  }

 private:
  bool at_once_;
  std::vector<std::pair<Variable, Tensor>> waiting_;
};

/// What a user should know although it is no error.
void warn(const std::string& text);

}  // namespace nyala::saving
