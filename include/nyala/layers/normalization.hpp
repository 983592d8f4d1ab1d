#pragma once

#include <nyala/layer.hpp>

namespace nyala {

/// Bounds of batch renormalisation's corrections; left out: none.
struct RenormClipping {
  std::optional<double> rmax = {}, rmin = {}, dmax = {};
};

struct BatchNormalizationOptions {
  int axis = -1;
  double momentum = 0.99, epsilon = 1e-3;
  bool center = true, scale = true;
  InitializerRef beta_initializer = "zeros", gamma_initializer = "ones", moving_mean_initializer = "zeros",
                 moving_variance_initializer = "ones";
  RegularizerRef beta_regularizer = {}, gamma_regularizer = {};
  ConstraintRef beta_constraint = {}, gamma_constraint = {};
  bool synchronized = false;
  /// Batch renormalisation, Ioffe 2017: training uses the moving statistics too, within renorm_clipping.
  bool renorm = false;
  RenormClipping renorm_clipping = {};
  double renorm_momentum = 0.99;
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
  KerasForm keras_form() const override { return {.others = "training mask"}; }
  Config config() const override;

 private:
  Tensor renormalised(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mask);

  BatchNormalizationOptions options_;
  Variable gamma_, beta_, moving_mean_, moving_variance_, moving_stddev_, renorm_mean_, renorm_stddev_;
};

struct LayerNormalizationOptions {
  Axes axis = -1;
  double epsilon = 1e-3;
  bool center = true, scale = true;
  /// Divides by the standard deviation without taking the mean off, and has no beta.
  bool rms_scaling = false;
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
  bool autocasts() const override { return false; }  // they may overflow before they are normalised
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
  bool autocasts() const override { return false; }  // they may overflow before they are normalised
  Config config() const override;

 private:
  int groups_;
  GroupNormalizationOptions options_;
  Variable gamma_, beta_;
};

struct RMSNormalizationOptions {
  Axes axis = -1;
  double epsilon = 1e-6;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// x / sqrt(mean(x^2) + epsilon) * scale over `axis`. Zhang & Sennrich 2019.
/// https://keras.io/api/layers/normalization_layers/rms_normalization/
class RMSNormalization : public LayerOf<RMSNormalization> {
 public:
  explicit RMSNormalization(RMSNormalizationOptions options = {});
  static RMSNormalization from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "RMSNormalization"; }
  Config config() const override;

 private:
  RMSNormalizationOptions options_;
  Variable scale_;
};

/// Scales x to Euclidean length 1 over `axis`.
/// https://keras.io/api/layers/normalization_layers/unit_normalization/
class UnitNormalization : public LayerOf<UnitNormalization> {
 public:
  explicit UnitNormalization(const Axes& axis = -1, BaseOptions options = {});
  static UnitNormalization from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "UnitNormalization"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  Axes axis_;
  bool axis_listed_ = false;  // a file may say [1] for 1, and keeps saying so
};

struct SpectralNormalizationOptions {
  int power_iterations = 1;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// A layer whose kernel (or embeddings) each training call divides by its greatest singular value, which power
/// iterations follow. Miyato et al. 2018. Training divides the kernel itself, as Keras does with TensorFlow; its
/// trainer for JAX leaves the kernel as it was and divides anew at each step, so that losses there are others after the
/// first. https://keras.io/api/layers/normalization_layers/spectral_normalization/
class SpectralNormalization : public LayerOf<SpectralNormalization> {
 public:
  explicit SpectralNormalization(LayerRef layer, SpectralNormalizationOptions options = {});
  static SpectralNormalization from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "SpectralNormalization"; }
  Config config() const override;

 private:
  LayerRef layer_;
  int power_iterations_;
  Variable kernel_, vector_u_;
};

}  // namespace nyala
