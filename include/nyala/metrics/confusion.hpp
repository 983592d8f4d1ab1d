#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nyala/metric.hpp>

namespace nyala::metrics {

/// One threshold, several, or (default-made) the usual one.
class Thresholds {
 public:
  Thresholds() = default;
  Thresholds(double one) : values_{one}, single_(true) {}
  Thresholds(std::initializer_list<double> several) : values_(several) {}
  Thresholds(std::vector<double> several) : values_(std::move(several)) {}

  bool given() const { return !values_.empty(); }
  const std::vector<double>& values() const { return values_; }
  /// A number, a list, or null.
  Config config() const;
  static Thresholds from_config(const Config& config);

 private:
  std::vector<double> values_;
  bool single_ = false;
};

/// The base of metrics that count, for each of several thresholds, right and wrong answers to yes-no questions.
/// Predictions above a threshold mean yes. Copies share the counts.
/// https://keras.io/api/metrics/classification_metrics/
class ConfusionMetric : public Metric {
 public:
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  void reset_state() override;
  SavedState state() const override;
  void restore(const SavedState& state) override;

 protected:
  struct Setup {
    std::vector<double> thresholds = {};
    std::optional<int> top_k = {}, class_id = {};
    bool per_label = false;
    std::vector<double> label_weights = {};
  };
  /// One number per threshold, or with per_label per threshold and label (row-major).
  struct Counts {
    std::size_t thresholds = 0, labels = 1;
    std::vector<double> true_positives = {}, false_positives = {}, true_negatives = {}, false_negatives = {};
  };

  ConfusionMetric(std::string name, Setup setup);
  Counts counts() const;
  /// A scalar for one threshold, else a vector.
  static Tensor per_threshold(const std::vector<double>& values);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

struct CountOptions {
  Thresholds thresholds = {};
  std::string name = {};
};
struct PrecisionOptions {
  Thresholds thresholds = {};
  /// Only the k largest entries of a row can mean yes.
  std::optional<int> top_k = {};
  /// Look at this column only.
  std::optional<int> class_id = {};
  std::string name = {};
};

/// Answers yes that are right.
class TruePositives : public ConfusionMetric {
 public:
  explicit TruePositives(CountOptions options = {});
  Tensor result() override;
  std::string class_name() const override { return "TruePositives"; }
  Config config() const override;
  static TruePositives from_config(const Config& config);

 private:
  Thresholds thresholds_;
};
/// Answers yes that are wrong.
class FalsePositives : public ConfusionMetric {
 public:
  explicit FalsePositives(CountOptions options = {});
  Tensor result() override;
  std::string class_name() const override { return "FalsePositives"; }
  Config config() const override;
  static FalsePositives from_config(const Config& config);

 private:
  Thresholds thresholds_;
};
/// Answers no that are right.
class TrueNegatives : public ConfusionMetric {
 public:
  explicit TrueNegatives(CountOptions options = {});
  Tensor result() override;
  std::string class_name() const override { return "TrueNegatives"; }
  Config config() const override;
  static TrueNegatives from_config(const Config& config);

 private:
  Thresholds thresholds_;
};
/// Answers no that are wrong.
class FalseNegatives : public ConfusionMetric {
 public:
  explicit FalseNegatives(CountOptions options = {});
  Tensor result() override;
  std::string class_name() const override { return "FalseNegatives"; }
  Config config() const override;
  static FalseNegatives from_config(const Config& config);

 private:
  Thresholds thresholds_;
};

/// The share of right answers among the answers yes.
class Precision : public ConfusionMetric {
 public:
  explicit Precision(PrecisionOptions options = {});
  Tensor result() override;
  std::string class_name() const override { return "Precision"; }
  std::string direction() const override { return "max"; }
  Config config() const override;
  static Precision from_config(const Config& config);

