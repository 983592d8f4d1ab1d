#pragma once

#include <string>

#include <nyala/constraint.hpp>

namespace nyala {

// Keras' constraints. https://keras.io/api/layers/constraints/ Norms are Euclidean, over `axis`: 0 for the inputs of a
// Dense unit, {0, 1, 2} for a filter of Conv2D.

struct MaxNormOptions {
  double max_value = 2.0;
  Axes axis = 0;
};
/// Norms above max_value are brought down to it.
class MaxNorm : public Constraint {
 public:
  explicit MaxNorm(MaxNormOptions options = {});
  explicit MaxNorm(double max_value, const Axes& axis = 0) : MaxNorm({.max_value = max_value, .axis = axis}) {}
  Tensor operator()(const Tensor& x) override;
  std::string class_name() const override { return "MaxNorm"; }
  Config config() const override;
  static MaxNorm from_config(const Config& config);

 private:
  MaxNormOptions options_;
};

struct MinMaxNormOptions {
  double min_value = 0.0, max_value = 1.0;
  /// The part of the way that one step goes: 1 enforces at once.
  double rate = 1.0;
  Axes axis = 0;
};
class MinMaxNorm : public Constraint {
 public:
  explicit MinMaxNorm(MinMaxNormOptions options = {});
  Tensor operator()(const Tensor& x) override;
  std::string class_name() const override { return "MinMaxNorm"; }
  Config config() const override;
  static MinMaxNorm from_config(const Config& config);

 private:
  MinMaxNormOptions options_;
};

/// Negative weights become 0.
class NonNeg : public Constraint {
 public:
  Tensor operator()(const Tensor& x) override;
  std::string class_name() const override { return "NonNeg"; }
  static NonNeg from_config(const Config&) { return {}; }
};

struct UnitNormOptions {
  Axes axis = 0;
};
class UnitNorm : public Constraint {
 public:
  explicit UnitNorm(UnitNormOptions options = {}) : options_(std::move(options)) {}
  Tensor operator()(const Tensor& x) override;
  std::string class_name() const override { return "UnitNorm"; }
  Config config() const override;
  static UnitNorm from_config(const Config& config);

 private:
  UnitNormOptions options_;
};

}  // namespace nyala
