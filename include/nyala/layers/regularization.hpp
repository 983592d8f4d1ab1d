#pragma once

#include <nyala/layer.hpp>
#include <nyala/random.hpp>

namespace nyala {

struct DropoutOptions {
  Shape noise_shape = {};
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// In training, zeroes a share `rate` of the input and scales the rest by 1 / (1 - rate). noise_shape: sizes of the
/// mask (None: the input's; 1: shared). Error for a rate outside [0, 1].
/// https://keras.io/api/layers/regularization_layers/dropout/
class Dropout : public LayerOf<Dropout> {
 public:
  explicit Dropout(double rate, DropoutOptions options = {});
  static Dropout from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Dropout"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  double rate_;
  DropoutOptions options_;
  SeedGenerator seed_;
};

struct SpatialDropout1DOptions {
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Dropout of whole channels. https://keras.io/api/layers/regularization_layers/spatial_dropout1d/
class SpatialDropout1D : public LayerOf<SpatialDropout1D> {
 public:
  explicit SpatialDropout1D(double rate, SpatialDropout1DOptions options = {});
  static SpatialDropout1D from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "SpatialDropout1D"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  double rate_;
  SpatialDropout1DOptions options_;
  SeedGenerator seed_;
};

struct SpatialDropout2DOptions {
  std::string data_format = {};
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Dropout of whole channels. https://keras.io/api/layers/regularization_layers/spatial_dropout2d/
class SpatialDropout2D : public LayerOf<SpatialDropout2D> {
 public:
  explicit SpatialDropout2D(double rate, SpatialDropout2DOptions options = {});
  static SpatialDropout2D from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "SpatialDropout2D"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  double rate_;
  SpatialDropout2DOptions options_;
  SeedGenerator seed_;
};

struct SpatialDropout3DOptions {
  std::string data_format = {};
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Dropout of whole channels. https://keras.io/api/layers/regularization_layers/spatial_dropout3d/
class SpatialDropout3D : public LayerOf<SpatialDropout3D> {
 public:
  explicit SpatialDropout3D(double rate, SpatialDropout3DOptions options = {});
  static SpatialDropout3D from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "SpatialDropout3D"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  double rate_;
  SpatialDropout3DOptions options_;
  SeedGenerator seed_;
};

struct GaussianNoiseOptions {
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// In training, adds normal noise. Error for stddev outside [0, 1].
/// https://keras.io/api/layers/regularization_layers/gaussian_noise/
class GaussianNoise : public LayerOf<GaussianNoise> {
 public:
  explicit GaussianNoise(double stddev, GaussianNoiseOptions options = {});
  static GaussianNoise from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "GaussianNoise"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  double stddev_;
  GaussianNoiseOptions options_;
  SeedGenerator seed_;
};

struct GaussianDropoutOptions {
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// In training, multiplies by normal noise of mean 1 and deviation sqrt(rate / (1 - rate)).
/// https://keras.io/api/layers/regularization_layers/gaussian_dropout/
class GaussianDropout : public LayerOf<GaussianDropout> {
 public:
  explicit GaussianDropout(double rate, GaussianDropoutOptions options = {});
  static GaussianDropout from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "GaussianDropout"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  double rate_;
  GaussianDropoutOptions options_;
  SeedGenerator seed_;
};

struct AlphaDropoutOptions {
  Shape noise_shape = {};
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Dropout that keeps mean and variance of SELU activations (Klambauer et al. 2017).
/// https://keras.io/api/layers/regularization_layers/alpha_dropout/
class AlphaDropout : public LayerOf<AlphaDropout> {
 public:
  explicit AlphaDropout(double rate, AlphaDropoutOptions options = {});
  static AlphaDropout from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "AlphaDropout"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  double rate_;
  AlphaDropoutOptions options_;
  SeedGenerator seed_;
};

struct ActivityRegularizationOptions {
  double l1 = 0.0, l2 = 0.0;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Adds l1 * sum |x| + l2 * sum x² to the loss.
/// https://keras.io/api/layers/regularization_layers/activity_regularization/
class ActivityRegularization : public LayerOf<ActivityRegularization> {
 public:
  explicit ActivityRegularization(ActivityRegularizationOptions options = {});
  static ActivityRegularization from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "ActivityRegularization"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  ActivityRegularizationOptions options_;
};

}  // namespace nyala
