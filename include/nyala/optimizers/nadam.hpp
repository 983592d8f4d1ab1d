#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nyala/optimizer.hpp>

namespace nyala {

struct NadamOptions {
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

/// Adam with Nesterov momentum (Dozat 2016). https://keras.io/api/optimizers/Nadam/
class Nadam : public Optimizer {
 public:
  explicit Nadam(NadamOptions options = {});
  std::string class_name() const override { return "Nadam"; }
  Config config() const override;
  static Nadam from_config(const Config& config);

 protected:
  void make_slots(const std::vector<Variable>& variables) override;
  void begin_step() override;
  void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) override;
  void update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                  double learning_rate) override;

 private:
  /// Dozat's schedule of the momentum.
  double momentum_at(std::int64_t step) const;

  NadamOptions own_;
  double schedule_decay_ = 1.0;  // 0.004 unless told otherwise in Keras up to 2.10, and in files of then
  Slots momentum_, velocity_, product_;
};

}  // namespace nyala