 private:
  PrecisionOptions own_;
};
/// The share of the true cases that were answered yes.
class Recall : public ConfusionMetric {
 public:
  explicit Recall(PrecisionOptions options = {});
  Tensor result() override;
  std::string class_name() const override { return "Recall"; }
  std::string direction() const override { return "max"; }
  Config config() const override;
  static Recall from_config(const Config& config);

 private:
  PrecisionOptions own_;
};

struct AtOptions {
  int num_thresholds = 200;
  std::optional<int> class_id = {};
  std::string name = {};
};
/// The best of one share of the counts over the thresholds where another one is at least the given limit, 0 where
/// none is.
class BestAt : public ConfusionMetric {
 public:
  Tensor result() override;
  std::string direction() const override { return "max"; }
  Config config() const override;

 protected:
  /// A part of the counts and what completes it.
  struct Share {
    std::vector<double> Counts::*part, Counts::*rest;
  };
  struct Kind {
    const char *class_name, *name, *limit_name;
    Share wanted, limited;
  };
  BestAt(const Kind& kind, double limit, AtOptions options);
  static const Kind sensitivity_at_specificity, specificity_at_sensitivity, precision_at_recall, recall_at_precision;

 private:
  const Kind* kind_;
  double limit_;
  AtOptions own_;
};
/// The best sensitivity (recall) where specificity is at least the given one.
class SensitivityAtSpecificity : public BestAt {
 public:
  explicit SensitivityAtSpecificity(double specificity, AtOptions options = {});
  std::string class_name() const override { return "SensitivityAtSpecificity"; }
  static SensitivityAtSpecificity from_config(const Config& config);
};
/// The best specificity where sensitivity (recall) is at least the given one.
class SpecificityAtSensitivity : public BestAt {
 public:
  explicit SpecificityAtSensitivity(double sensitivity, AtOptions options = {});
  std::string class_name() const override { return "SpecificityAtSensitivity"; }
  static SpecificityAtSensitivity from_config(const Config& config);
};
/// The best precision where recall is at least the given one.
class PrecisionAtRecall : public BestAt {
 public:
  explicit PrecisionAtRecall(double recall, AtOptions options = {});
  std::string class_name() const override { return "PrecisionAtRecall"; }
  static PrecisionAtRecall from_config(const Config& config);
};
/// The best recall where precision is at least the given one.
class RecallAtPrecision : public BestAt {
 public:
  explicit RecallAtPrecision(double precision, AtOptions options = {});
  std::string class_name() const override { return "RecallAtPrecision"; }
  static RecallAtPrecision from_config(const Config& config);
};

struct AUCOptions {
  int num_thresholds = 200;
  /// "ROC", "PR" or "PRGAIN".
  std::string curve = "ROC";
  /// "interpolation", "majoring" or "minoring".
  std::string summation_method = "interpolation";
  /// Instead of num_thresholds even ones; 0 and 1 are added.
  std::vector<double> thresholds = {};
  /// One curve per column, averaged.
  bool multi_label = false;
  std::optional<int> num_labels = {};
  std::vector<double> label_weights = {};
  bool from_logits = false;
  std::string name = {};
};
/// The area under a curve over all thresholds. https://keras.io/api/metrics/classification_metrics/#auc-class
class AUC : public ConfusionMetric {
 public:
  explicit AUC(AUCOptions options = {});
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Tensor result() override;
  std::string class_name() const override { return "AUC"; }
  std::string direction() const override { return "max"; }
  Config config() const override;
  static AUC from_config(const Config& config);

 private:
  AUCOptions own_;
};

}  // namespace nyala::metrics

namespace nyala {
using metrics::AUC;
using metrics::FalseNegatives;
using metrics::FalsePositives;
using metrics::Precision;
using metrics::PrecisionAtRecall;
using metrics::Recall;
using metrics::RecallAtPrecision;
using metrics::SensitivityAtSpecificity;
using metrics::SpecificityAtSensitivity;
using metrics::TrueNegatives;
using metrics::TruePositives;
}  // namespace nyala
