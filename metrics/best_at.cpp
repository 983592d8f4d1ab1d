#include <algorithm>

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

AtOptions at_options(const Config& config) {
  const AtOptions defaults;
  return {.num_thresholds = config.get("num_thresholds", defaults.num_thresholds),
          .class_id = config.optional_int("class_id"),
          .name = config.get("name", "")};
}

}  // namespace

const BestAt::Kind BestAt::sensitivity_at_specificity{"SensitivityAtSpecificity",
                                                      "sensitivity_at_specificity",
                                                      "specificity",
                                                      {&Counts::true_positives, &Counts::false_negatives},
                                                      {&Counts::true_negatives, &Counts::false_positives}};
const BestAt::Kind BestAt::specificity_at_sensitivity{"SpecificityAtSensitivity",
                                                      "specificity_at_sensitivity",
                                                      "sensitivity",
                                                      {&Counts::true_negatives, &Counts::false_positives},
                                                      {&Counts::true_positives, &Counts::false_negatives}};
const BestAt::Kind BestAt::precision_at_recall{"PrecisionAtRecall",
                                               "precision_at_recall",
                                               "recall",
                                               {&Counts::true_positives, &Counts::false_positives},
                                               {&Counts::true_positives, &Counts::false_negatives}};
const BestAt::Kind BestAt::recall_at_precision{"RecallAtPrecision",
                                               "recall_at_precision",
                                               "precision",
                                               {&Counts::true_positives, &Counts::false_negatives},
                                               {&Counts::true_positives, &Counts::false_positives}};

BestAt::BestAt(const Kind& kind, double limit, AtOptions options)
    : ConfusionMetric(
          named(options.name, kind.name),
          {.thresholds = even_thresholds(options.num_thresholds, kind.class_name), .class_id = options.class_id}),
      kind_(&kind),
      limit_(limit),
      own_(std::move(options)) {
  require_share(limit, kind.class_name, kind.limit_name);
}

Tensor BestAt::result() {
  const Counts c = counts();
  const auto at = [&c](const Share& of, std::size_t i) { return share((c.*of.part)[i], (c.*of.rest)[i]); };
  double best = 0.0;
  for (std::size_t i = 0; i < c.thresholds; ++i) {
    if (at(kind_->limited, i) >= limit_) best = std::max(best, at(kind_->wanted, i));
  }
  return per_threshold({best});
}

Config BestAt::config() const {
  Config config = Metric::config();
  config["class_id"] = own_.class_id;
  config["num_thresholds"] = own_.num_thresholds;
  config[kind_->limit_name] = limit_;
  return config;
}

SensitivityAtSpecificity::SensitivityAtSpecificity(double specificity, AtOptions options)
    : BestAt(sensitivity_at_specificity, specificity, std::move(options)) {}

SensitivityAtSpecificity SensitivityAtSpecificity::from_config(const Config& config) {
  return SensitivityAtSpecificity(config.at("specificity").as_double(), at_options(config));
}

SpecificityAtSensitivity::SpecificityAtSensitivity(double sensitivity, AtOptions options)
    : BestAt(specificity_at_sensitivity, sensitivity, std::move(options)) {}

SpecificityAtSensitivity SpecificityAtSensitivity::from_config(const Config& config) {
  return SpecificityAtSensitivity(config.at("sensitivity").as_double(), at_options(config));
}

PrecisionAtRecall::PrecisionAtRecall(double recall, AtOptions options)
    : BestAt(precision_at_recall, recall, std::move(options)) {}

PrecisionAtRecall PrecisionAtRecall::from_config(const Config& config) {
  return PrecisionAtRecall(config.at("recall").as_double(), at_options(config));
}

RecallAtPrecision::RecallAtPrecision(double precision, AtOptions options)
    : BestAt(recall_at_precision, precision, std::move(options)) {}

RecallAtPrecision RecallAtPrecision::from_config(const Config& config) {
  return RecallAtPrecision(config.at("precision").as_double(), at_options(config));
}

}  // namespace nyala::metrics
