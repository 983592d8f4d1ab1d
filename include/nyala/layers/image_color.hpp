#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <nyala/layers/image_geometry.hpp>

namespace nyala {

// Layers that change colours. https://keras.io/api/layers/preprocessing_layers/

struct ColorOptions {
  ValueRange value_range = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

struct RandomColorOptions {
  ValueRange value_range = {};
  std::optional<std::int64_t> seed = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Adds a part of the range of values, in `factor`, and clips.
class RandomBrightness : public LayerOf<RandomBrightness, ImageLayer> {
 public:
  explicit RandomBrightness(Factor factor, RandomColorOptions options = {});
  static RandomBrightness from_config(const Config& config);

  std::string class_name() const override { return "RandomBrightness"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  Factor factor_;
  ValueRange range_;
};

/// Distances from the mean of each channel times 1 - factor.lower() to 1 + factor.upper(); clipped.
class RandomContrast : public LayerOf<RandomContrast, ImageLayer> {
 public:
  explicit RandomContrast(Factor factor, RandomColorOptions options = {});
  static RandomContrast from_config(const Config& config);

  std::string class_name() const override { return "RandomContrast"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  Factor factor_;
  ValueRange range_;
};

/// Turns the hue by up to half of `factor` (in [0, 1]) of the circle to either side.
class RandomHue : public LayerOf<RandomHue, ImageLayer> {
 public:
  explicit RandomHue(Factor factor, RandomColorOptions options = {});
  static RandomHue from_config(const Config& config);

  std::string class_name() const override { return "RandomHue"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  Factor factor_;
  ValueRange range_;
};

/// Saturation times f / (1 - f): 0 makes images grey, 0.5 leaves them, 1 saturates.
class RandomSaturation : public LayerOf<RandomSaturation, ImageLayer> {
 public:
  explicit RandomSaturation(Factor factor, RandomColorOptions options = {});
  static RandomSaturation from_config(const Config& config);

  std::string class_name() const override { return "RandomSaturation"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  Factor factor_;
  ValueRange range_;
};

/// Mixes images with their grey version: 0 leaves them, 1 makes them grey.
class RandomColorDegeneration : public LayerOf<RandomColorDegeneration, ImageLayer> {
 public:
  explicit RandomColorDegeneration(Factor factor, RandomColorOptions options = {});
  static RandomColorDegeneration from_config(const Config& config);

  std::string class_name() const override { return "RandomColorDegeneration"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  Factor factor_;
  ValueRange range_;
};

/// Mixes images with a smoothed version: 0 smooths, 0.5 leaves them, 1 sharpens.
class RandomSharpness : public LayerOf<RandomSharpness, ImageLayer> {
 public:
  explicit RandomSharpness(Factor factor, RandomColorOptions options = {});
  static RandomSharpness from_config(const Config& config);

  std::string class_name() const override { return "RandomSharpness"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  Factor factor_;
  ValueRange range_;
};

/// Keeps that many of eight bits, `factor` in [1, 8]; the upper end is not drawn.
class RandomPosterization : public LayerOf<RandomPosterization, ImageLayer> {
 public:
  explicit RandomPosterization(Factor factor, RandomColorOptions options = {});
  static RandomPosterization from_config(const Config& config);

  std::string class_name() const override { return "RandomPosterization"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  Factor factor_;
  ValueRange range_;
};

struct RandomInvertOptions {
  /// The probability.
  Factor factor = 1.0;
  ValueRange value_range = {};
  std::optional<std::int64_t> seed = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// The largest value minus the image.
class RandomInvert : public LayerOf<RandomInvert, ImageLayer> {
 public:
  explicit RandomInvert(RandomInvertOptions options = {});
  static RandomInvert from_config(const Config& config);

  std::string class_name() const override { return "RandomInvert"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  RandomInvertOptions options_;
};

/// Grey with probability `factor`.
class RandomGrayscale : public LayerOf<RandomGrayscale, ImageLayer> {
 public:
  explicit RandomGrayscale(double factor = 0.5, RandomImageOptions options = {});
  static RandomGrayscale from_config(const Config& config);

