#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nyala/metrics/mean.hpp>

namespace nyala::metrics {

// https://keras.io/api/metrics/regression_metrics/ Those whose name a loss has are to be written nyala::metrics::…
/// mean((y_true - y_pred)^2)
class MeanSquaredError : public MeanOfFunction {
 public:
  explicit MeanSquaredError(MetricOptions options = {});
  std::string class_name() const override { return "MeanSquaredError"; }
  std::string direction() const override { return "min"; }
  static MeanSquaredError from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

/// mean(|y_true - y_pred|)
class MeanAbsoluteError : public MeanOfFunction {
 public:
  explicit MeanAbsoluteError(MetricOptions options = {});
  std::string class_name() const override { return "MeanAbsoluteError"; }
  std::string direction() const override { return "min"; }
  static MeanAbsoluteError from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

/// 100 mean(|y_true - y_pred| / |y_true|)
class MeanAbsolutePercentageError : public MeanOfFunction {
 public:
  explicit MeanAbsolutePercentageError(MetricOptions options = {});
  std::string class_name() const override { return "MeanAbsolutePercentageError"; }
  std::string direction() const override { return "min"; }
  static MeanAbsolutePercentageError from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

/// mean((log(1 + y_true) - log(1 + y_pred))^2)
class MeanSquaredLogarithmicError : public MeanOfFunction {
 public:
  explicit MeanSquaredLogarithmicError(MetricOptions options = {});
  std::string class_name() const override { return "MeanSquaredLogarithmicError"; }
  std::string direction() const override { return "min"; }
  static MeanSquaredLogarithmicError from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

/// mean(log(cosh(y_pred - y_true)))
class LogCoshError : public MeanOfFunction {
 public:
  explicit LogCoshError(MetricOptions options = {});
  std::string class_name() const override { return "LogCoshError"; }
  std::string direction() const override { return "min"; }
  static LogCoshError from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

/// The root of the mean of (y_true - y_pred)^2 over all samples. As in Keras y_pred's mask does not count.
class RootMeanSquaredError : public MeanOfFunction {
 public:
  explicit RootMeanSquaredError(MetricOptions options = {});
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Tensor result() override;
  std::string class_name() const override { return "RootMeanSquaredError"; }
  std::string direction() const override { return "min"; }
  static RootMeanSquaredError from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;
};

struct CosineSimilarityOptions {
  int axis = -1;
  std::string name = {};
};
/// The cosine of the angle between y_true and y_pred along `axis`.
class CosineSimilarity : public MeanOfFunction {
 public:
  explicit CosineSimilarity(CosineSimilarityOptions options = {});
  std::string class_name() const override { return "CosineSimilarity"; }
  std::string direction() const override { return "max"; }
  Config config() const override;
  static CosineSimilarity from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;

 private:
  CosineSimilarityOptions own_;
};

struct PearsonCorrelationOptions {
  int axis = -1;
  std::string name = {};
};
/// The correlation of y_true and y_pred along `axis`, averaged over the samples.
class PearsonCorrelation : public MeanOfFunction {
 public:
  explicit PearsonCorrelation(PearsonCorrelationOptions options = {});
  std::string class_name() const override { return "PearsonCorrelation"; }
  std::string direction() const override { return "max"; }
  Config config() const override;
  static PearsonCorrelation from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;

 private:
  PearsonCorrelationOptions own_;
};

struct ConcordanceCorrelationOptions {
  int axis = -1;
  std::string name = {};
};
/// Correlation that also asks for equal means and variances (Lin 1989).
class ConcordanceCorrelation : public MeanOfFunction {
 public:
  explicit ConcordanceCorrelation(ConcordanceCorrelationOptions options = {});
  std::string class_name() const override { return "ConcordanceCorrelation"; }
  std::string direction() const override { return "max"; }
  Config config() const override;
  static ConcordanceCorrelation from_config(const Config& config);

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override;

 private:
  ConcordanceCorrelationOptions own_;
};

struct R2ScoreOptions {
  /// "uniform_average", "variance_weighted_average" or "" (Keras' None: one number per column).
  std::string class_aggregation = "uniform_average";
  /// With n regressors: the adjusted score.
  int num_regressors = 0;
  std::string name = {};
};
/// The share of variance that y_pred explains, per column of (batch, columns).
class R2Score : public Metric {
 public:
  explicit R2Score(R2ScoreOptions options = {});
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Tensor result() override;
  void reset_state() override;
  SavedState state() const override;
  void restore(const SavedState& state) override;
  std::string class_name() const override { return "R2Score"; }
  std::string direction() const override { return "max"; }
  Config config() const override;
  static R2Score from_config(const Config& config);

 private:
  struct State;
  R2ScoreOptions own_;
  std::shared_ptr<State> state_;
};

}  // namespace nyala::metrics

namespace nyala {
using metrics::ConcordanceCorrelation;
using metrics::LogCoshError;
using metrics::PearsonCorrelation;
using metrics::R2Score;
using metrics::RootMeanSquaredError;
}  // namespace nyala
