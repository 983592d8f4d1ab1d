#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nyala/optimizer.hpp>

namespace nyala {

struct AdafactorOptions {
  LearningRate learning_rate = 0.001;
  double beta_2_decay = -0.8, epsilon_1 = 1e-30, epsilon_2 = 1e-3, clip_threshold = 1.0;
  bool relative_step = true;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};

/// Second moments kept as row and column means (Shazeer & Stern 2018). https://keras.io/api/optimizers/adafactor/
class Adafactor : public Optimizer {
 public:
  explicit Adafactor(AdafactorOptions options = {});
  std::string class_name() const override { return "Adafactor"; }
  Config config() const override;
  static Adafactor from_config(const Config& config);

 protected:
  void make_slots(const std::vector<Variable>& variables) override;
  void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) override;

 private:
  AdafactorOptions own_;
  Slots row_, column_, velocity_;
};

}  // namespace nyala
