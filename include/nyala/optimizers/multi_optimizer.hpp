#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nyala/optimizer.hpp>
#include <nyala/path_pattern.hpp>

namespace nyala {

/// Which optimizer trains which variable: by the variable's whole path ("dense/kernel") or a regular expression that
/// all of it fits; the default one trains the others.
struct OptimizerMap {
  OptimizerRef default_optimizer;
  std::vector<std::pair<std::string, OptimizerRef>> by_path = {};
};

struct MultiOptimizerOptions {
  std::optional<double> loss_scale_factor = {};  // in place of the optimizers' own
  std::string name = {};
};

/// Several optimizers, each for variables of its own. https://keras.io/api/optimizers/
class MultiOptimizer : public Optimizer {
 public:
  /// Throws Error for a path given twice, a pattern that is no regular expression, and an optimizer that wraps others.
  explicit MultiOptimizer(const OptimizerMap& optimizers, MultiOptimizerOptions options = {});

  void apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables) override;
  /// Throws Error for a variable that more than one pattern fits.
  void build(const std::vector<Variable>& variables) override;
  /// There is no one rate: both throw Error; optimizers() have theirs.
  double learning_rate() const override;
  void set_learning_rate(double rate) override;
  std::vector<Variable> variables() const override;
  void finalize_variable_values(const std::vector<Variable>& variables) override;

  /// Those of the map in its order, the default one last.
  std::vector<std::shared_ptr<Optimizer>> optimizers() const override { return optimizers_; }
  std::string class_name() const override { return "MultiOptimizer"; }
  Config config() const override;
  static MultiOptimizer from_config(const Config& config);

 protected:
  void make_slots(const std::vector<Variable>& variables) override;
  void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) override;

 private:
  struct Rule {
    PathPattern path;
    std::size_t optimizer;
  };

  std::size_t add(std::shared_ptr<Optimizer> optimizer);
  std::size_t optimizer_of(const std::string& path) const;
  /// The place in optimizers_ of the one that trains the variable.
  std::size_t owner(const Variable& variable, std::size_t hint) const;

  std::vector<std::shared_ptr<Optimizer>> optimizers_, given_;
  std::vector<Rule> rules_;
  std::size_t default_ = 0;
  std::shared_ptr<std::vector<std::size_t>> owners_;  // of each trained variable
};

}  // namespace nyala
