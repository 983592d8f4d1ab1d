#include <nyala/losses/regression.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor mean_squared_logarithmic_error(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y(y_true, y_pred, "mean_squared_logarithmic_error");
  return mean(squared_difference(log(maximum(y.predicted, epsilon()) + 1.0), log(maximum(y.truth, epsilon()) + 1.0)),
              -1);
}

MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(LossOptions options)
    : Loss("mean_squared_logarithmic_error", std::move(options)) {}

Tensor MeanSquaredLogarithmicError::call(const Tensor& y_true, const Tensor& y_pred) {
  return mean_squared_logarithmic_error(y_true, y_pred);
}

MeanSquaredLogarithmicError MeanSquaredLogarithmicError::from_config(const Config& config) {
  return MeanSquaredLogarithmicError(loss_options(config));
}

}  // namespace nyala::losses
