#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nyala/optimizer.hpp>

namespace nyala {

struct AdagradOptions {
  LearningRate learning_rate = 0.001;
  double initial_accumulator_value = 0.1, epsilon = 1e-7;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};

/// Duchi et al. 2011. https://keras.io/api/optimizers/adagrad/
class Adagrad : public Optimizer {
 public:
  explicit Adagrad(AdagradOptions options = {});
  std::string class_name() const override { return "Adagrad"; }
  Config config() const override;
  static Adagrad from_config(const Config& config);

 protected:
  void make_slots(const std::vector<Variable>& variables) override;
  void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) override;
  void update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                  double learning_rate) override;

 private:
  AdagradOptions own_;
  bool epsilon_outside_ = false;  // of the root, as Keras up to 2.10 had it and files of then mean it
  Slots accumulator_;
};

}  // namespace nyala
