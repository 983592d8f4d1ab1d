#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nyala/optimizer.hpp>

namespace nyala {

struct LambOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};

/// Adam with each variable's step scaled to its norm, for large batches (You et al. 2019).
/// https://keras.io/api/optimizers/lamb/
class Lamb : public Optimizer {
 public:
  explicit Lamb(LambOptions options = {});
  std::string class_name() const override { return "Lamb"; }
  Config config() const override;
  static Lamb from_config(const Config& config);

 protected:
  void make_slots(const std::vector<Variable>& variables) override;
  void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) override;

 private:
  LambOptions own_;
  Slots momentum_, velocity_;
};

}  // namespace nyala
