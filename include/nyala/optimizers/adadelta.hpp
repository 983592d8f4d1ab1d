#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nyala/optimizer.hpp>

namespace nyala {

struct AdadeltaOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.95, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};

/// Zeiler 2012. https://keras.io/api/optimizers/adadelta/
class Adadelta : public Optimizer {
 public:
  explicit Adadelta(AdadeltaOptions options = {});
  std::string class_name() const override { return "Adadelta"; }
  Config config() const override;
  static Adadelta from_config(const Config& config);

 protected:
  void make_slots(const std::vector<Variable>& variables) override;
  void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) override;
  void update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                  double learning_rate) override;

 private:
  AdadeltaOptions own_;
  Slots accumulated_grad_, accumulated_delta_;
};

}  // namespace nyala
