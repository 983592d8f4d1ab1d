#include <nyala/autograd.hpp>
#include <nyala/metrics/fscore.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "support.hpp"

namespace nyala::metrics {

struct FBetaScore::State {
  Tensor true_positives, false_positives, false_negatives, weights;  // per class, or scalars for "micro"

  static void add(Tensor& sum, const Tensor& x) { sum = sum.defined() ? sum + x : x; }
};

FBetaScore::FBetaScore(FBetaScoreOptions options) : FBetaScore(std::move(options), "fbeta_score") {}

FBetaScore::FBetaScore(FBetaScoreOptions options, const char* default_name)
    : Metric(named(options.name, default_name)), own_(std::move(options)), state_(std::make_shared<State>()) {
  const std::string& average = own_.average;
  if (!average.empty() && average != "micro" && average != "macro" && average != "weighted")
    throw Error(name() + ": average must be \"micro\", \"macro\", \"weighted\" or empty, got \"" + average + "\"");
  if (!(own_.beta > 0.0)) throw Error(name() + ": beta must be positive, got " + Config(own_.beta).json());
  if (own_.threshold && !(*own_.threshold > 0.0 && *own_.threshold <= 1.0))
    throw Error(name() + ": threshold must be above 0 and at most 1, got " + Config(*own_.threshold).json());
}

void FBetaScore::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  StopRecording stop;
  require_same_shape(y_true, y_pred, name().c_str());
  if (y_pred.rank() != 2) throw Error(name() + ": takes predictions (batch, classes), got " + y_pred.shape().str());
  constexpr double nothing = 1e-9;
  const Tensor yes =
      own_.threshold ? y_pred > *own_.threshold : logical_and(y_pred >= max(y_pred, -1, true), abs(y_pred) > nothing);
  const Tensor predicted = cast(yes, floatx()), truth = cast(y_true, floatx());
  const Axes axis = own_.average == "micro" ? Axes() : Axes(0);
  const auto total = [&](const Tensor& x) {
    return sum(sample_weight.defined() ? x * expand_dims(cast(ravel(sample_weight), floatx()), 1) : x, axis);
  };
  State::add(state_->true_positives, total(predicted * truth));
  State::add(state_->false_positives, total(predicted * (1.0 - truth)));
  State::add(state_->false_negatives, total((1.0 - predicted) * truth));
  State::add(state_->weights, total(truth));
}

Tensor FBetaScore::result() {
  StopRecording stop;
  const State& s = *state_;
  if (!s.weights.defined()) return zeros({});
  const double guard = epsilon(), square = own_.beta * own_.beta;
  const Tensor precision = s.true_positives / (s.true_positives + s.false_positives + guard);
  const Tensor recall = s.true_positives / (s.true_positives + s.false_negatives + guard);
  const Tensor score = precision * recall / (precision * square + recall + guard) * (1.0 + square);
  if (own_.average == "weighted") return sum(score * (s.weights / (sum(s.weights) + guard)));
  return own_.average.empty() ? score : mean(score);
}

void FBetaScore::reset_state() {
  State& s = *state_;
  for (Tensor* sum : {&s.true_positives, &s.false_positives, &s.false_negatives, &s.weights}) {
    if (sum->defined()) *sum = zeros_like(*sum);
  }
}

SavedState FBetaScore::state() const {
  return gathered({{"true_positives", state_->true_positives},
                   {"false_positives", state_->false_positives},
                   {"false_negatives", state_->false_negatives},
                   {"weights", state_->weights}});
}

void FBetaScore::restore(const SavedState& state) {
  *state_ = State{sum_of(state, "true_positives"), sum_of(state, "false_positives"), sum_of(state, "false_negatives"),
                  sum_of(state, "weights")};
}

Config FBetaScore::config() const {
  Config config = Metric::config();
  config["average"] = own_.average.empty() ? Config() : Config(own_.average);
  config["beta"] = own_.beta;
  config["threshold"] = own_.threshold;
  return config;
}

FBetaScore FBetaScore::from_config(const Config& config) {
  return FBetaScore({.average = config.get("average", ""),
                     .beta = config.get("beta", 1.0),
                     .threshold = config.optional_double("threshold"),
                     .name = config.get("name", "")});
}

F1Score::F1Score(F1ScoreOptions options)
    : FBetaScore({.average = options.average, .threshold = options.threshold, .name = options.name}, "f1_score") {}

Config F1Score::config() const {
  Config config = FBetaScore::config();
  config.erase("beta");
  return config;
}

F1Score F1Score::from_config(const Config& config) {
  return F1Score({.average = config.get("average", ""),
                  .threshold = config.optional_double("threshold"),
                  .name = config.get("name", "")});
}

}  // namespace nyala::metrics
