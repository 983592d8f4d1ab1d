#pragma once

#include <string>
#include <utility>
#include <vector>

namespace nyala {
class Model;
class Optimizer;
}  // namespace nyala

namespace nyala::detail {

/// The optimizers of a model that have a learning rate, and their names where they are several (MultiOptimizer).
std::vector<std::pair<Optimizer*, std::string>> rated_optimizers(Model& model);
/// "learning_rate", or "learning_rate_adam" for one of several: how logs call the rate.
std::string rate_entry(const std::string& name);

/// A number as Python prints a float: the shortest text that reads back the same, "0.001", "1e-05", "3.0", "nan".
std::string python_number(double value);

/// A line on standard output, flushed.
void say(const std::string& line);
/// A line "warning: …" on standard error.
void warn(const std::string& line);

}  // namespace nyala::detail
