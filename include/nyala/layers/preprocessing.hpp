#pragma once

#include <nyala/dataset.hpp>
#include <nyala/layer.hpp>

namespace nyala {

struct RescalingOptions {
  double offset = 0.0;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// x * scale + offset. https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/
class Rescaling : public LayerOf<Rescaling> {
 public:
  explicit Rescaling(double scale, RescalingOptions options = {});
  static Rescaling from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Rescaling"; }
  Config config() const override;

 private:
  double scale_;
  RescalingOptions options_;
  Tensor scales_, offsets_;  // per channel, as a file may give them; null: the numbers
};

struct NormalizationOptions {
  /// The axes that keep a mean and a variance of their own; std::nullopt: one for all.
  std::optional<std::vector<int>> axis = std::vector<int>{-1};
  /// Given together, instead of adapt().
  Tensor mean = {}, variance = {};
  bool invert = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// (x - mean) / max(sqrt(variance), epsilon), with mean and variance given or learnt from data by adapt().
/// https://keras.io/api/layers/preprocessing_layers/numerical/normalization/
class Normalization : public LayerOf<Normalization> {
 public:
  explicit Normalization(NormalizationOptions options = {});
  static Normalization from_config(const Config& config);

  /// Mean and population variance of `data` over all axes but `axis`; replaces what was learnt before.
  void adapt(const Tensor& data);
  void adapt(const Dataset& data);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Normalization"; }
  Config config() const override;

 private:
  Shape statistic_shape(int rank) const;
  NormalizationOptions options_;
  Shape kept_;
  Variable mean_, variance_, count_;
};

}  // namespace nyala
