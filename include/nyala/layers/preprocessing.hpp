#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include <nyala/dataset.hpp>
#include <nyala/layer.hpp>

namespace nyala {

/// One number, or one per entry of the last axis.
class NumberOrList {
 public:
  NumberOrList(double one) : values_{one} {}
  NumberOrList(std::initializer_list<double> several) : values_(several) {}
  NumberOrList(std::vector<double> several) : values_(std::move(several)) {}
  const std::vector<double>& values() const { return values_; }

 private:
  std::vector<double> values_;
};

struct RescalingOptions {
  NumberOrList offset = 0.0;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// x * scale + offset; several numbers stand for the entries of the last axis.
/// https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/
class Rescaling : public LayerOf<Rescaling> {
 public:
  explicit Rescaling(NumberOrList scale, RescalingOptions options = {});
  static Rescaling from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Rescaling"; }
  Config config() const override;

 private:
  NumberOrList scale_;
  RescalingOptions options_;
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
