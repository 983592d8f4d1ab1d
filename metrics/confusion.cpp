#include <algorithm>

#include <nyala/autograd.hpp>
#include <nyala/metrics/confusion.hpp>
#include <nyala/ops/activations.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "support.hpp"

namespace nyala::metrics {

Config Thresholds::config() const {
  if (values_.empty()) return {};
  return single_ ? Config(values_.front()) : Config(values_);
}

Thresholds Thresholds::from_config(const Config& config) {
  if (config.is_null()) return {};
  if (config.is_number()) return config.as_double();
  std::vector<double> values;
  for (const Config& value : config.items()) values.push_back(value.as_double());
  return values;
}

// Predictions are sorted into buckets between neighbouring thresholds; a batch costs one sum over rows however many
// thresholds there are, and the counts follow from running sums over the buckets.
struct ConfusionMetric::State {
  Setup setup;
  std::vector<std::size_t> order;  // place in the sorted thresholds -> place as given
  Tensor sorted;                   // float32
  std::int64_t labels = 1;
  Tensor buckets;  // (labels * (thresholds + 1), 2): weights of positives and of negatives
};

ConfusionMetric::ConfusionMetric(std::string name, Setup setup)
    : Metric(std::move(name)), state_(std::make_shared<State>()) {
  const std::vector<double>& thresholds = setup.thresholds;
  for (std::size_t i = 0; i < thresholds.size(); ++i) state_->order.push_back(i);
  std::stable_sort(state_->order.begin(), state_->order.end(),
                   [&](std::size_t a, std::size_t b) { return thresholds[a] < thresholds[b]; });
  std::vector<float> sorted;
  for (const std::size_t i : state_->order) sorted.push_back(static_cast<float>(thresholds[i]));
  state_->sorted = tensor(sorted);
  if (setup.top_k) require_positive(*setup.top_k, name_.c_str(), "top_k");
  if (setup.class_id && *setup.class_id < 0)
    throw Error(name_ + ": class_id must not be negative, got " + std::to_string(*setup.class_id));
  state_->setup = std::move(setup);
}

namespace {

/// All but the k largest entries of each row become too small for any threshold.
Tensor largest_only(const Tensor& y_pred, int k) {
  constexpr double below_all = -1e10;
  const std::int64_t classes = y_pred.shape().back();
  if (k >= classes) return y_pred;
  const TopK best = top_k(y_pred, k);
  const Tensor kept = sum(one_hot(best.indices, static_cast<int>(classes), -1, y_pred.dtype()), -2);
  return where(kept > 0.0, y_pred, below_all);
}

Tensor column(const Tensor& x, int class_id, const std::string& owner) {
  if (x.rank() < 2 || x.shape().back() <= class_id) {
    throw Error(owner + ": class_id " + std::to_string(class_id) + " needs predictions of that many classes, got " +
                x.shape().str());
  }
  return x(ellipsis, Slice{class_id, class_id + 1, {}});
}

/// Weights (batch,), or of more of y_pred's axes, for each entry of y_pred.
Tensor spread(const Tensor& weights, const Tensor& y_pred, const std::string& owner) {
  Tensor result = cast(weights, y_pred.dtype());
  Shape shape = result.shape();
  while (shape.size() < y_pred.shape().size()) shape.push_back(1);
  while (shape.size() > y_pred.shape().size() && shape.back() == 1) shape.pop_back();
  bool fits = shape.size() == y_pred.shape().size();
  for (std::size_t axis = 0; fits && axis < shape.size(); ++axis)
    fits = shape[axis] == 1 || shape[axis] == y_pred.shape()[axis];
  if (!fits) {
    throw Error(owner + ": sample weights of shape " + weights.shape().str() + " do not fit to predictions of shape " +
                y_pred.shape().str());
  }
  return broadcast_to(reshape(result, shape), y_pred.shape());
}

}  // namespace

void ConfusionMetric::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  StopRecording stop;
  State& state = *state_;
  const Setup& setup = state.setup;
  const Aligned y(y_true, y_pred, name().c_str());
  Tensor truth = y.truth, predicted = cast(y.predicted, DType::float32);
  if (setup.top_k) predicted = largest_only(predicted, *setup.top_k);
  if (setup.class_id) {
    truth = column(truth, *setup.class_id, name());
    predicted = column(predicted, *setup.class_id, name());
  }
  if (setup.per_label) {
    if (predicted.rank() != 2)
      throw Error(name() + ": multi_label takes predictions (batch, labels), got " + predicted.shape().str());
    if (state.buckets.defined() && state.labels != predicted.shape()[1]) {
      throw Error(name() + ": has seen " + std::to_string(state.labels) + " labels so far, got " +
                  predicted.shape().str());
    }
    state.labels = predicted.shape()[1];
  }
  const auto places = static_cast<std::int64_t>(setup.thresholds.size()) + 1;
  Tensor bucket = searchsorted(state.sorted, predicted);
  if (setup.per_label) bucket = bucket + arange(state.labels) * places;
  const Tensor positive = cast(cast(truth, DType::boolean), DType::float64);
  Tensor weights;
  if (sample_weight.defined()) weights = cast(spread(sample_weight, predicted, name()), DType::float64);
  if (!setup.label_weights.empty()) {
    const Tensor by_label = tensor(setup.label_weights);
    if (predicted.rank() < 2 || predicted.shape().back() != by_label.size()) {
      throw Error(name() + ": " + std::to_string(by_label.size()) +
                  " label_weights do not fit to predictions of shape " + predicted.shape().str());
    }
    weights = weights.defined() ? weights * by_label : broadcast_to(by_label, predicted.shape());
  }
  const Tensor negative = 1.0 - positive;
  Tensor both = stack({ravel(weights.defined() ? positive * weights : positive),
                       ravel(weights.defined() ? negative * weights : negative)},
                      -1);
  const Tensor sums = segment_sum(both, cast(ravel(bucket), DType::int32), places * state.labels);
  state.buckets = state.buckets.defined() ? state.buckets + sums : sums;
}

