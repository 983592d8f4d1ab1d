#include <nyala/losses/regression.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor mean_absolute_error(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y(y_true, y_pred, "mean_absolute_error");
  return mean(abs(y.truth - y.predicted), -1);
}

MeanAbsoluteError::MeanAbsoluteError(LossOptions options) : Loss("mean_absolute_error", std::move(options)) {}

Tensor MeanAbsoluteError::call(const Tensor& y_true, const Tensor& y_pred) {
  return mean_absolute_error(y_true, y_pred);
}

MeanAbsoluteError MeanAbsoluteError::from_config(const Config& config) {
  return MeanAbsoluteError(loss_options(config));
}

}  // namespace nyala::losses
