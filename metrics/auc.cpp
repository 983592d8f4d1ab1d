#include <algorithm>
#include <cctype>
#include <cmath>

#include <nyala/metrics/confusion.hpp>
#include <nyala/ops/activations.hpp>

#include "support.hpp"

namespace nyala::metrics {

namespace {

/// One below 0 and one above 1 catch every prediction.
std::vector<double> thresholds_of(const AUCOptions& options) {
  std::vector<double> result{-epsilon()};
  if (options.thresholds.empty()) {
    if (options.num_thresholds <= 1)
      throw Error("AUC: num_thresholds must be at least 2, got " + std::to_string(options.num_thresholds));
    for (int i = 1; i < options.num_thresholds - 1; ++i)
      result.push_back(static_cast<double>(i) / (options.num_thresholds - 1));
  } else {
    for (const double threshold : options.thresholds) {
      require_share(threshold, "AUC", "each of the thresholds");
      result.push_back(threshold);
    }
    std::sort(result.begin(), result.end());
  }
  result.push_back(1.0 + epsilon());
  return result;
}

std::string changed(std::string text, int (*change)(int)) {
  for (char& c : text) c = static_cast<char>(change(static_cast<unsigned char>(c)));
  return text;
}

/// Keras keeps label weights in a tensor of float32, and writes that.
Config weights_config(const std::vector<double>& weights) {
  if (weights.empty()) return {};
  Config values = Config::array();
  for (const double weight : weights) values.push_back(static_cast<double>(static_cast<float>(weight)));
  return Config::object(
      {{"class_name", "__tensor__"}, {"config", Config::object({{"value", std::move(values)}, {"dtype", "float32"}})}});
}

std::vector<double> weights_from(const Config& config) {
  const Config& values = config.is_object() ? config.at("config").at("value") : config;
  return Thresholds::from_config(values).values();
}

double ratio(double a, double b) { return b == 0.0 ? 0.0 : a / b; }

/// The counts at one threshold for one label.
struct Point {
  double tp, fp, tn, fn;
  double recall() const { return ratio(tp, tp + fn); }
};

struct Place {
  double x, y;
};

Place on_curve(const Point& p, const std::string& curve) {
  if (curve == "ROC") return {ratio(p.fp, p.fp + p.tn), p.recall()};
  if (curve == "PR") return {p.recall(), ratio(p.tp, p.tp + p.fp)};
  // Flach & Kull 2015; without true positives the gains are 0 and 1, and a recall below chance gains nothing.
  if (p.tp == 0.0) return {0.0, 1.0};
  const double scale = ratio(p.tp + p.fn, p.tn + p.fp);
  return {std::max(0.0, 1.0 - scale * p.fn / p.tp), 1.0 - scale * p.fp / p.tp};
}

/// Between thresholds precision is no straight line (Davis & Goadrich 2006).
double interpolated_pr(const Point& a, const Point& b) {
  const double dtp = a.tp - b.tp, pa = a.tp + a.fp, pb = b.tp + b.fp;
  const double slope = ratio(dtp, std::max(pa - pb, 0.0)), intercept = b.tp - slope * pb;
  const double growth = pa > 0.0 && pb > 0.0 ? pa / pb : 1.0;
  return ratio(slope * (dtp + intercept * std::log(growth)), b.tp + b.fn);
}

double area(const Point& a, const Point& b, const AUCOptions& options) {
  if (options.curve == "PR" && options.summation_method == "interpolation") return interpolated_pr(a, b);
  const Place from = on_curve(a, options.curve), to = on_curve(b, options.curve);
  const double height = options.summation_method == "interpolation" ? (from.y + to.y) / 2.0
                        : options.summation_method == "minoring"    ? std::min(from.y, to.y)
                                                                    : std::max(from.y, to.y);
  return (from.x - to.x) * height;
}

AUCOptions checked_options(AUCOptions options) {
  options.curve = changed(options.curve, std::toupper);
  options.summation_method = changed(options.summation_method, std::tolower);
  if (options.curve != "ROC" && options.curve != "PR" && options.curve != "PRGAIN")
    throw Error("AUC: curve must be \"ROC\", \"PR\" or \"PRGAIN\", got \"" + options.curve + "\"");
  const std::string& method = options.summation_method;
  if (method != "interpolation" && method != "majoring" && method != "minoring") {
    throw Error("AUC: summation_method must be \"interpolation\", \"majoring\" or \"minoring\", got \"" + method +
                "\"");
  }
  if (options.num_labels && !options.multi_label) throw Error("AUC: num_labels goes with multi_label only");
  return options;
}

}  // namespace

AUC::AUC(AUCOptions options)
    : ConfusionMetric(named(options.name, "auc"),
                      {.thresholds = thresholds_of(options),
                       .per_label = options.multi_label,
                       .label_weights = options.multi_label ? std::vector<double>() : options.label_weights}),
      own_(checked_options(std::move(options))) {}

void AUC::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  if (own_.num_labels && y_pred.defined() && y_pred.rank() == 2 && y_pred.shape()[1] != *own_.num_labels) {
    throw Error(name() + ": was made for " + std::to_string(*own_.num_labels) + " labels, got predictions " +
                y_pred.shape().str());
  }
  ConfusionMetric::update_state(y_true, own_.from_logits ? sigmoid(y_pred) : y_pred, sample_weight);
}

Tensor AUC::result() {
  const Counts c = counts();
  const bool weighted = own_.multi_label && !own_.label_weights.empty();
  if (weighted && own_.label_weights.size() != c.labels) {
    throw Error(name() + ": " + std::to_string(own_.label_weights.size()) + " label_weights for " +
                std::to_string(c.labels) + " labels");
  }
  double total = 0.0, weights = 0.0;
  for (std::size_t label = 0; label < c.labels; ++label) {
    const auto at = [&](std::size_t i) {
      const std::size_t k = i * c.labels + label;
      return Point{c.true_positives[k], c.false_positives[k], c.true_negatives[k], c.false_negatives[k]};
    };
    double under = 0.0;
    for (std::size_t i = 0; i + 1 < c.thresholds; ++i) under += area(at(i), at(i + 1), own_);
    const double weight = weighted ? own_.label_weights[label] : 1.0;
    total += weight * under;
    weights += weight;
  }
  return per_threshold({ratio(total, weights)});
}

Config AUC::config() const {
  Config config = Metric::config();
  config["num_thresholds"] =
      own_.thresholds.empty() ? own_.num_thresholds : static_cast<int>(own_.thresholds.size() + 2);
  config["curve"] = own_.curve;
  config["summation_method"] = own_.summation_method;
  config["multi_label"] = own_.multi_label;
  config["num_labels"] = own_.num_labels;
  config["label_weights"] = weights_config(own_.label_weights);
  config["from_logits"] = own_.from_logits;
  if (!own_.thresholds.empty()) config["thresholds"] = own_.thresholds;
  return config;
}

AUC AUC::from_config(const Config& config) {
  AUCOptions o;
  o.num_thresholds = config.get("num_thresholds", o.num_thresholds);
  o.curve = config.get("curve", o.curve.c_str());
  o.summation_method = config.get("summation_method", o.summation_method.c_str());
  o.thresholds = Thresholds::from_config(config.get("thresholds")).values();
  o.multi_label = config.get("multi_label", o.multi_label);
  o.num_labels = config.optional_int("num_labels");
  o.label_weights = weights_from(config.get("label_weights"));
  o.from_logits = config.get("from_logits", o.from_logits);
  o.name = config.get("name", "");
  return AUC(std::move(o));
}

}  // namespace nyala::metrics
