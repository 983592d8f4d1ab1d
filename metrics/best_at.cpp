#include <nyala/metrics/confusion.hpp>

#include "support.hpp"

namespace nyala::metrics {

namespace {

std::vector<double> even_thresholds(int count, const char* owner) {
  require_positive(count, owner, "num_thresholds");
  if (count == 1) return {0.5};
  std::vector<double> result;
  for (int i = 0; i < count; ++i) result.push_back(static_cast<double>(i) / (count - 1));
  return result;
}

double share(double part, double rest) { return part + rest == 0.0 ? 0.0 : part / (part + rest); }

/// The largest of `wanted` where `bound` is at least `limit`; 0 if there is no such place.
class Best {
 public:
  explicit Best(double limit) : limit_(limit) {}
  void offer(double bound, double wanted) {
    if (bound >= limit_ && wanted > best_) best_ = wanted;
  }
  double value() const { return best_; }

 private:
  double limit_, best_ = 0.0;
};

AtOptions at_options(const Config& config) {
  const AtOptions defaults;
  return {.num_thresholds = config.get("num_thresholds", defaults.num_thresholds),
          .class_id = config.optional_int("class_id"),
          .name = config.get("name", "")};
}

}  // namespace

SensitivityAtSpecificity::SensitivityAtSpecificity(double specificity, AtOptions options)
    : ConfusionMetric(named(options.name, "sensitivity_at_specificity"),
                      {.thresholds = even_thresholds(options.num_thresholds, "SensitivityAtSpecificity"),
                       .class_id = options.class_id}),
      specificity_(specificity),
      own_(std::move(options)) {
  require_share(specificity, "SensitivityAtSpecificity", "specificity");
}

Tensor SensitivityAtSpecificity::result() {
  const Counts c = counts();
  Best best(specificity_);
  for (std::size_t i = 0; i < c.thresholds; ++i)
    best.offer(share(c.true_negatives[i], c.false_positives[i]), share(c.true_positives[i], c.false_negatives[i]));
  return per_threshold({best.value()});
}

Config SensitivityAtSpecificity::config() const {
  Config config = Metric::config();
  config["class_id"] = own_.class_id;
  config["num_thresholds"] = own_.num_thresholds;
  config["specificity"] = specificity_;
  return config;
}

SensitivityAtSpecificity SensitivityAtSpecificity::from_config(const Config& config) {
  return SensitivityAtSpecificity(config.at("specificity").as_double(), at_options(config));
}

SpecificityAtSensitivity::SpecificityAtSensitivity(double sensitivity, AtOptions options)
    : ConfusionMetric(named(options.name, "specificity_at_sensitivity"),
                      {.thresholds = even_thresholds(options.num_thresholds, "SpecificityAtSensitivity"),
                       .class_id = options.class_id}),
      sensitivity_(sensitivity),
      own_(std::move(options)) {
  require_share(sensitivity, "SpecificityAtSensitivity", "sensitivity");
}

Tensor SpecificityAtSensitivity::result() {
  const Counts c = counts();
  Best best(sensitivity_);
  for (std::size_t i = 0; i < c.thresholds; ++i)
    best.offer(share(c.true_positives[i], c.false_negatives[i]), share(c.true_negatives[i], c.false_positives[i]));
  return per_threshold({best.value()});
}

Config SpecificityAtSensitivity::config() const {
  Config config = Metric::config();
  config["class_id"] = own_.class_id;
  config["num_thresholds"] = own_.num_thresholds;
  config["sensitivity"] = sensitivity_;
  return config;
}

SpecificityAtSensitivity SpecificityAtSensitivity::from_config(const Config& config) {
  return SpecificityAtSensitivity(config.at("sensitivity").as_double(), at_options(config));
}

PrecisionAtRecall::PrecisionAtRecall(double recall, AtOptions options)
    : ConfusionMetric(
          named(options.name, "precision_at_recall"),
          {.thresholds = even_thresholds(options.num_thresholds, "PrecisionAtRecall"), .class_id = options.class_id}),
      recall_(recall),
      own_(std::move(options)) {
  require_share(recall, "PrecisionAtRecall", "recall");
}

Tensor PrecisionAtRecall::result() {
  const Counts c = counts();
  Best best(recall_);
  for (std::size_t i = 0; i < c.thresholds; ++i)
    best.offer(share(c.true_positives[i], c.false_negatives[i]), share(c.true_positives[i], c.false_positives[i]));
  return per_threshold({best.value()});
}

Config PrecisionAtRecall::config() const {
  Config config = Metric::config();
  config["class_id"] = own_.class_id;
  config["num_thresholds"] = own_.num_thresholds;
  config["recall"] = recall_;
  return config;
}

PrecisionAtRecall PrecisionAtRecall::from_config(const Config& config) {
  return PrecisionAtRecall(config.at("recall").as_double(), at_options(config));
}

RecallAtPrecision::RecallAtPrecision(double precision, AtOptions options)
    : ConfusionMetric(
          named(options.name, "recall_at_precision"),
          {.thresholds = even_thresholds(options.num_thresholds, "RecallAtPrecision"), .class_id = options.class_id}),
      precision_(precision),
      own_(std::move(options)) {
  require_share(precision, "RecallAtPrecision", "precision");
}

Tensor RecallAtPrecision::result() {
  const Counts c = counts();
  Best best(precision_);
  for (std::size_t i = 0; i < c.thresholds; ++i)
    best.offer(share(c.true_positives[i], c.false_positives[i]), share(c.true_positives[i], c.false_negatives[i]));
  return per_threshold({best.value()});
}

Config RecallAtPrecision::config() const {
  Config config = Metric::config();
  config["class_id"] = own_.class_id;
  config["num_thresholds"] = own_.num_thresholds;
  config["precision"] = precision_;
  return config;
}

RecallAtPrecision RecallAtPrecision::from_config(const Config& config) {
  return RecallAtPrecision(config.at("precision").as_double(), at_options(config));
}

}  // namespace nyala::metrics
