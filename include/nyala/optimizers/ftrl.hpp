#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nyala/optimizer.hpp>

namespace nyala {

struct FtrlOptions {
  LearningRate learning_rate = 0.001;
  double learning_rate_power = -0.5, initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0.0, l2_regularization_strength = 0.0;
  double l2_shrinkage_regularization_strength = 0.0, beta = 0.0;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};

/// Follow the regularized leader (McMahan et al. 2013). https://keras.io/api/optimizers/ftrl/
class Ftrl : public Optimizer {
 public:
  explicit Ftrl(FtrlOptions options = {});
  std::string class_name() const override { return "Ftrl"; }
  Config config() const override;
  static Ftrl from_config(const Config& config);

 protected:
  void make_slots(const std::vector<Variable>& variables) override;
  void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) override;
  void update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                  double learning_rate) override;

 private:
  FtrlOptions own_;
  Slots accumulator_, linear_;
};

}  // namespace nyala
