#include <nyala/metrics/accuracy.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::metrics {

Tensor categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  require_same_shape(y_true, y_pred, "categorical_accuracy");
  return cast(equal(argmax(y_true, -1), argmax(y_pred, -1)), floatx());
}

Tensor sparse_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred) {
  const Tensor classes = class_labels(y_true, y_pred, "sparse_categorical_accuracy");
  return cast(equal(classes, argmax(y_pred, -1)), floatx());
}

CategoricalAccuracy::CategoricalAccuracy(MetricOptions options)
    : MeanOfFunction(named(options.name, "categorical_accuracy")) {}

Tensor CategoricalAccuracy::values(const Tensor& y_true, const Tensor& y_pred) {
  return categorical_accuracy(y_true, y_pred);
}

CategoricalAccuracy CategoricalAccuracy::from_config(const Config& config) {
  return CategoricalAccuracy(metric_options(config));
}

SparseCategoricalAccuracy::SparseCategoricalAccuracy(MetricOptions options)
    : MeanOfFunction(named(options.name, "sparse_categorical_accuracy")) {}

Tensor SparseCategoricalAccuracy::values(const Tensor& y_true, const Tensor& y_pred) {
  return sparse_categorical_accuracy(y_true, y_pred);
}

SparseCategoricalAccuracy SparseCategoricalAccuracy::from_config(const Config& config) {
  return SparseCategoricalAccuracy(metric_options(config));
}

}  // namespace nyala::metrics
