#pragma once

#include <memory>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>

#include <nyala/optimizer.hpp>

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
  std::vector<std::string> excluded;
};

}  // namespace nyala
