#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nyala/optimizer.hpp>

namespace nyala {

struct AdamOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};

/// Kingma & Ba 2014; amsgrad: Reddi et al. 2018. https://keras.io/api/optimizers/adam/
class Adam : public Optimizer {
 public:
  explicit Adam(AdamOptions options = {});
  std::string class_name() const override { return "Adam"; }
  Config config() const override;
  static Adam from_config(const Config& config);

 protected:
  Adam(AdamOptions options, const std::string& default_name);
  void make_slots(const std::vector<Variable>& variables) override;
  void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) final;
  void update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                  double learning_rate) override;
  bool decays_weights() const override { return true; }

 private:
  AdamOptions own_;
  Slots momentum_, velocity_, velocity_hat_;
};

}  // namespace nyala
