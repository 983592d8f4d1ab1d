#include <nyala/metrics/regression.hpp>

#include <nyala/losses/regression.hpp>
#include <nyala/ops/math.hpp>

#include "support.hpp"

namespace nyala::metrics {

MeanSquaredError::MeanSquaredError(MetricOptions options) : MeanOfFunction(named(options.name, "mean_squared_error")) {}

Tensor MeanSquaredError::values(const Tensor& y_true, const Tensor& y_pred) {
  return losses::mean_squared_error(y_true, y_pred);
}

MeanSquaredError MeanSquaredError::from_config(const Config& config) {
  return MeanSquaredError(metric_options(config));
}

MeanAbsoluteError::MeanAbsoluteError(MetricOptions options)
    : MeanOfFunction(named(options.name, "mean_absolute_error")) {}

Tensor MeanAbsoluteError::values(const Tensor& y_true, const Tensor& y_pred) {
  return losses::mean_absolute_error(y_true, y_pred);
}

MeanAbsoluteError MeanAbsoluteError::from_config(const Config& config) {
  return MeanAbsoluteError(metric_options(config));
}

MeanAbsolutePercentageError::MeanAbsolutePercentageError(MetricOptions options)
    : MeanOfFunction(named(options.name, "mean_absolute_percentage_error")) {}

Tensor MeanAbsolutePercentageError::values(const Tensor& y_true, const Tensor& y_pred) {
  return losses::mean_absolute_percentage_error(y_true, y_pred);
}

MeanAbsolutePercentageError MeanAbsolutePercentageError::from_config(const Config& config) {
  return MeanAbsolutePercentageError(metric_options(config));
}

MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(MetricOptions options)
    : MeanOfFunction(named(options.name, "mean_squared_logarithmic_error")) {}

Tensor MeanSquaredLogarithmicError::values(const Tensor& y_true, const Tensor& y_pred) {
  return losses::mean_squared_logarithmic_error(y_true, y_pred);
}

MeanSquaredLogarithmicError MeanSquaredLogarithmicError::from_config(const Config& config) {
  return MeanSquaredLogarithmicError(metric_options(config));
}

LogCoshError::LogCoshError(MetricOptions options) : MeanOfFunction(named(options.name, "logcosh")) {}

Tensor LogCoshError::values(const Tensor& y_true, const Tensor& y_pred) { return losses::log_cosh(y_true, y_pred); }

LogCoshError LogCoshError::from_config(const Config& config) { return LogCoshError(metric_options(config)); }

RootMeanSquaredError::RootMeanSquaredError(MetricOptions options)
    : MeanOfFunction(named(options.name, "root_mean_squared_error")) {}

Tensor RootMeanSquaredError::values(const Tensor& y_true, const Tensor& y_pred) {
  const Aligned y(y_true, y_pred, "root_mean_squared_error");
  return squared_difference(y.truth, y.predicted);
}

RootMeanSquaredError RootMeanSquaredError::from_config(const Config& config) {
  return RootMeanSquaredError(metric_options(config));
}

void RootMeanSquaredError::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  MeanOfFunction::update_state(y_true, y_pred.defined() ? y_pred.with_mask({}) : y_pred, sample_weight);
}

Tensor RootMeanSquaredError::result() { return sqrt(MeanOfFunction::result()); }

CosineSimilarity::CosineSimilarity(CosineSimilarityOptions options)
    : MeanOfFunction(named(options.name, "cosine_similarity")), own_(std::move(options)) {}

Tensor CosineSimilarity::values(const Tensor& y_true, const Tensor& y_pred) {
  return -losses::cosine_similarity(y_true, y_pred, own_.axis);
}

Config CosineSimilarity::config() const {
  Config config = Metric::config();
  if (own_.axis != -1) config["axis"] = own_.axis;  // Keras never writes it
  return config;
}

CosineSimilarity CosineSimilarity::from_config(const Config& config) {
  CosineSimilarityOptions o;
  o.name = config.get("name", "");
  o.axis = config.get("axis", o.axis);
  return CosineSimilarity(std::move(o));
}

}  // namespace nyala::metrics
