#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nyala/optimizer.hpp>

namespace nyala {

struct RMSpropOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.9, momentum = 0.0, epsilon = 1e-7;
  bool centered = false;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};

/// Tieleman & Hinton 2012; centred: Graves 2013. https://keras.io/api/optimizers/rmsprop/
class RMSprop : public Optimizer {
 public:
  explicit RMSprop(RMSpropOptions options = {});
  std::string class_name() const override { return "RMSprop"; }
  Config config() const override;
  static RMSprop from_config(const Config& config);

 protected:
  void make_slots(const std::vector<Variable>& variables) override;
  void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) final;
  void update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                  double learning_rate) override;
  bool decays_weights() const override { return true; }

 private:
  /// As Keras did up to 2.10, which files of then mean: epsilon added to the root, not under it.
  void update_with_epsilon_outside(const Tensor& gradient, std::size_t index, double learning_rate);

  RMSpropOptions own_;
  bool epsilon_outside_ = false;
  Slots velocity_, momentum_, average_gradient_;
};

}  // namespace nyala