void ConfusionMetric::reset_state() { state_->buckets = Tensor(); }

SavedState ConfusionMetric::state() const {
  return gathered({{"buckets", state_->buckets}}, Config::object({{"labels", state_->labels}}));
}

void ConfusionMetric::restore(const SavedState& state) {
  const std::int64_t labels = state.values.at("labels").as_integer();
  const auto places = static_cast<std::int64_t>(state_->setup.thresholds.size()) + 1;
  const Tensor buckets = sum_of(state, "buckets");
  if (labels < 1 || (buckets.defined() && buckets.shape() != Shape{labels * places, 2})) {
    throw Error(name() + ": a state of other thresholds or labels cannot be restored");
  }
  state_->labels = labels;
  state_->buckets = buckets;
}

ConfusionMetric::Counts ConfusionMetric::counts() const {
  const State& state = *state_;
  Counts result;
  result.thresholds = state.setup.thresholds.size();
  result.labels = static_cast<std::size_t>(state.labels);
  const std::size_t count = result.thresholds * result.labels, places = result.thresholds + 1;
  result.true_positives.assign(count, 0.0);
  result.false_positives = result.true_negatives = result.false_negatives = result.true_positives;
  if (!state.buckets.defined()) return result;
  const std::vector<double> buckets = state.buckets.to_vector<double>();
  for (std::size_t label = 0; label < result.labels; ++label) {
    const double* row = buckets.data() + label * places * 2;
    double positives = 0.0, negatives = 0.0;
    for (std::size_t i = 0; i < result.thresholds; ++i) {
      positives += row[2 * i];
      negatives += row[2 * i + 1];
      result.false_negatives[state.order[i] * result.labels + label] = positives;
      result.true_negatives[state.order[i] * result.labels + label] = negatives;
    }
    positives = negatives = 0.0;
    for (std::size_t i = result.thresholds; i-- > 0;) {
      positives += row[2 * i + 2];
      negatives += row[2 * i + 3];
      result.true_positives[state.order[i] * result.labels + label] = positives;
      result.false_positives[state.order[i] * result.labels + label] = negatives;
    }
  }
  return result;
}

Tensor ConfusionMetric::per_threshold(const std::vector<double>& values) {
  const Tensor all = cast(tensor(values), floatx());
  return values.size() == 1 ? reshape(all, {}) : all;
}

}  // namespace nyala::metrics
