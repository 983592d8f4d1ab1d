#pragma once

#include <functional>
#include <memory>
#include <string>

#include <nyala/metric.hpp>

namespace nyala::metrics {

/// The base of metrics that are a mean over all samples since reset_state. The sums stay on the tensors' device, and
/// copies share them. https://keras.io/api/metrics/reduction_metrics/
class RunningMean : public Metric {
 public:
  /// total / count; 0 before the first sample.
  Tensor result() override;
  void reset_state() override;
  SavedState state() const override;
  void restore(const SavedState& state) override;

 protected:
  explicit RunningMean(std::string name);
  /// Values of rank > 1 are first averaged within each sample. Weights: (batch,), or of more of the values' axes.
  void accumulate(const Tensor& values, const Tensor& sample_weight, const Tensor& mask = {});

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// The mean of what it is given: update_state(values, sample_weight).
class Mean : public RunningMean {
 public:
  explicit Mean(MetricOptions options = {});
  void update_state(const Tensor& values, const Tensor& sample_weight = {}, const Tensor& unused = {}) override;
  std::string class_name() const override { return "Mean"; }
  static Mean from_config(const Config& config);
};

/// The sum of what it is given: update_state(values, sample_weight).
class Sum : public Metric {
 public:
  explicit Sum(MetricOptions options = {});
  void update_state(const Tensor& values, const Tensor& sample_weight = {}, const Tensor& unused = {}) override;
  Tensor result() override;
  void reset_state() override;
  SavedState state() const override;
  void restore(const SavedState& state) override;
  std::string class_name() const override { return "Sum"; }
  static Sum from_config(const Config& config);

 private:
  std::shared_ptr<Tensor> total_;
};

/// The mean of a function of y_true and y_pred: what update_state overrides leave to values().
class MeanOfFunction : public RunningMean {
 public:
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;

 protected:
  using RunningMean::RunningMean;
  /// One value per sample (and step, pixel, …). Nothing is recorded.
  virtual Tensor values(const Tensor& y_true, const Tensor& y_pred) = 0;
};

/// The mean of any function of y_true and y_pred that gives one value per sample, or a scalar; or of a loss, under
/// its name, over the batches; or of Keras' function of a loss, over the samples.
class MeanMetricWrapper : public MeanOfFunction {
 public:
  explicit MeanMetricWrapper(std::function<Tensor(const Tensor&, const Tensor&)> fn, MetricOptions options = {});
  explicit MeanMetricWrapper(std::shared_ptr<Loss> loss, const std::string& function = {});
  std::string class_name() const override { return "MeanMetricWrapper"; }
  Config config() const override;
  Config written_as() const override;
  std::string direction() const override { return loss_ ? "min" : ""; }

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) override { return fn_(y_true, y_pred); }

 private:
  std::function<Tensor(const Tensor&, const Tensor&)> fn_;
  std::shared_ptr<Loss> loss_;
  std::string function_;
};

}  // namespace nyala::metrics

namespace nyala {
using metrics::Mean;
using metrics::MeanMetricWrapper;
using metrics::Sum;
}  // namespace nyala
