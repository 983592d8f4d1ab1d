#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nyala/optimizer.hpp>

namespace nyala {

struct LionOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.99;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};

/// Steps of one size, by the sign of the momentum (Chen et al. 2023). https://keras.io/api/optimizers/lion/
class Lion : public Optimizer {
 public:
  explicit Lion(LionOptions options = {});
  std::string class_name() const override { return "Lion"; }
  Config config() const override;
  static Lion from_config(const Config& config);

 protected:
  void make_slots(const std::vector<Variable>& variables) override;
  void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) override;
  void update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                  double learning_rate) override;

 private:
  LionOptions own_;
  Slots momentum_;
};

}  // namespace nyala
