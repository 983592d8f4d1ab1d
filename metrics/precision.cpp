#include <nyala/metrics/confusion.hpp>

#include "support.hpp"

namespace nyala::metrics {

namespace {

std::vector<double> shares(const std::vector<double>& part, const std::vector<double>& rest) {
  std::vector<double> result;
  for (std::size_t i = 0; i < part.size(); ++i)
    result.push_back(part[i] + rest[i] == 0.0 ? 0.0 : part[i] / (part[i] + rest[i]));
  return result;
}

constexpr double below_all = -1e10;

PrecisionOptions precision_options(const Config& config) {
  return {.thresholds = Thresholds::from_config(config.get("thresholds")),
          .top_k = config.optional_int("top_k"),
          .class_id = config.optional_int("class_id"),
          .name = config.get("name", "")};
}

void write(const PrecisionOptions& options, Config& config) {
  config["thresholds"] = options.thresholds.config();
  config["top_k"] = options.top_k;
  config["class_id"] = options.class_id;
}

}  // namespace

Precision::Precision(PrecisionOptions options)
    : ConfusionMetric(
          named(options.name, "precision"),
          {.thresholds = checked_thresholds(options.thresholds, options.top_k ? below_all : 0.5, "Precision"),
           .top_k = options.top_k,
           .class_id = options.class_id}),
      own_(std::move(options)) {}

Tensor Precision::result() {
  const Counts found = counts();
  return per_threshold(shares(found.true_positives, found.false_positives));
}

Config Precision::config() const {
  Config config = Metric::config();
  write(own_, config);
  return config;
}

Precision Precision::from_config(const Config& config) { return Precision(precision_options(config)); }

Recall::Recall(PrecisionOptions options)
    : ConfusionMetric(named(options.name, "recall"),
                      {.thresholds = checked_thresholds(options.thresholds, options.top_k ? below_all : 0.5, "Recall"),
                       .top_k = options.top_k,
                       .class_id = options.class_id}),
      own_(std::move(options)) {}

Tensor Recall::result() {
  const Counts found = counts();
  return per_threshold(shares(found.true_positives, found.false_negatives));
}

Config Recall::config() const {
  Config config = Metric::config();
  write(own_, config);
  return config;
}

Recall Recall::from_config(const Config& config) { return Recall(precision_options(config)); }

}  // namespace nyala::metrics
