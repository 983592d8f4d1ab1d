#pragma once

#include <string>

#include <nyala/regularizer.hpp>

namespace nyala {

// Keras' regularizers. https://keras.io/api/layers/regularizers/ Factors that are negative or no numbers are Errors.

/// l1 times the sum of absolute values.
class L1 : public Regularizer {
 public:
  explicit L1(double l1 = 0.01);
  Tensor operator()(const Tensor& x) override;
  std::string class_name() const override { return "L1"; }
  Config config() const override;
  static L1 from_config(const Config& config) { return L1(config.get("l1", 0.01)); }

 private:
  double l1_;
};

/// l2 times the sum of squares.
class L2 : public Regularizer {
 public:
  explicit L2(double l2 = 0.01);
  Tensor operator()(const Tensor& x) override;
  std::string class_name() const override { return "L2"; }
  Config config() const override;
  static L2 from_config(const Config& config) { return L2(config.get("l2", 0.01)); }

 private:
  double l2_;
};

struct L1L2Options {
  double l1 = 0.0, l2 = 0.0;
};
class L1L2 : public Regularizer {
 public:
  explicit L1L2(L1L2Options options = {});
  L1L2(double l1, double l2) : L1L2({.l1 = l1, .l2 = l2}) {}
  Tensor operator()(const Tensor& x) override;
  std::string class_name() const override { return "L1L2"; }
  Config config() const override;
  static L1L2 from_config(const Config& config) { return {config.get("l1", 0.0), config.get("l2", 0.0)}; }

 private:
  double l1_, l2_;
};

struct OrthogonalRegularizerOptions {
  double factor = 0.01;
  /// "rows" or "columns"
  std::string mode = "rows";
};
/// factor times the mean absolute cosine between different rows (or columns) of a matrix.
class OrthogonalRegularizer : public Regularizer {
 public:
  explicit OrthogonalRegularizer(OrthogonalRegularizerOptions options = {});
  Tensor operator()(const Tensor& x) override;
  std::string class_name() const override { return "OrthogonalRegularizer"; }
  Config config() const override;
  static OrthogonalRegularizer from_config(const Config& config);

 private:
  double factor_;
  std::string mode_;
};

}  // namespace nyala
