#include <nyala/metrics/accuracy.hpp>

#include <nyala/ops/math.hpp>

#include "support.hpp"

namespace nyala::metrics {

Tensor accuracy(const Tensor& y_true, const Tensor& y_pred) {
  const Aligned y(y_true, y_pred, "accuracy");
  return cast(equal(y.truth, y.predicted), floatx());
}

Accuracy::Accuracy(MetricOptions options) : MeanOfFunction(named(options.name, "accuracy")) {}

Tensor Accuracy::values(const Tensor& y_true, const Tensor& y_pred) { return accuracy(y_true, y_pred); }

Accuracy Accuracy::from_config(const Config& config) { return Accuracy(metric_options(config)); }

}  // namespace nyala::metrics
