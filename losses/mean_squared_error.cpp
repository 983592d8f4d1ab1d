#include <nyala/losses/regression.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor mean_squared_error(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y(y_true, y_pred, "mean_squared_error");
  return mean(squared_difference(y.truth, y.predicted), -1);
}

MeanSquaredError::MeanSquaredError(LossOptions options) : Loss("mean_squared_error", std::move(options)) {}

Tensor MeanSquaredError::call(const Tensor& y_true, const Tensor& y_pred) { return mean_squared_error(y_true, y_pred); }

MeanSquaredError MeanSquaredError::from_config(const Config& config) { return MeanSquaredError(loss_options(config)); }

}  // namespace nyala::losses
