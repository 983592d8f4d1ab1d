#include "support.hpp"

#include <nyala/ops/math.hpp>
#include <nyala/ops/shape.hpp>

namespace nyala::metrics {

namespace {

[[noreturn]] void refuse(const char* metric, const std::string& rule, const Tensor& y_true, const Tensor& y_pred) {
  throw Error(std::string(metric) + ": " + rule + ", got y_true " + y_true.shape().str() + " and y_pred " +
              y_pred.shape().str());
}

void require_both(const Tensor& y_true, const Tensor& y_pred, const char* metric) {
  if (!y_true.defined() || !y_pred.defined()) throw Error(std::string(metric) + ": needs y_true and y_pred");
}

}  // namespace

MetricOptions metric_options(const Config& config) { return {.name = config.get("name", "")}; }

SavedState gathered(std::initializer_list<std::pair<const char*, Tensor>> sums, Config values) {
  SavedState state{std::move(values), {}};
  for (const auto& [name, sum] : sums) {
    if (sum.defined()) state.tensors.emplace(name, sum);
  }
  return state;
}

Tensor sum_of(const SavedState& state, const std::string& name) {
  const auto found = state.tensors.find(name);
  return found == state.tensors.end() ? Tensor() : found->second.to(default_device());
}

Aligned::Aligned(const Tensor& y_true, const Tensor& y_pred, const char* metric) : truth(y_true), predicted(y_pred) {
  require_both(y_true, y_pred, metric);
  if (is_floating(truth.dtype()) && is_floating(predicted.dtype()) && truth.dtype() != predicted.dtype())
    truth = cast(truth, predicted.dtype());
  if (truth.rank() == predicted.rank() + 1 && truth.shape().back() == 1) {
    truth = squeeze(truth, -1);
  } else if (predicted.rank() == truth.rank() + 1 && predicted.shape().back() == 1) {
    truth = expand_dims(truth, -1);
  }
  if (truth.shape() != predicted.shape()) refuse(metric, "y_true and y_pred must have one shape", y_true, y_pred);
}

void require_same_shape(const Tensor& y_true, const Tensor& y_pred, const char* metric) {
  require_both(y_true, y_pred, metric);
  if (y_true.shape() != y_pred.shape() || y_pred.rank() == 0)
    refuse(metric, "y_true must be one-hot, of the shape of y_pred", y_true, y_pred);
}

Tensor class_labels(const Tensor& y_true, const Tensor& y_pred, const char* metric) {
  require_both(y_true, y_pred, metric);
  Tensor classes = y_true;
  if (classes.rank() > 0 && classes.rank() == y_pred.rank() && classes.shape().back() == 1)
    classes = squeeze(classes, -1);
  bool fits = classes.rank() + 1 == y_pred.rank();
  for (int axis = 0; fits && axis < classes.rank(); ++axis) fits = classes.shape().at(axis) == y_pred.shape().at(axis);
  if (!fits) refuse(metric, "y_true must hold one class number for each prediction", y_true, y_pred);
  return classes;
}

void require_positive(int value, const char* owner, const char* option) {
  if (value <= 0) throw Error(std::string(owner) + ": " + option + " must be positive, got " + std::to_string(value));
}

void require_share(double value, const char* owner, const char* option) {
  if (!(value >= 0.0 && value <= 1.0))
    throw Error(std::string(owner) + ": " + option + " must be from 0 to 1, got " + Config(value).json());
}

std::vector<double> checked_thresholds(const Thresholds& thresholds, double otherwise, const char* owner) {
  if (!thresholds.given()) return {otherwise};
  for (const double threshold : thresholds.values()) require_share(threshold, owner, "each of the thresholds");
  return thresholds.values();
}

}  // namespace nyala::metrics
