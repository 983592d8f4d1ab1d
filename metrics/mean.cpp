#include <nyala/metrics/mean.hpp>

#include <nyala/autograd.hpp>
#include <nyala/loss.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "support.hpp"

namespace nyala::metrics {

namespace {

/// x with axes of size 1 added at its end, up to that rank.
Tensor with_rank(const Tensor& x, int rank) {
  if (x.rank() >= rank) return x;
  Shape shape = x.shape();
  while (shape.size() < static_cast<std::size_t>(rank)) shape.push_back(1);
  return reshape(x, shape);
}

/// The axes that belong to one sample.
double entries_per_sample(const Shape& shape) {
  return shape.size() <= 1 || shape[0] == 0 ? 1.0
                                            : static_cast<double>(shape.elements()) / static_cast<double>(shape[0]);
}

struct Weighted {
  Tensor values, weights;  // of one rank; weights broadcast to values
};

/// Keras' way: values are averaged over the axes that weights do not have.
Weighted weighted(const Tensor& values, const Tensor& sample_weight, const Tensor& mask, bool average) {
  Weighted result{values, {}};
  if (sample_weight.defined()) result.weights = cast(sample_weight, values.dtype());
  if (mask.defined()) {
    const Tensor kept = cast(mask, values.dtype());
    result.weights = result.weights.defined() ? with_rank(result.weights, kept.rank()) * kept : kept;
  }
  if (!result.weights.defined()) return result;
  if (result.weights.rank() == values.rank() + 1 && result.weights.shape().back() == 1)
    result.weights = squeeze(result.weights, -1);
  std::vector<int> inner;
  for (int axis = result.weights.rank(); axis < values.rank(); ++axis) inner.push_back(axis);
  if (!inner.empty()) result.values = average ? mean(values, inner) : sum(values, inner);
  bool fits = result.weights.rank() == result.values.rank();
  for (int axis = 0; fits && axis < result.values.rank(); ++axis) {
    const std::int64_t size = result.weights.shape().at(axis);
    fits = size == 1 || size == result.values.shape().at(axis);
  }
  if (!fits) {
    throw Error("metric: sample weights of shape " + result.weights.shape().str() + " do not fit to values of shape " +
                values.shape().str());
  }
  return result;
}

}  // namespace

// The count of samples stays exact: a whole number here, beside the sum of weights on the device.
struct RunningMean::State {
  Tensor total, weights;
  double count = 0.0;