  std::string class_name() const override { return "RandomGrayscale"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  double factor_;
};

struct SolarizationOptions {
  /// What is added before, and where inversion starts: parts of 255; one number f stands for 0 to f.
  Factor addition_factor = 0.0, threshold_factor = 0.0;
  ValueRange value_range = {};
  std::optional<std::int64_t> seed = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Inverts what is not below a random threshold.
class Solarization : public LayerOf<Solarization, ImageLayer> {
 public:
  explicit Solarization(SolarizationOptions options = {});
  static Solarization from_config(const Config& config);

  std::string class_name() const override { return "Solarization"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  SolarizationOptions options_;
};

struct RandomColorJitterOptions {
  ValueRange value_range = {};
  /// Those of RandomBrightness, RandomContrast, RandomSaturation and RandomHue; std::nullopt: left out.
  std::optional<Factor> brightness_factor = {}, contrast_factor = {}, saturation_factor = {}, hue_factor = {};
  std::optional<std::int64_t> seed = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Brightness, contrast, saturation and hue, one after the other.
class RandomColorJitter : public LayerOf<RandomColorJitter, ImageLayer> {
 public:
  explicit RandomColorJitter(RandomColorJitterOptions options = {});
  static RandomColorJitter from_config(const Config& config);

  std::string class_name() const override { return "RandomColorJitter"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  RandomColorJitterOptions options_;
  std::vector<LayerRef> steps_;
};

/// Stretches each channel to the whole range of values. At inference too.
class AutoContrast : public LayerOf<AutoContrast, ImageLayer> {
 public:
  explicit AutoContrast(ColorOptions options = {});
  static AutoContrast from_config(const Config& config);

  std::string class_name() const override { return "AutoContrast"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool always() const override { return true; }
  bool keeps_integers() const override { return false; }
  ValueRange range_;
};

struct EqualizationOptions {
  ValueRange value_range = {};
  int bins = 256;
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Makes all values of a channel about equally frequent, by the histogram of the batch. In training only.
class Equalization : public LayerOf<Equalization, ImageLayer> {
 public:
  explicit Equalization(EqualizationOptions options = {});
  static Equalization from_config(const Config& config);

  std::string class_name() const override { return "Equalization"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  EqualizationOptions options_;
};

struct ContrastLimitedAdaptiveHistogramEqualizationOptions {
  ValueRange value_range = {};
  /// How far a bin may exceed the mean of all; 0: any.
  double clip_limit = 4.0;
  std::array<std::int64_t, 2> tile_grid_size = {8, 8};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Equalizes by the histograms of tiles, interpolated between them (Zuiderveld 1994). At inference too; the dtype
/// stays. Not differentiated.
class ContrastLimitedAdaptiveHistogramEqualization
    : public LayerOf<ContrastLimitedAdaptiveHistogramEqualization, ImageLayer> {
 public:
  explicit ContrastLimitedAdaptiveHistogramEqualization(
      ContrastLimitedAdaptiveHistogramEqualizationOptions options = {});
  static ContrastLimitedAdaptiveHistogramEqualization from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  std::string class_name() const override { return "ContrastLimitedAdaptiveHistogramEqualization"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool always() const override { return true; }
  ContrastLimitedAdaptiveHistogramEqualizationOptions options_;
};

struct RandomGaussianBlurOptions {
  /// The probability.
  Factor factor = 1.0;
  /// Odd; horizontal and vertical.
  std::array<std::int64_t, 2> kernel_size = {3, 3};
  /// In pixels, within [0, 1].
  Factor sigma = 1.0;
  ValueRange value_range = {};
  std::optional<std::int64_t> seed = {};
  std::string data_format = {};
  std::string bounding_box_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Blurs, with one random width for the batch, and clips.
class RandomGaussianBlur : public LayerOf<RandomGaussianBlur, ImageLayer> {
 public:
  explicit RandomGaussianBlur(RandomGaussianBlurOptions options = {});
  static RandomGaussianBlur from_config(const Config& config);

  std::string class_name() const override { return "RandomGaussianBlur"; }
  Config config() const override;

 private:
  Tensor transform(const Tensor& images, bool training) override;
  bool keeps_integers() const override { return false; }
  RandomGaussianBlurOptions options_;
};

}  // namespace nyala
