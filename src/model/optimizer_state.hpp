#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <nyala/optimizer.hpp>
#include <nyala/path_pattern.hpp>

namespace nyala {

struct Optimizer::State {
  OptimizerOptions options;
  std::string name;
  bool built = false, warned = false;
  Variable iteration, learning_rate;  // the latter null with a schedule
  std::vector<Variable> slots;        // all, in Keras' order
  std::vector<Variable> averages, accumulators;
  std::vector<Variable> trained;
  std::unordered_map<const detail::VariableImpl*, std::size_t> places;
  std::vector<bool> decays;
  std::vector<PathPattern> excluded;  // names of variables without weight decay
};

}  // namespace nyala
