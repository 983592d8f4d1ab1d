#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nyala/layers/image_geometry.hpp>

namespace nyala {

// Layers that mix or erase images, and sequences of others. https://keras.io/api/layers/preprocessing_layers/

struct RandomErasingOptions {
  /// The probability.
  Factor factor = 1.0;
  /// The area of the rectangle's sides, as parts of height and width.
  Factor scale = {0.02, 0.33};
  /// None: noise; one number, or one for each of three channels.
  std::vector<double> fill_value = {};
  ValueRange value_range = {};
  std::optional<std::int64_t> seed = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Overwrites a random rectangle (Zhong et al. 2017).
class RandomErasing : public LayerOf<RandomErasing, ImageLayer> {
 public:
  explicit RandomErasing(RandomErasingOptions options = {});
  static RandomErasing from_config(const Config& config);

  std::string class_name() const override { return "RandomErasing"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  RandomErasingOptions options_;
};

struct CutMixOptions {
  /// Of the beta distribution that the kept part is drawn from.
  Factor factor = 1.0;
  std::optional<std::int64_t> seed = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Replaces a rectangle by that of another image of the batch (Yun et al. 2019).
class CutMix : public LayerOf<CutMix, ImageLayer> {
 public:
  explicit CutMix(CutMixOptions options = {});
  static CutMix from_config(const Config& config);

  /// Of {images, labels}: both, labels mixed like their images.
  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override { return inputs; }
  std::string class_name() const override { return "CutMix"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  struct Mix {
    Tensor images, weights, order;
  };
  Mix mixed(const Tensor& images);
  CutMixOptions options_;
};

/// Weighted means with another image of the batch (Zhang et al. 2017), weights from a symmetric beta distribution.
class MixUp : public LayerOf<MixUp, ImageLayer> {
 public:
  explicit MixUp(double alpha = 0.2, RandomImageOptions options = {});
  static MixUp from_config(const Config& config);

  /// Of {images, labels}: both, labels mixed like their images.
  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override { return inputs; }
  std::string class_name() const override { return "MixUp"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  struct Mix {
    Tensor weights, order;
  };
  Mix drawn(std::int64_t count);
  double alpha_;
};

struct RandAugmentOptions {
  ValueRange value_range = {};
  int num_ops = 2;
  /// How strong each of them is, in [0, 1].
  Factor factor = 0.5;
  std::string interpolation = "bilinear";
  std::optional<std::int64_t> seed = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// num_ops of eleven changes, drawn for each batch (Cubuk et al. 2019).
class RandAugment : public LayerOf<RandAugment, ImageLayer> {
 public:
  explicit RandAugment(RandAugmentOptions options = {});
  static RandAugment from_config(const Config& config);

  std::string class_name() const override { return "RandAugment"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  RandAugmentOptions options_;
  std::vector<LayerRef> steps_;
};

struct AugMixOptions {
  ValueRange value_range = {};
  int num_chains = 3, chain_depth = 3;
  /// How strong each change is, in [0, 1].
  Factor factor = 0.3;
  /// Of the distributions that the weights of the chains, and of the image itself, are drawn from.
  double alpha = 1.0;
  /// Brightness, colour, contrast and sharpness too.
  bool all_ops = true;
  std::string interpolation = "bilinear";
  std::optional<std::int64_t> seed = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// A weighted mean of the image and several chains of random changes (Hendrycks et al. 2019).
class AugMix : public LayerOf<AugMix, ImageLayer> {
 public:
  explicit AugMix(AugMixOptions options = {});
  static AugMix from_config(const Config& config);

  std::string class_name() const override { return "AugMix"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  AugMixOptions options_;
  std::vector<LayerRef> steps_;
};

/// Limits the boxes that come beside images in Keras' data pipelines; images alone pass unchanged.
class MaxNumBoundingBoxes : public LayerOf<MaxNumBoundingBoxes, ImageLayer> {
 public:
  explicit MaxNumBoundingBoxes(std::int64_t max_number, ImageOptions options = {});
  static MaxNumBoundingBoxes from_config(const Config& config);

  std::string class_name() const override { return "MaxNumBoundingBoxes"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  std::int64_t max_number_;
};

}  // namespace nyala