  static void add(Tensor& sum, const Tensor& x) { sum = sum.defined() ? sum + x.to(sum.device()) : x; }
};

RunningMean::RunningMean(std::string name) : Metric(std::move(name)), state_(std::make_shared<State>()) {}

void RunningMean::accumulate(const Tensor& values, const Tensor& sample_weight, const Tensor& mask) {
  StopRecording stop;
  const Tensor given = cast(values, floatx());
  const Weighted w = weighted(given, sample_weight, mask, true);
  const double inner = entries_per_sample(w.values.shape());
  if (!w.weights.defined()) {
    const Tensor total = sum(w.values);
    State::add(state_->total, inner == 1.0 ? total : total / inner);
    state_->count += given.rank() == 0 ? 1.0 : static_cast<double>(given.shape()[0]);
    return;
  }
  const double repeats =
      static_cast<double>(w.values.size()) / static_cast<double>(std::max<std::int64_t>(1, w.weights.size()));
  State::add(state_->total, sum(w.values * w.weights) / inner);
  State::add(state_->weights, sum(w.weights) * (repeats / inner));
}

Tensor RunningMean::result() {
  StopRecording stop;
  if (!state_->total.defined()) return zeros({});
  if (!state_->weights.defined()) return state_->count == 0.0 ? zeros({}) : state_->total / state_->count;
  return divide_no_nan(state_->total, state_->weights + state_->count);
}

void RunningMean::reset_state() { *state_ = State(); }

SavedState RunningMean::state() const {
  return gathered({{"total", state_->total}, {"weights", state_->weights}}, Config::object({{"count", state_->count}}));
}

void RunningMean::restore(const SavedState& state) {
  const double count = state.values.at("count").as_double();
  *state_ = State{sum_of(state, "total"), sum_of(state, "weights"), count};
}

Mean::Mean(MetricOptions options) : RunningMean(named(options.name, "mean")) {}

void Mean::update_state(const Tensor& values, const Tensor& sample_weight, const Tensor&) {
  if (!values.defined()) throw Error(name() + ": there are no values");
  accumulate(values, sample_weight, values.mask());
}

Mean Mean::from_config(const Config& config) { return Mean(metric_options(config)); }

Sum::Sum(MetricOptions options) : Metric(named(options.name, "sum")), total_(std::make_shared<Tensor>()) {}

void Sum::update_state(const Tensor& values, const Tensor& sample_weight, const Tensor&) {
  if (!values.defined()) throw Error(name() + ": there are no values");
  StopRecording stop;
  const Weighted w = weighted(cast(values, floatx()), sample_weight, values.mask(), false);
  const Tensor total = sum(w.weights.defined() ? w.values * w.weights : w.values);
  *total_ = total_->defined() ? *total_ + total.to(total_->device()) : total;
}

Tensor Sum::result() { return total_->defined() ? *total_ : zeros({}); }

void Sum::reset_state() { *total_ = Tensor(); }
SavedState Sum::state() const { return gathered({{"total", *total_}}); }
void Sum::restore(const SavedState& state) { *total_ = sum_of(state, "total"); }

Sum Sum::from_config(const Config& config) { return Sum(metric_options(config)); }

void MeanOfFunction::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  if (!y_true.defined() || !y_pred.defined()) throw Error(name() + ": needs y_true and y_pred");
  StopRecording stop;
  Tensor found = values(y_true, y_pred);
  Tensor mask = y_pred.mask();
  if (found.rank() == 0) {  // a loss has left out what the mask says
    mask = Tensor();
    if (sample_weight.defined()) found = broadcast_to(found, sample_weight.shape());
  }
  // As in Keras, a class that is ignored counts with a value of 0 where nothing is weighted.
  const bool is_weighted = sample_weight.defined() || mask.defined();
  if (found.mask().defined() && is_weighted) mask = mask.defined() ? logical_and(mask, found.mask()) : found.mask();
  accumulate(found, sample_weight, mask);
}

MeanMetricWrapper::MeanMetricWrapper(std::function<Tensor(const Tensor&, const Tensor&)> fn, MetricOptions options)
    : MeanOfFunction(named(options.name, "mean_metric_wrapper")), fn_(std::move(fn)) {
  if (!fn_) throw Error("MeanMetricWrapper: there is no function");
}

MeanMetricWrapper::MeanMetricWrapper(std::shared_ptr<Loss> loss, const std::string& function)
    : MeanOfFunction(function.empty() ? loss->name() : function), loss_(std::move(loss)), function_(function) {
  if (function_.empty())
    fn_ = [of = loss_](const Tensor& y_true, const Tensor& y_pred) { return (*of)(y_true, y_pred); };
  else
    fn_ = [of = loss_](const Tensor& y_true, const Tensor& y_pred) { return of->call(y_true, y_pred); };
}

Config MeanMetricWrapper::config() const {
  Config config = Metric::config();
  if (loss_ && function_.empty()) {
    config["fn"] = to_config(LossRef(loss_));
    return config;
  }
  config["fn"] = Config::keras_object("builtins", "function", function_.empty() ? "<lambda>" : function_);
  config["fn"]["registered_name"] = "function";
  return config;
}

Config MeanMetricWrapper::written_as() const {
  const Config function = config().at("fn");
  return function.get("config") == Config("<lambda>") ? Config() : function;
}

}  // namespace nyala::metrics
