#include <nyala/metrics/confusion.hpp>

#include "support.hpp"

namespace nyala::metrics {

TruePositives::TruePositives(CountOptions options)
    : ConfusionMetric(named(options.name, "true_positives"),
                      {.thresholds = checked_thresholds(options.thresholds, 0.5, "TruePositives")}),
      thresholds_(std::move(options.thresholds)) {}

Tensor TruePositives::result() { return per_threshold(counts().true_positives); }

Config TruePositives::config() const {
  Config config = Metric::config();
  config["thresholds"] = thresholds_.config();
  return config;
}

TruePositives TruePositives::from_config(const Config& config) {
  return TruePositives(
      {.thresholds = Thresholds::from_config(config.get("thresholds")), .name = config.get("name", "")});
}

FalsePositives::FalsePositives(CountOptions options)
    : ConfusionMetric(named(options.name, "false_positives"),
                      {.thresholds = checked_thresholds(options.thresholds, 0.5, "FalsePositives")}),
      thresholds_(std::move(options.thresholds)) {}

Tensor FalsePositives::result() { return per_threshold(counts().false_positives); }

Config FalsePositives::config() const {
  Config config = Metric::config();
  config["thresholds"] = thresholds_.config();
  return config;
}

FalsePositives FalsePositives::from_config(const Config& config) {
  return FalsePositives(
      {.thresholds = Thresholds::from_config(config.get("thresholds")), .name = config.get("name", "")});
}

TrueNegatives::TrueNegatives(CountOptions options)
    : ConfusionMetric(named(options.name, "true_negatives"),
                      {.thresholds = checked_thresholds(options.thresholds, 0.5, "TrueNegatives")}),
      thresholds_(std::move(options.thresholds)) {}

Tensor TrueNegatives::result() { return per_threshold(counts().true_negatives); }

Config TrueNegatives::config() const {
  Config config = Metric::config();
  config["thresholds"] = thresholds_.config();
  return config;
}

TrueNegatives TrueNegatives::from_config(const Config& config) {
  return TrueNegatives(
      {.thresholds = Thresholds::from_config(config.get("thresholds")), .name = config.get("name", "")});
}

FalseNegatives::FalseNegatives(CountOptions options)
    : ConfusionMetric(named(options.name, "false_negatives"),
                      {.thresholds = checked_thresholds(options.thresholds, 0.5, "FalseNegatives")}),
      thresholds_(std::move(options.thresholds)) {}

Tensor FalseNegatives::result() { return per_threshold(counts().false_negatives); }

Config FalseNegatives::config() const {
  Config config = Metric::config();
  config["thresholds"] = thresholds_.config();
  return config;
}

FalseNegatives FalseNegatives::from_config(const Config& config) {
  return FalseNegatives(
      {.thresholds = Thresholds::from_config(config.get("thresholds")), .name = config.get("name", "")});
}

}  // namespace nyala::metrics
