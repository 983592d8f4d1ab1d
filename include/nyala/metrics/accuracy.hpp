#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nyala/metrics/mean.hpp>

namespace nyala::metrics {

// Shares of right answers. https://keras.io/api/metrics/accuracy_metrics/ The functions give 1 or 0 per sample.
Tensor accuracy(const Tensor& y_true, const Tensor& y_pred);
Tensor binary_accuracy(const Tensor& y_true, const Tensor& y_pred, double threshold = 0.5);
Tensor categorical_accuracy(const Tensor& y_true, const Tensor& y_pred);
Tensor sparse_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred);
Tensor top_k_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred, int k = 5);
/// from_sorted_ids: y_pred holds class numbers, the likeliest first, and no scores.
Tensor sparse_top_k_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred, int k = 5,
                                         bool from_sorted_ids = false);

/// How often y_pred equals y_true.
class Accuracy : public MeanOfFunction {
 public:
  explicit Accuracy(MetricOptions options = {});
  std::string class_name() const override { return "Accuracy"; }
  std::string direction() const override { return "max"; }
  static Accuracy from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

struct BinaryAccuracyOptions {
  double threshold = 0.5;
  std::string name = {};
};
/// How often y_pred is above the threshold where y_true is 1, and not where it is 0.
class BinaryAccuracy : public MeanOfFunction {
 public:
  explicit BinaryAccuracy(BinaryAccuracyOptions options = {});
  std::string class_name() const override { return "BinaryAccuracy"; }
  std::string direction() const override { return "max"; }
  Config config() const override;
  static BinaryAccuracy from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;

 private:
  BinaryAccuracyOptions own_;
};

/// How often the largest entry is that of the one-hot y_true.
class CategoricalAccuracy : public MeanOfFunction {
 public:
  explicit CategoricalAccuracy(MetricOptions options = {});
  std::string class_name() const override { return "CategoricalAccuracy"; }
  std::string direction() const override { return "max"; }
  static CategoricalAccuracy from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

/// How often the largest entry is the class y_true.
class SparseCategoricalAccuracy : public MeanOfFunction {
 public:
  explicit SparseCategoricalAccuracy(MetricOptions options = {});
  std::string class_name() const override { return "SparseCategoricalAccuracy"; }
  std::string direction() const override { return "max"; }
  static SparseCategoricalAccuracy from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

struct TopKCategoricalAccuracyOptions {
  std::string name = {};
};
/// How often the class of the one-hot y_true is among the k largest entries.
class TopKCategoricalAccuracy : public MeanOfFunction {
 public:
  explicit TopKCategoricalAccuracy(int k = 5, TopKCategoricalAccuracyOptions options = {});
  std::string class_name() const override { return "TopKCategoricalAccuracy"; }
  std::string direction() const override { return "max"; }
  Config config() const override;
  static TopKCategoricalAccuracy from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;

 private:
  TopKCategoricalAccuracyOptions own_;
  int k_;
};

struct SparseTopKCategoricalAccuracyOptions {
  bool from_sorted_ids = false;
  std::string name = {};
};
/// How often the class y_true is among the k largest entries.
class SparseTopKCategoricalAccuracy : public MeanOfFunction {
 public:
  explicit SparseTopKCategoricalAccuracy(int k = 5, SparseTopKCategoricalAccuracyOptions options = {});
  std::string class_name() const override { return "SparseTopKCategoricalAccuracy"; }
  std::string direction() const override { return "max"; }
  Config config() const override;
  static SparseTopKCategoricalAccuracy from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;

 private:
  SparseTopKCategoricalAccuracyOptions own_;
  int k_;
};

}  // namespace nyala::metrics

namespace nyala {
using metrics::Accuracy;
using metrics::BinaryAccuracy;
using metrics::CategoricalAccuracy;
using metrics::SparseCategoricalAccuracy;
using metrics::SparseTopKCategoricalAccuracy;
using metrics::TopKCategoricalAccuracy;
}  // namespace nyala
