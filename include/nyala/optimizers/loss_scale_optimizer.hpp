#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nyala/optimizer.hpp>

namespace nyala {

struct LossScaleOptimizerOptions {
  double initial_scale = 32768.0;
  int dynamic_growth_steps = 2000;
  std::string name = {};
};

/// Multiplies the loss, so that float16 gradients do not vanish, and divides the gradients again: halves the scale and
/// leaves the step out when a gradient is not finite, doubles it after dynamic_growth_steps good ones.
/// https://keras.io/api/optimizers/loss_scale_optimizer/
class LossScaleOptimizer : public Optimizer {
 public:
  /// Throws Error for an inner optimizer with a loss_scale_factor of its own.
  explicit LossScaleOptimizer(const OptimizerRef& inner_optimizer, LossScaleOptimizerOptions options = {});

  void apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables) override;
  void build(const std::vector<Variable>& variables) override;
  double learning_rate() const override { return inner_->learning_rate(); }
  void set_learning_rate(double rate) override { inner_->set_learning_rate(rate); }
  std::int64_t iterations() const override { return inner_->iterations(); }
  void set_iterations(std::int64_t iterations) override { inner_->set_iterations(iterations); }
  std::vector<Variable> variables() const override;
  void finalize_variable_values(const std::vector<Variable>& variables) override;
  Tensor scale_loss(const Tensor& loss) const override;
  /// What the loss is multiplied by now.
  double dynamic_scale() const;

  std::shared_ptr<Optimizer> inner_optimizer() const override { return inner_; }
  std::string class_name() const override { return "LossScaleOptimizer"; }
  Config config() const override;
  static LossScaleOptimizer from_config(const Config& config);

 protected:
  void make_slots(const std::vector<Variable>& variables) override;
  void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) override;

 private:
  std::shared_ptr<Optimizer> inner_;
  LossScaleOptimizerOptions own_;
  Slots own_slots_;  // steps since the last change, scale
};

}  // namespace nyala
