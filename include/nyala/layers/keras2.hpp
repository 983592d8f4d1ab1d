#pragma once

#include <nyala/layers/image_layer.hpp>

namespace nyala {

// Layers of Keras 2 that Keras 3 no longer has: files with them are read here, not by Keras 3.

struct RandomSizeOptions {
  std::string interpolation = "bilinear";
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// In training, all images of a batch get one other height: 1 + factor times theirs. So what follows must do with any
/// height. Input (…, height, width, channels).
class RandomHeight : public LayerOf<RandomHeight> {
 public:
  explicit RandomHeight(Factor factor, RandomSizeOptions options = {});
  static RandomHeight from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "RandomHeight"; }
  Config config() const override;

 private:
  Factor factor_;
  RandomSizeOptions options_;
  SeedGenerator seed_;
};

/// RandomHeight's twin for the width.
class RandomWidth : public LayerOf<RandomWidth> {
 public:
  explicit RandomWidth(Factor factor, RandomSizeOptions options = {});
  static RandomWidth from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "RandomWidth"; }
  Config config() const override;

 private:
  Factor factor_;
  RandomSizeOptions options_;
  SeedGenerator seed_;
};

struct RandomFourierFeaturesOptions {
  /// "gaussian", "laplacian", or an initializer.
  Config kernel_initializer = "gaussian";
  /// Left out: sqrt(features / 2) for "gaussian", else 1.
  std::optional<double> scale = {};
  RegularizerRef activity_regularizer = {};
  /// Only the scale learns.
  bool trainable = false;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// cos(x · kernel / scale + bias) with a kernel and a bias that stay as they were drawn: (batch, features) ->
/// (batch, output_dim), whose products approximate a radial basis function's (Rahimi and Recht, 2007).
class RandomFourierFeatures : public LayerOf<RandomFourierFeatures> {
 public:
  explicit RandomFourierFeatures(int output_dim, RandomFourierFeaturesOptions options = {});
  static RandomFourierFeatures from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "RandomFourierFeatures"; }
  Config config() const override;

 private:
  int output_dim_;
  RandomFourierFeaturesOptions options_;
  Variable kernel_, bias_, scale_;
};

}  // namespace nyala
