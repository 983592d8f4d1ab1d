#include <cmath>

#include <nyala/autograd.hpp>
#include <nyala/metrics/regression.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "support.hpp"

namespace nyala::metrics {

// Sums per column, in float64: the score is a difference of large numbers.
struct R2Score::State {
  Tensor squares, total, residual, count;
  double entries = 0.0;

  static void add(Tensor& sum, const Tensor& x) { sum = sum.defined() ? sum + x : x; }
};

R2Score::R2Score(R2ScoreOptions options)
    : Metric(named(options.name, "r2_score")), own_(std::move(options)), state_(std::make_shared<State>()) {
  const std::string& kind = own_.class_aggregation;
  if (!kind.empty() && kind != "uniform_average" && kind != "variance_weighted_average") {
    throw Error(name() + ": class_aggregation must be \"uniform_average\", \"variance_weighted_average\" or empty, " +
                "got \"" + kind + "\"");
  }
  if (own_.num_regressors < 0)
    throw Error(name() + ": num_regressors must not be negative, got " + std::to_string(own_.num_regressors));
}

void R2Score::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  StopRecording stop;
  const Aligned y(y_true, y_pred, name().c_str());
  if (y.predicted.rank() != 2)
    throw Error(name() + ": takes predictions (batch, columns), got " + y_pred.shape().str());
  const Tensor truth = cast(y.truth, DType::float64), predicted = cast(y.predicted, DType::float64);
  Tensor weights = ones(truth.shape(), DType::float64);
  if (sample_weight.defined()) {
    const Tensor given = cast(sample_weight, DType::float64);
    weights = weights * (given.rank() == 1 ? expand_dims(given, 1) : given);
  }
  State::add(state_->total, sum(truth * weights, 0));
  State::add(state_->squares, sum(square(truth) * weights, 0));
  State::add(state_->residual, sum(squared_difference(truth, predicted) * weights, 0));
  State::add(state_->count, sum(weights, 0));
  state_->entries += static_cast<double>(truth.size());
}

Tensor R2Score::result() {
  StopRecording stop;
  const State& s = *state_;
  if (!s.count.defined()) return zeros({});
  const Tensor spread = s.squares - s.total * (s.total / s.count);
  Tensor score = 1.0 - s.residual / spread;
  score = where(isinf(score), 0.0, score);
  if (own_.class_aggregation == "uniform_average")
    score = mean(score);
  else if (own_.class_aggregation == "variance_weighted_average")
    score = sum(spread * score) / sum(spread);
  // As in Keras the samples are counted per column, and too few of them give the plain score.
  const double n = s.entries, p = own_.num_regressors;
  if (p > 0.0 && p < n - 1.0) score = 1.0 - (1.0 - score) * (n - 1.0) / (n - p - 1.0);
  return cast(score, floatx());
}

void R2Score::reset_state() {
  State& s = *state_;
  for (Tensor* sum : {&s.squares, &s.total, &s.residual, &s.count}) {
    if (sum->defined()) *sum = zeros_like(*sum);
  }
  s.entries = 0.0;
}

SavedState R2Score::state() const {
  const State& s = *state_;
  return gathered({{"squares", s.squares}, {"total", s.total}, {"residual", s.residual}, {"count", s.count}},
                  Config::object({{"entries", s.entries}}));
}

void R2Score::restore(const SavedState& state) {
  const double entries = state.values.at("entries").as_double();
  *state_ = State{sum_of(state, "squares"), sum_of(state, "total"), sum_of(state, "residual"), sum_of(state, "count"),
                  entries};
}

Config R2Score::config() const {
  Config config = Metric::config();
  config["class_aggregation"] = own_.class_aggregation.empty() ? Config() : Config(own_.class_aggregation);
  config["num_regressors"] = own_.num_regressors;
  return config;
}

R2Score R2Score::from_config(const Config& config) {
  R2ScoreOptions o;
  if (config.contains("class_aggregation")) o.class_aggregation = config.get("class_aggregation", "");
  o.num_regressors = config.get("num_regressors", o.num_regressors);
  o.name = config.get("name", "");
  return R2Score(std::move(o));
}

}  // namespace nyala::metrics
