#include <nyala/metrics/accuracy.hpp>

#include <nyala/ops/math.hpp>

#include "support.hpp"

namespace nyala::metrics {

Tensor binary_accuracy(const Tensor& y_true, const Tensor& y_pred, double threshold) {
  const Aligned y(y_true, y_pred, "binary_accuracy");
  return cast(equal(y.truth, cast(y.predicted > threshold, y.truth.dtype())), floatx());
}

BinaryAccuracy::BinaryAccuracy(BinaryAccuracyOptions options)
    : MeanOfFunction(named(options.name, "binary_accuracy")), own_(std::move(options)) {
  if (!(own_.threshold >= 0.0 && own_.threshold <= 1.0))
    throw Error("BinaryAccuracy: threshold must be from 0 to 1, got " + Config(own_.threshold).json());
}

Tensor BinaryAccuracy::values(const Tensor& y_true, const Tensor& y_pred) {
  return binary_accuracy(y_true, y_pred, own_.threshold);
}

Config BinaryAccuracy::config() const {
  Config config = Metric::config();
  config["threshold"] = own_.threshold;
  return config;
}

BinaryAccuracy BinaryAccuracy::from_config(const Config& config) {
  BinaryAccuracyOptions o;
  o.name = config.get("name", "");
  o.threshold = config.get("threshold", o.threshold);
  return BinaryAccuracy(std::move(o));
}

}  // namespace nyala::metrics
