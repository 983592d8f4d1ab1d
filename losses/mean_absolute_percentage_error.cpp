#include <nyala/losses/regression.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor mean_absolute_percentage_error(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y(y_true, y_pred, "mean_absolute_percentage_error");
  return mean(abs((y.truth - y.predicted) / maximum(abs(y.truth), epsilon())), -1) * 100.0;
}

MeanAbsolutePercentageError::MeanAbsolutePercentageError(LossOptions options)
    : Loss("mean_absolute_percentage_error", std::move(options)) {}

Tensor MeanAbsolutePercentageError::call(const Tensor& y_true, const Tensor& y_pred) {
  return mean_absolute_percentage_error(y_true, y_pred);
}

MeanAbsolutePercentageError MeanAbsolutePercentageError::from_config(const Config& config) {
  return MeanAbsolutePercentageError(loss_options(config));
}

}  // namespace nyala::losses
