#include <nyala/metrics/accuracy.hpp>

#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "support.hpp"

namespace nyala::metrics {

namespace {
Tensor hits(const Tensor& classes, const Tensor& y_pred, int k) {
  const Tensor rows = reshape(y_pred, {-1, y_pred.shape().back()});
  return cast(reshape(in_top_k(cast(ravel(classes), DType::int32), rows, k), classes.shape()), floatx());
}
}  // namespace

Tensor top_k_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred, int k) {
  require_same_shape(y_true, y_pred, "top_k_categorical_accuracy");
  return hits(argmax(y_true, -1), y_pred, k);
}

Tensor sparse_top_k_categorical_accuracy(const Tensor& y_true, const Tensor& y_pred, int k, bool from_sorted_ids) {
  const Tensor classes = class_labels(y_true, y_pred, "sparse_top_k_categorical_accuracy");
  if (!from_sorted_ids) return hits(classes, y_pred, k);
  const Tensor first = y_pred(ellipsis, Slice{.stop = k});
  return cast(any(equal(expand_dims(classes, -1), first), -1), floatx());
}

TopKCategoricalAccuracy::TopKCategoricalAccuracy(int k, TopKCategoricalAccuracyOptions options)
    : MeanOfFunction(named(options.name, "top_k_categorical_accuracy")), own_(std::move(options)), k_(k) {
  require_positive(k, "TopKCategoricalAccuracy", "k");
}

Tensor TopKCategoricalAccuracy::values(const Tensor& y_true, const Tensor& y_pred) {
  return top_k_categorical_accuracy(y_true, y_pred, k_);
}

Config TopKCategoricalAccuracy::config() const {
  Config config = Metric::config();
  config["k"] = k_;
  return config;
}

TopKCategoricalAccuracy TopKCategoricalAccuracy::from_config(const Config& config) {
  TopKCategoricalAccuracyOptions o;
  o.name = config.get("name", "");
  return TopKCategoricalAccuracy(config.get("k", 5), std::move(o));
}

SparseTopKCategoricalAccuracy::SparseTopKCategoricalAccuracy(int k, SparseTopKCategoricalAccuracyOptions options)
    : MeanOfFunction(named(options.name, "sparse_top_k_categorical_accuracy")), own_(std::move(options)), k_(k) {
  require_positive(k, "SparseTopKCategoricalAccuracy", "k");
}

Tensor SparseTopKCategoricalAccuracy::values(const Tensor& y_true, const Tensor& y_pred) {
  return sparse_top_k_categorical_accuracy(y_true, y_pred, k_, own_.from_sorted_ids);
}

Config SparseTopKCategoricalAccuracy::config() const {
  Config config = Metric::config();
  config["k"] = k_;
  if (own_.from_sorted_ids) config["from_sorted_ids"] = true;
  return config;
}

SparseTopKCategoricalAccuracy SparseTopKCategoricalAccuracy::from_config(const Config& config) {
  SparseTopKCategoricalAccuracyOptions o;
  o.name = config.get("name", "");
  o.from_sorted_ids = config.get("from_sorted_ids", o.from_sorted_ids);
  return SparseTopKCategoricalAccuracy(config.get("k", 5), std::move(o));
}

}  // namespace nyala::metrics
