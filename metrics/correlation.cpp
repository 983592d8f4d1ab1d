#include <nyala/metrics/regression.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::metrics {

PearsonCorrelation::PearsonCorrelation(PearsonCorrelationOptions options)
    : MeanOfFunction(named(options.name, "pearson_correlation")), own_(std::move(options)) {}

Tensor PearsonCorrelation::values(const Tensor& y_true, const Tensor& y_pred) {
  const Aligned y(y_true, y_pred, "pearson_correlation");
  const Moments a = moments(y.truth, own_.axis, true), b = moments(y.predicted, own_.axis, true);
  const Tensor product = (y.truth - a.mean) * (y.predicted - b.mean);
  return mean(product / (sqrt(a.variance) * sqrt(b.variance)), own_.axis);
}

Config PearsonCorrelation::config() const {
  Config config = Metric::config();
  config["axis"] = own_.axis;
  return config;
}

PearsonCorrelation PearsonCorrelation::from_config(const Config& config) {
  PearsonCorrelationOptions o;
  o.name = config.get("name", "");
  o.axis = config.get("axis", o.axis);
  return PearsonCorrelation(std::move(o));
}

ConcordanceCorrelation::ConcordanceCorrelation(ConcordanceCorrelationOptions options)
    : MeanOfFunction(named(options.name, "concordance_correlation")), own_(std::move(options)) {}

Tensor ConcordanceCorrelation::values(const Tensor& y_true, const Tensor& y_pred) {
  const Aligned y(y_true, y_pred, "concordance_correlation");
  const Moments a = moments(y.truth, own_.axis, true), b = moments(y.predicted, own_.axis, true);
  const Tensor product = (y.truth - b.mean) * (y.predicted - b.mean);
  const Tensor scale = a.variance + b.variance + squared_difference(a.mean, b.mean);
  return mean(product * 2.0 / (scale + epsilon()), own_.axis);
}

Config ConcordanceCorrelation::config() const {
  Config config = Metric::config();
  config["axis"] = own_.axis;
  return config;
}

ConcordanceCorrelation ConcordanceCorrelation::from_config(const Config& config) {
  ConcordanceCorrelationOptions o;
  o.name = config.get("name", "");
  o.axis = config.get("axis", o.axis);
  return ConcordanceCorrelation(std::move(o));
}

}  // namespace nyala::metrics
