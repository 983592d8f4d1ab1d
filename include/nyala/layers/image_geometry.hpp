#pragma once

#include <optional>
#include <string>

#include <nyala/layers/image_layer.hpp>

namespace nyala {

// Layers that move pixels. https://keras.io/api/layers/preprocessing_layers/
// Angles are parts of a full turn, distances parts of the height or width.

struct ImageOptions {
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

struct RandomImageOptions {
  std::optional<std::int64_t> seed = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

struct ResizingOptions {
  /// "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
  std::string interpolation = "bilinear";
  bool crop_to_aspect_ratio = false, pad_to_aspect_ratio = false;
  /// Only "constant": what pad_to_aspect_ratio fills with.
  std::string fill_mode = "constant";
  double fill_value = 0.0;
  bool antialias = false;
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Images of one size; integers stay integers, rounded.
class Resizing : public LayerOf<Resizing, ImageLayer> {
 public:
  Resizing(std::int64_t height, std::int64_t width, ResizingOptions options = {});
  static Resizing from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "Resizing"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool) override { return images; }
  std::int64_t height_, width_;
  ResizingOptions options_;
};

/// The middle of an image; of images too small the largest part of that aspect ratio, enlarged.
class CenterCrop : public LayerOf<CenterCrop, ImageLayer> {
 public:
  CenterCrop(std::int64_t height, std::int64_t width, ImageOptions options = {});
  static CenterCrop from_config(const Config& config);

  Shape compute_output_shape(const Shape& input) const override { return resized(input, height_, width_); }
  std::string class_name() const override { return "CenterCrop"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool always() const override { return true; }
  std::int64_t height_, width_;
};

/// A window at a random place, the same for all images of a batch. As in Keras, inference leaves images as they are.
class RandomCrop : public LayerOf<RandomCrop, ImageLayer> {
 public:
  RandomCrop(std::int64_t height, std::int64_t width, RandomImageOptions options = {});
  static RandomCrop from_config(const Config& config);

  Shape compute_output_shape(const Shape& input) const override { return resized(input, height_, width_); }
  std::string class_name() const override { return "RandomCrop"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool always() const override { return !at_inference_.empty(); }
  std::int64_t height_, width_, recorded_seed_;
  std::string at_inference_;  // of files before Keras 3.8, which cut out a window then too
};

/// Flips an image with probability 1/2; mode "horizontal", "vertical" or "horizontal_and_vertical" (both at once).
class RandomFlip : public LayerOf<RandomFlip, ImageLayer> {
 public:
  explicit RandomFlip(const std::string& mode = "horizontal_and_vertical", RandomImageOptions options = {});
  static RandomFlip from_config(const Config& config);

  std::string class_name() const override { return "RandomFlip"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  std::string mode_;
};

struct RandomTransformOptions {
  /// What lies outside of the image: "reflect", "wrap", "constant" or "nearest".
  std::string fill_mode = "reflect";
  /// "nearest" or "bilinear".
  std::string interpolation = "bilinear";
  std::optional<std::int64_t> seed = {};
  double fill_value = 0.0;
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Rotates by an angle in `factor` of a full turn.
class RandomRotation : public LayerOf<RandomRotation, ImageLayer> {
 public:
  explicit RandomRotation(Factor factor, RandomTransformOptions options = {});
  static RandomRotation from_config(const Config& config);

  std::string class_name() const override { return "RandomRotation"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  Factor factor_;
  RandomTransformOptions options_;
};

/// Shifts down and to the right by parts of height and width.
class RandomTranslation : public LayerOf<RandomTranslation, ImageLayer> {
 public:
  RandomTranslation(Factor height_factor, Factor width_factor, RandomTransformOptions options = {});
  static RandomTranslation from_config(const Config& config);

  std::string class_name() const override { return "RandomTranslation"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  Factor height_factor_, width_factor_;
  RandomTransformOptions options_;
};

struct RandomZoomOptions {
  /// std::nullopt: as the height, so that the aspect ratio stays.
  std::optional<Factor> width_factor = {};
  std::string fill_mode = "reflect", interpolation = "bilinear";
  std::optional<std::int64_t> seed = {};
  double fill_value = 0.0;
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Shows 1 + factor times the height and width: positive numbers zoom out.
class RandomZoom : public LayerOf<RandomZoom, ImageLayer> {
 public:
  explicit RandomZoom(Factor height_factor, RandomZoomOptions options = {});
  static RandomZoom from_config(const Config& config);

  std::string class_name() const override { return "RandomZoom"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  Factor height_factor_;
  RandomZoomOptions options_;
};

/// Shifts rows by x_factor times their number and columns by y_factor times theirs, to either side.
class RandomShear : public LayerOf<RandomShear, ImageLayer> {
 public:
  explicit RandomShear(Factor x_factor = 0.0, Factor y_factor = 0.0, RandomTransformOptions options = {});
  static RandomShear from_config(const Config& config);

  std::string class_name() const override { return "RandomShear"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  Factor x_factor_, y_factor_;
  RandomTransformOptions options_;
};

struct RandomPerspectiveOptions {
  /// The probability.
  Factor factor = 1.0;
  /// How far corners move, in [0, 1].
  double scale = 1.0;
  std::string interpolation = "bilinear";
  double fill_value = 0.0;
  std::optional<std::int64_t> seed = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Looks at the image from another side.
class RandomPerspective : public LayerOf<RandomPerspective, ImageLayer> {
 public:
  explicit RandomPerspective(RandomPerspectiveOptions options = {});
  static RandomPerspective from_config(const Config& config);

  std::string class_name() const override { return "RandomPerspective"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  RandomPerspectiveOptions options_;
};

struct RandomElasticTransformOptions {
  /// The probability.
  Factor factor = 1.0;
  /// The strength.
  Factor scale = 1.0;
  std::string interpolation = "bilinear";
  /// "constant", "nearest", "wrap", "mirror" or "reflect".
  std::string fill_mode = "reflect";
  double fill_value = 0.0;
  ValueRange value_range = {};
  std::optional<std::int64_t> seed = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Moves every pixel by a smooth random field (Simard et al. 2003), then clips to value_range.
class RandomElasticTransform : public LayerOf<RandomElasticTransform, ImageLayer> {
 public:
  explicit RandomElasticTransform(RandomElasticTransformOptions options = {});
  static RandomElasticTransform from_config(const Config& config);

  std::string class_name() const override { return "RandomElasticTransform"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  RandomElasticTransformOptions options_;
};

}  // namespace nyala
