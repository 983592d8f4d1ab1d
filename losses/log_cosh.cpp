#include <nyala/losses/regression.hpp>

#include <numbers>
#include <nyala/ops/activations.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor log_cosh(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y(y_true, y_pred, "log_cosh");
  const Tensor x = y.predicted - y.truth;
  return mean(x + softplus(x * -2.0) - std::numbers::ln2, -1);
}

LogCosh::LogCosh(LossOptions options) : Loss("log_cosh", std::move(options)) {}

Tensor LogCosh::call(const Tensor& y_true, const Tensor& y_pred) { return log_cosh(y_true, y_pred); }

LogCosh LogCosh::from_config(const Config& config) { return LogCosh(loss_options(config)); }

}  // namespace nyala::losses
