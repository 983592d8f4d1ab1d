#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nyala/optimizer.hpp>
#include <nyala/path_pattern.hpp>

namespace nyala {

struct MuonOptions {
  LearningRate learning_rate = 0.001;
  double adam_beta_1 = 0.9, adam_beta_2 = 0.999;
  std::optional<double> adam_weight_decay = 0.004;
  double epsilon = 1e-7;
  std::optional<double> weight_decay = 0.004, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  /// Regular expressions; variables whose path holds one of them are left to AdamW.
  std::vector<std::string> exclude_layers = {};
  bool exclude_embeddings = true;
  double muon_a = 3.4445, muon_b = -4.775, muon_c = 2.0315, adam_lr_ratio = 1.0, momentum = 0.95;
  int ns_steps = 5;
  bool nesterov = true;
  std::optional<double> rms_rate = 0.2;
  std::string name = {};
};

/// Orthogonalised momentum for matrices (Jordan et al. 2024; Liu et al. 2025), AdamW for everything else and for
/// embeddings. https://keras.io/api/optimizers/muon/
class Muon : public Optimizer {
 public:
  explicit Muon(MuonOptions options = {});
  std::string class_name() const override { return "Muon"; }
  Config config() const override;
  static Muon from_config(const Config& config);

 protected:
  void make_slots(const std::vector<Variable>& variables) override;
  void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) override;
  double weight_decay(const Variable& variable, std::size_t index) const override;

 private:
  bool left_to_adam(const Variable& variable) const;
  Tensor orthogonalized(const Tensor& x) const;

  MuonOptions own_;
  std::vector<PathPattern> excluded_;
  Slots momentum_, velocity_;
};

}  // namespace nyala
