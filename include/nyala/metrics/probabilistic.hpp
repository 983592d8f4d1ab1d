#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nyala/metrics/mean.hpp>

namespace nyala::metrics {

// https://keras.io/api/metrics/probabilistic_metrics/ and hinge_metrics/ Their names are losses' names, so they are to
// be written nyala::metrics::…
struct BinaryCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0.0;
  std::string name = {};
};
/// The loss of this name, averaged over the samples.
class BinaryCrossentropy : public MeanOfFunction {
 public:
  explicit BinaryCrossentropy(BinaryCrossentropyOptions options = {});
  std::string class_name() const override { return "BinaryCrossentropy"; }
  std::string direction() const override { return "min"; }
  Config config() const override;
  static BinaryCrossentropy from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;

 private:
  BinaryCrossentropyOptions own_;
};

struct CategoricalCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0.0;
  int axis = -1;
  std::string name = {};
};
/// The loss of this name, averaged over the samples.
class CategoricalCrossentropy : public MeanOfFunction {
 public:
  explicit CategoricalCrossentropy(CategoricalCrossentropyOptions options = {});
  std::string class_name() const override { return "CategoricalCrossentropy"; }
  std::string direction() const override { return "min"; }
  Config config() const override;
  static CategoricalCrossentropy from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;

 private:
  CategoricalCrossentropyOptions own_;
};

struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;
  std::optional<int> ignore_class = {};
  int axis = -1;
  std::string name = {};
};
/// The loss of this name, averaged over the samples.
class SparseCategoricalCrossentropy : public MeanOfFunction {
 public:
  explicit SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options = {});
  std::string class_name() const override { return "SparseCategoricalCrossentropy"; }
  std::string direction() const override { return "min"; }
  Config config() const override;
  static SparseCategoricalCrossentropy from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;

 private:
  SparseCategoricalCrossentropyOptions own_;
};

/// The loss of this name, averaged over the samples.
class KLDivergence : public MeanOfFunction {
 public:
  explicit KLDivergence(MetricOptions options = {});
  std::string class_name() const override { return "KLDivergence"; }
  std::string direction() const override { return "min"; }
  static KLDivergence from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

/// The loss of this name, averaged over the samples.
class Poisson : public MeanOfFunction {
 public:
  explicit Poisson(MetricOptions options = {});
  std::string class_name() const override { return "Poisson"; }
  std::string direction() const override { return "min"; }
  static Poisson from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

/// The loss of this name, averaged over the samples.
class Hinge : public MeanOfFunction {
 public:
  explicit Hinge(MetricOptions options = {});
  std::string class_name() const override { return "Hinge"; }
  std::string direction() const override { return "min"; }
  static Hinge from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

/// The loss of this name, averaged over the samples.
class SquaredHinge : public MeanOfFunction {
 public:
  explicit SquaredHinge(MetricOptions options = {});
  std::string class_name() const override { return "SquaredHinge"; }
  std::string direction() const override { return "min"; }
  static SquaredHinge from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

/// The loss of this name, averaged over the samples.
class CategoricalHinge : public MeanOfFunction {
 public:
  explicit CategoricalHinge(MetricOptions options = {});
  std::string class_name() const override { return "CategoricalHinge"; }
  std::string direction() const override { return "min"; }
  static CategoricalHinge from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

}  // namespace nyala::metrics
