#pragma once

#include <nyala/layer.hpp>

namespace nyala {

struct BatchNormalizationOptions {
  int axis = -1;
  double momentum = 0.99, epsilon = 1e-3;
  bool center = true, scale = true;
  InitializerRef beta_initializer = "zeros", gamma_initializer = "ones", moving_mean_initializer = "zeros",
                 moving_variance_initializer = "ones";
  RegularizerRef beta_regularizer = {}, gamma_regularizer = {};
  ConstraintRef beta_constraint = {}, gamma_constraint = {};
  bool synchronized = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Normalises each channel: in training (and while trainable) by the batch's mean and population variance, which also
/// move the running ones; otherwise by those. A mask leaves steps out. Ioffe & Szegedy 2015.
/// https://keras.io/api/layers/normalization_layers/batch_normalization/
class BatchNormalization : public LayerOf<BatchNormalization> {
 public:
  explicit BatchNormalization(BatchNormalizationOptions options = {});
  static BatchNormalization from_config(const Config& config);

  void build(const Shape& input) override;
  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "BatchNormalization"; }
  Config config() const override;

 private:
  BatchNormalizationOptions options_;
  Variable gamma_, beta_, moving_mean_, moving_variance_;
};

struct LayerNormalizationOptions {
  Axes axis = -1;
  double epsilon = 1e-3;
  bool center = true, scale = true;
  InitializerRef beta_initializer = "zeros", gamma_initializer = "ones";
  RegularizerRef beta_regularizer = {}, gamma_regularizer = {};
  ConstraintRef beta_constraint = {}, gamma_constraint = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Normalises each sample over `axis`. Ba, Kiros & Hinton 2016.
/// https://keras.io/api/layers/normalization_layers/layer_normalization/
class LayerNormalization : public LayerOf<LayerNormalization> {
 public:
  explicit LayerNormalization(LayerNormalizationOptions options = {});
  static LayerNormalization from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "LayerNormalization"; }
  Config config() const override;

 private:
  LayerNormalizationOptions options_;
  std::vector<int> axes_;
  Variable gamma_, beta_;
};

struct GroupNormalizationOptions {
  int axis = -1;
  double epsilon = 1e-3;
  bool center = true, scale = true;
  InitializerRef beta_initializer = "zeros", gamma_initializer = "ones";
  RegularizerRef beta_regularizer = {}, gamma_regularizer = {};
  ConstraintRef beta_constraint = {}, gamma_constraint = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Normalises each sample over groups of channels; groups -1: one channel each. Wu & He 2018.
/// https://keras.io/api/layers/normalization_layers/group_normalization/
class GroupNormalization : public LayerOf<GroupNormalization> {
 public:
  explicit GroupNormalization(int groups = 32, GroupNormalizationOptions options = {});
  static GroupNormalization from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "GroupNormalization"; }
  Config config() const override;

 private:
  int groups_;
  GroupNormalizationOptions options_;
  Variable gamma_, beta_;
};

}  // namespace nyala
