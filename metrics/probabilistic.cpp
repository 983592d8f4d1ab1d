#include <nyala/metrics/probabilistic.hpp>

#include <nyala/losses/crossentropy.hpp>
#include <nyala/losses/margin.hpp>

#include "support.hpp"

namespace nyala::metrics {

BinaryCrossentropy::BinaryCrossentropy(BinaryCrossentropyOptions options)
    : MeanOfFunction(named(options.name, "binary_crossentropy")), own_(std::move(options)) {
  require_share(own_.label_smoothing, "BinaryCrossentropy", "label_smoothing");
}

Tensor BinaryCrossentropy::values(const Tensor& y_true, const Tensor& y_pred) {
  return losses::binary_crossentropy(y_true, y_pred, own_.from_logits, own_.label_smoothing);
}

Config BinaryCrossentropy::config() const {
  Config config = Metric::config();
  config["from_logits"] = own_.from_logits;
  config["label_smoothing"] = own_.label_smoothing;
  return config;
}

BinaryCrossentropy BinaryCrossentropy::from_config(const Config& config) {
  BinaryCrossentropyOptions o;
  o.name = config.get("name", "");
  o.from_logits = config.get("from_logits", o.from_logits);
  o.label_smoothing = config.get("label_smoothing", o.label_smoothing);
  return BinaryCrossentropy(std::move(o));
}

CategoricalCrossentropy::CategoricalCrossentropy(CategoricalCrossentropyOptions options)
    : MeanOfFunction(named(options.name, "categorical_crossentropy")), own_(std::move(options)) {
  require_share(own_.label_smoothing, "CategoricalCrossentropy", "label_smoothing");
}

Tensor CategoricalCrossentropy::values(const Tensor& y_true, const Tensor& y_pred) {
  return losses::categorical_crossentropy(y_true, y_pred, own_.from_logits, own_.label_smoothing, own_.axis);
}

Config CategoricalCrossentropy::config() const {
  Config config = Metric::config();
  config["from_logits"] = own_.from_logits;
  config["label_smoothing"] = own_.label_smoothing;
  config["axis"] = own_.axis;
  return config;
}

CategoricalCrossentropy CategoricalCrossentropy::from_config(const Config& config) {
  CategoricalCrossentropyOptions o;
  o.name = config.get("name", "");
  o.from_logits = config.get("from_logits", o.from_logits);
  o.label_smoothing = config.get("label_smoothing", o.label_smoothing);
  o.axis = config.get("axis", o.axis);
  return CategoricalCrossentropy(std::move(o));
}

SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options)
    : MeanOfFunction(named(options.name, "sparse_categorical_crossentropy")), own_(std::move(options)) {}

Tensor SparseCategoricalCrossentropy::values(const Tensor& y_true, const Tensor& y_pred) {
  return losses::sparse_categorical_crossentropy(y_true, y_pred, own_.from_logits, own_.ignore_class, own_.axis);
}

Config SparseCategoricalCrossentropy::config() const {
  Config config = Metric::config();
  config["from_logits"] = own_.from_logits;
  config["ignore_class"] = own_.ignore_class;
  config["axis"] = own_.axis;
  return config;
}

SparseCategoricalCrossentropy SparseCategoricalCrossentropy::from_config(const Config& config) {
  SparseCategoricalCrossentropyOptions o;
  o.name = config.get("name", "");
  o.from_logits = config.get("from_logits", o.from_logits);
  o.ignore_class = config.optional_int("ignore_class");
  o.axis = config.get("axis", o.axis);
  return SparseCategoricalCrossentropy(std::move(o));
}

KLDivergence::KLDivergence(MetricOptions options) : MeanOfFunction(named(options.name, "kl_divergence")) {}

Tensor KLDivergence::values(const Tensor& y_true, const Tensor& y_pred) {
  return losses::kl_divergence(y_true, y_pred);
}

KLDivergence KLDivergence::from_config(const Config& config) { return KLDivergence(metric_options(config)); }

Poisson::Poisson(MetricOptions options) : MeanOfFunction(named(options.name, "poisson")) {}

Tensor Poisson::values(const Tensor& y_true, const Tensor& y_pred) { return losses::poisson(y_true, y_pred); }

Poisson Poisson::from_config(const Config& config) { return Poisson(metric_options(config)); }

Hinge::Hinge(MetricOptions options) : MeanOfFunction(named(options.name, "hinge")) {}

Tensor Hinge::values(const Tensor& y_true, const Tensor& y_pred) { return losses::hinge(y_true, y_pred); }

Hinge Hinge::from_config(const Config& config) { return Hinge(metric_options(config)); }

SquaredHinge::SquaredHinge(MetricOptions options) : MeanOfFunction(named(options.name, "squared_hinge")) {}

Tensor SquaredHinge::values(const Tensor& y_true, const Tensor& y_pred) {
  return losses::squared_hinge(y_true, y_pred);
}

SquaredHinge SquaredHinge::from_config(const Config& config) { return SquaredHinge(metric_options(config)); }

CategoricalHinge::CategoricalHinge(MetricOptions options) : MeanOfFunction(named(options.name, "categorical_hinge")) {}

Tensor CategoricalHinge::values(const Tensor& y_true, const Tensor& y_pred) {
  return losses::categorical_hinge(y_true, y_pred);
}

CategoricalHinge CategoricalHinge::from_config(const Config& config) {
  return CategoricalHinge(metric_options(config));
}

}  // namespace nyala::metrics
